"""The embedded generator of sample pairs: attack requests and the descriptions of the flaws that they exploit.

It stands in for the seed paper's LLM-made benchmark [payload spec A.3], without an LLM: a grammar per class, seeded,
endless. Row i is a pure function of (seed, i) and the other arguments, so a longer table begins with the shorter one.
Habits of the attacks drift over the years 2012 to 2024, so that a temporal split is harder than a random one, and
techniques that became public in a known year do not occur before it: training material for a temporal split is made
with `years=(2012, last training year)`.
Products, vendors and flaws are invented; hosts are reserved for examples (RFC 2606, RFC 5737) or private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

import numpy as np

from threatclip.errors import InputError
from threatclip.pairs.grammar import BENIGN, CLASSES, attack_values, captions, class_grammar, draw_start, products
from threatclip.pairs.grammar.engine import FIRST_YEAR, LAST_YEAR, Grammar
from threatclip.pairs.grammar.frames import PARAM_PLACES, draw_place, wrap_in_request
from threatclip.pairs.grammar.scene import Scene, draw_scene, draw_year
from threatclip.pairs.grammar.start import Place, Start
from threatclip.pairs.grammar.terminals import syllables
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng as named_rng

__all__ = ["CLASSES", "attack_values", "sample_pairs", "wrap_in_request"]

_VARIANTS = (2, 1, 3, 1, 2)  # payloads per flaw, round by round; every round has one flaw of each class
_ROUNDS_PER_CYCLE = len(_VARIANTS)
_VENDORS = 600
_PLAIN_SHARE = 0.4  # descriptions that do not name their class
_STEMS = {
    "xss": "xss",
    "sql-injection": "sql",
    "path-traversal": "path",
    "command-injection": "cmd",
    "code-injection": "code",
    "deserialization": "object",
    "file-upload": "upload",
    "ssrf": "ssrf",
    "xxe": "xxe",
    "open-redirect": "redirect",
    "info-exposure": "info",
    "access-control": "access",
}
_WHERE: Mapping[Place, str] = {
    "header": "where_header",
    "cookie": "where_header",
    "path": "where_path",
    "tail": "where_path",
    "target": "where_path",
    "xml": "where_body",
    "jsonbody": "where_body",
    "formbody": "where_body",
    "binary": "where_body",
    "message": "where_path",
    "part": "where_upload",
    "put": "where_path",
}

_OWN_PATH = frozenset({"target", "message", "tail", "put"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flaw:
    """One invented vulnerability: what the payloads of one group share."""

    group: str
    scene: Scene
    place: Place
    family: str
    caption: str
    time: datetime
    vendor: str
    product: str


def sample_pairs(
    *,
    n: int,
    seed: int,
    classes: Sequence[str] | None = None,
    benign_fraction: float = 0.0,
    years: tuple[int, int] = (FIRST_YEAR, LAST_YEAR),
) -> Iterator[Pair]:
    """Yield `n` pairs, balanced over `classes`, with benign requests strewn in evenly.

    Args:
        n: how many pairs; memory does not grow with it.
        seed: the seed of every choice.
        classes: the labels to draw from, all twelve when None.
        benign_fraction: share of pairs without an attack (label None, meta kind "benign"), from 0 to 1.
        years: first and last year of the pairs, within 2012 to 2024.

    Raises:
        InputError: a negative `n`, an unknown or repeated class, a share outside [0, 1], years outside their range.
    """
    labels = tuple(CLASSES if classes is None else classes)
    _check(n, labels, benign_fraction, years)
    return _rows(n, seed, labels, benign_fraction, years)


def _rows(n: int, seed: int, labels: tuple[str, ...], benign_fraction: float, years: tuple[int, int]) -> Iterator[Pair]:
    for row in range(n):
        benign_before = int(row * benign_fraction)
        if int((row + 1) * benign_fraction) > benign_before:
            yield _benign_pair(seed, row, benign_before, years)
        else:
            yield _attack_pair(seed, row, row - benign_before, labels, years)


def _check(n: int, labels: tuple[str, ...], benign_fraction: float, years: tuple[int, int]) -> None:
    if n < 0:
        raise InputError(f"cannot make {n} sample pairs; ask for zero or more")
    unknown = [label for label in labels if label not in CLASSES]
    if unknown or not labels or len(set(labels)) != len(labels):
        raise InputError(f"sample classes {list(labels)} are not distinct names out of {', '.join(CLASSES)}")
    if not 0.0 <= benign_fraction <= 1.0:
        raise InputError(f"benign_fraction {benign_fraction} is not between 0 and 1")
    if not FIRST_YEAR <= years[0] <= years[1] <= LAST_YEAR:
        raise InputError(f"sample years {years[0]} to {years[1]} are not within {FIRST_YEAR} to {LAST_YEAR}, in order")


def _attack_pair(seed: int, row: int, index: int, labels: tuple[str, ...], years: tuple[int, int]) -> Pair:
    flaw_number, label = _flaw_of(index, labels)
    flaw = _flaw(seed, flaw_number, label, years)
    rng = named_rng(seed, f"samples/row/{row}")
    grammar = class_grammar(label)
    start = draw_start(_starts_at(label, flaw.place, flaw.family), rng)
    value = grammar.rules.expand(start.rule, rng, year=flaw.scene.year)
    return Pair(
        id=f"sample-{seed}-{row:07d}",
        view=wrap_in_request(value, rng, place=flaw.place, scene=flaw.scene),
        caption=flaw.caption,
        label=label,
        group=flaw.group,
        time=flaw.time,
        meta={"vendor": flaw.vendor, "product": flaw.product, "kind": "attack", "source": "samples"},
    )


def _benign_pair(seed: int, row: int, number: int, years: tuple[int, int]) -> Pair:
    rng = named_rng(seed, f"samples/row/{row}")
    start = draw_start(class_grammar(BENIGN).starts, rng)
    product, scene = _product(rng, label=None, year=draw_year(rng, years))
    vendor = _vendor(seed, rng)
    value = class_grammar(BENIGN).rules.expand(start.rule, rng, year=scene.year)
    place = start.places[int(rng.random() * len(start.places))]
    bindings = {"vendor": vendor, "product": product}
    return Pair(
        id=f"sample-{seed}-{row:07d}",
        view=wrap_in_request(value, rng, place=place, scene=scene),
        caption=_caption_grammar().expand("benign", rng, year=scene.year, bindings=bindings),
        group=f"SAMPLE-{scene.year}-B{number:05d}",
        time=_day(rng, scene.year),
        meta={"vendor": vendor, "product": product, "kind": "benign", "source": "samples"},
    )


def _flaw_of(index: int, labels: tuple[str, ...]) -> tuple[int, str]:
    """Return the number of the flaw that attack row `index` exploits, and its class.

    A round holds one flaw of each class, and its rows go class by class, so that any prefix is balanced to one round.
    """
    size = len(labels)
    cycle, rest = divmod(index, size * sum(_VARIANTS))
    for done, variants in enumerate(_VARIANTS):
        if rest < size * variants:
            place = rest % size
            return (cycle * _ROUNDS_PER_CYCLE + done) * size + place, labels[place]
        rest -= size * variants
    raise AssertionError(f"row {index} lies outside its cycle")


@lru_cache(maxsize=256)
def _flaw(seed: int, number: int, label: str, years: tuple[int, int]) -> _Flaw:
    rng = named_rng(seed, f"samples/flaw/{label}/{number}")
    start = draw_start(class_grammar(label).starts, rng)
    product, scene = _product(rng, label=label, family=start.family, year=draw_year(rng, years))
    vendor = _vendor(seed, rng)
    place = start.places[int(rng.random() * len(start.places))]
    if place == "param":
        place = draw_place(rng, scene)
    bindings = {"vendor": vendor, "product": product, "tongue": start.family or "script"}
    return _Flaw(
        group=f"SAMPLE-{scene.year}-{number + 1:05d}",
        scene=scene,
        place=place,
        family=start.family,
        caption=_caption(rng, label=label, scene=scene, place=place, bindings=bindings),
        time=_day(rng, scene.year),
        vendor=vendor,
        product=product,
    )


def _product(rng: np.random.Generator, *, label: str | None, year: int, family: str = "") -> tuple[str, Scene]:
    grammar = _product_grammar()
    name = grammar.expand("product_name", rng, year=year)
    slug = name.lower() if rng.random() < 0.8 else syllables(rng.random)
    scene = draw_scene(rng, label=label, family=family, year=year, slug=slug)
    return grammar.expand(f"product_{scene.style}", rng, year=year, bindings={"name": name}), scene


def _vendor(seed: int, rng: np.random.Generator) -> str:
    """Return one of the seed's vendors; a few of them have many flaws, most have one or two."""
    return _vendor_name(seed, int(_VENDORS * rng.random() ** 2))


