"""What the requests of one flaw share: the application's kind, its path, the parameter, the year."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from threatclip.pairs.grammar import common, surroundings
from threatclip.pairs.grammar.engine import FIRST_YEAR, LAST_YEAR, Grammar
from threatclip.pairs.grammar.terminals import pick, syllables

_STYLE_WEIGHTS = (5, 6, 2, 3, 1, 2, 5, 4, 2, 0.6, 1.5, 1.5)
_STYLE_BOUNDS = np.cumsum(np.array(_STYLE_WEIGHTS) / sum(_STYLE_WEIGHTS))
_PARAMETER_RULES = {
    "xss": "param_xss",
    "sql-injection": "param_sql",
    "path-traversal": "param_file",
    "command-injection": "param_cmd",
    "code-injection": "param_code",
    "deserialization": "param_object",
    "ssrf": "param_url",
    "xxe": "param_xml",
    "open-redirect": "param_next",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One flaw's surroundings; variants of one group share it."""

    style: str
    slug: str
    path: str
    parameter: str
    year: int


_FAMILY_STYLES: dict[str, tuple[str, ...]] = {
    "PHP": ("wordpress", "php", "php", "joomla"),
    "Java": ("java", "java", "struts", "rest", "router"),
    "Python": ("python", "python", "rest", "router"),
    "JavaScript": ("node", "node", "graphql", "rest"),
    "Ruby": ("rest", "node", "router"),
    "Perl": ("cgi",),
    ".NET": ("aspnet",),
}


@cache
def surroundings_grammar() -> Grammar:
    """Return the compiled rules of everything around an attack."""
    return Grammar(common.TEXT, surroundings.TEXT)


def draw_year(rng: np.random.Generator, years: tuple[int, int] = (FIRST_YEAR, LAST_YEAR)) -> int:
    """Return a year from the first to the last of `years`; later ones are more frequent, as published flaws are."""
    first, last = years
    return first + int((last - first + 1) * rng.random() ** 0.75)


def draw_scene(
    rng: np.random.Generator,
    *,
    label: str | None = None,
    family: str = "",
    year: int | None = None,
    slug: str | None = None,
) -> Scene:
    """Return a random scene; `label` biases the parameter's name and `family` the kind of application."""
    grammar = surroundings_grammar()
    chosen_year = draw_year(rng) if year is None else year
    fitting = _FAMILY_STYLES.get(family)
    if fitting is not None and rng.random() < 0.85:
        style = pick(rng.random, fitting)
    else:
        style = surroundings.STYLES[min(int(np.searchsorted(_STYLE_BOUNDS, rng.random())), len(_STYLE_WEIGHTS) - 1)]
    chosen_slug = slug or syllables(rng.random)
    rule = f"path_{style}"
    if label == "file-upload" and rng.random() < 0.6:
        rule = "path_upload"
    biased = label is not None and rng.random() < 0.7
    return Scene(
        style=style,
        slug=chosen_slug,
        path=grammar.expand(rule, rng, year=chosen_year, bindings={"slug": chosen_slug}),
        parameter=grammar.expand(
            _PARAMETER_RULES.get(label or "", "param_any") if biased else "param_any", rng, year=chosen_year
        ),
        year=chosen_year,
    )
