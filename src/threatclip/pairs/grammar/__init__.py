"""The grammars of the embedded sample pairs: one per weakness class, one for benign traffic."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np

from threatclip.errors import InputError
from threatclip.pairs.grammar import common
from threatclip.pairs.grammar.engine import Grammar
from threatclip.pairs.grammar.start import SEPARATOR, Start

BENIGN = "benign"
CLASSES = (
    "xss",
    "sql-injection",
    "path-traversal",
    "command-injection",
    "code-injection",
    "deserialization",
    "file-upload",
    "ssrf",
    "xxe",
    "open-redirect",
    "info-exposure",
    "access-control",
)


@dataclass(frozen=True, slots=True)
class ClassGrammar:
    """The compiled rules of one class and its start rules."""

    rules: Grammar
    starts: tuple[Start, ...]


@cache
def class_grammar(label: str) -> ClassGrammar:
    """Return the grammar of a class, compiled once.

    Raises:
        InputError: no such class.
    """
    if label not in (*CLASSES, BENIGN):
        raise InputError(f"no sample grammar for class {label!r}; the classes are {', '.join(CLASSES)}")
    module = importlib.import_module(f"threatclip.pairs.grammar.{label.replace('-', '_')}")
    texts = getattr(module, "TEXTS", None) or (module.TEXT,)
    return ClassGrammar(Grammar(common.TEXT, *texts), module.STARTS)


def draw_start(starts: tuple[Start, ...], rng: np.random.Generator) -> Start:
    """Return one start rule by weight."""
    bounds = list(accumulate(start.weight for start in starts))
    at = rng.random() * bounds[-1]
    return next((start for start, bound in zip(starts, bounds, strict=True) if at < bound), starts[-1])


def attack_values(label: str, rng: np.random.Generator, *, year: int | None = None) -> str:
    """Return one raw attack string of a class, as `year` would write it (any year when None).

    Raw bytes travel as surrogate escapes. For classes whose attack is a whole body or request, that is returned.

    Raises:
        InputError: no such class.
    """
    grammar = class_grammar(label)
    start = draw_start(grammar.starts, rng)
    chosen = 2012 + int(rng.random() * 13) if year is None else year
    return grammar.rules.expand(start.rule, rng, year=chosen).replace(SEPARATOR, "\n")