@lru_cache(maxsize=_VENDORS)
def _vendor_name(seed: int, number: int) -> str:
    return _product_grammar().expand("vendor", named_rng(seed, f"samples/vendor/{number}"))


def _caption(rng: np.random.Generator, *, label: str, scene: Scene, place: Place, bindings: Mapping[str, str]) -> str:
    grammar = _caption_grammar()
    component = scene.path.partition("?")[0]
    last = component.rsplit("/", 1)[-1]
    if place in _OWN_PATH:  # the payload brings its own path, so the description names none
        component = grammar.expand("part_of_product", rng, year=scene.year)
    elif "." in last and rng.random() < 0.5:
        component = last
    bound = {**bindings, **_versions(rng), "component": component, "param": scene.parameter, "year": str(scene.year)}
    bound["where"] = grammar.expand(_WHERE.get(place, "where_param"), rng, year=scene.year, bindings=bound)
    bound["affected"] = grammar.expand("affected", rng, year=scene.year, bindings=bound)
    kind = "plain" if rng.random() < _PLAIN_SHARE else "named"
    text = grammar.expand(f"{kind}_{_STEMS[label]}", rng, year=scene.year, bindings=bound)
    return text[:1].upper() + text[1:]


def _versions(rng: np.random.Generator) -> dict[str, str]:
    """Return the first and the last affected version and the one that is mended."""
    major, minor, patch = 1 + int(rng.random() ** 2 * 13), int(rng.random() * 20), int(rng.random() * 12)
    low = f"{major - 1}.{int(rng.random() * 9)}"
    if rng.random() < 0.3:
        return {"low": low, "high": f"{major}.{minor}", "fixed": f"{major}.{minor + 1}"}
    return {"low": low, "high": f"{major}.{minor}.{patch}", "fixed": f"{major}.{minor}.{patch + 1}"}


def _day(rng: np.random.Generator, year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=int(rng.random() * 365))


@cache
def _starts_at(label: str, place: Place, family: str) -> tuple[Start, ...]:
    """Return the start rules of a class and family whose texts may stand at `place`."""
    return tuple(
        start
        for start in class_grammar(label).starts
        if start.family == family and (place in start.places or ("param" in start.places and place in PARAM_PLACES))
    )


@cache
def _caption_grammar() -> Grammar:
    return Grammar(*captions.TEXTS)


@cache
def _product_grammar() -> Grammar:
    return Grammar(products.TEXT)
