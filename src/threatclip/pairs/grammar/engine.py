"""A small grammar engine: rules as text, expansion by one random generator, habits that drift with the year.

A rule text holds lines `name := alternative ¦ alternative`; further lines without `:=` go on with the same rule, lines
that start with `## ` are comments. Inside an alternative, references stand between « and »:

    «cmd»         expand a rule, or a terminal of `terminals.py`     «cmd?»  half of the time;  «cmd?20»  20 % of it
    «dots*3-8»    three to eight expansions in a row                 «=;~|~&&»  one of the literals between the tildes
    «cmd|b64|url» expand, then filter the text (`filters.py`)        «$e:word»  bind once per expansion, «$e» repeats it
    «$e:word*2-5» expand once, repeat that; «nl» «cr» «tab» «sp» «nul» «xac»: a character or raw byte not typed here

An alternative may start with `*3 ` (three times as likely), `@2019 ` (from that year on) or `@-2016 ` (until it). Raw
bytes from 0x80 up travel as surrogate escapes: `to_bytes` gives them back.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp

import numpy as np

from threatclip.pairs.grammar.filters import FILTERS
from threatclip.pairs.grammar.terminals import TERMINALS

FIRST_YEAR = 2012
LAST_YEAR = 2024

_LITERALS = {"nl": "\n", "cr": "\r", "tab": "\t", "sp": " ", "nul": "\x00"}
_RULE = re.compile(r"^([a-z][a-z0-9_]*) := ?(.*)$")
_PREFIX = re.compile(r"^(?:\*(\d+) |@(-?)(\d{4}) )")
_REFERENCE = re.compile(r"«([^«»]+)»")
_NAME = re.compile(r"^(?:\$([a-z0-9]+):?)?([a-z][a-z0-9_]*)?(?:\?(\d*)|\*(\d+)-(\d+))?((?:\|[a-z0-9]+)*)$")

Filter = Callable[[Callable[[], float], str], str]


@dataclass(frozen=True, slots=True)
class _Reference:
    """One parsed «...»: `key` is the binding, `chance` of appearing at all, `low`..`high` repetitions."""

    key: str
    name: str
    chance: float
    low: int
    high: int
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class _Alternative:
    parts: tuple[str | _Reference, ...]
    weight: float
    since: int
    until: int
    favorite: float  # the year in which this habit is strongest


def to_bytes(text: str) -> bytes:
    """Return the bytes of an expansion: UTF-8, with the raw bytes that travelled as surrogate escapes."""
    return text.encode("utf-8", "surrogateescape")


class Grammar:
    """Compiled rules; `expand` is a pure function of the generator's state, the rule, the year and the bindings."""

    def __init__(self, *texts: str) -> None:
        self._rules: dict[str, list[_Alternative]] = {}
        for text in texts:  # a later text replaces the rules of an earlier one
            for name, alternatives in _parse_text(text).items():
                self._rules[name] = [self._alternative(name, each) for each in alternatives]
        self._tables: dict[tuple[str, int], tuple[list[float], list[_Alternative]]] = {}
        self._check()

    def names(self) -> tuple[str, ...]:
        """Return the names of all rules."""
        return tuple(self._rules)

    def expand(
        self, rule: str, rng: np.random.Generator, *, year: int = LAST_YEAR, bindings: Mapping[str, str] | None = None
    ) -> str:
        """Return one text of `rule` as `year` would write it; `bindings` presets `«$name»` references."""
        out: list[str] = []
        self._expand(rule, rng.random, year, dict(bindings or {}), out)
        return "".join(out)

    def _expand(self, rule: str, draw: Callable[[], float], year: int, bound: dict[str, str], out: list[str]) -> None:
        table = self._tables.get((rule, year))
        if table is None:
            table = self._tables[rule, year] = _table(self._rules[rule], year)
        bounds, alternatives = table
        chosen = alternatives[0] if len(alternatives) == 1 else alternatives[bisect(bounds, draw())]
        for part in chosen.parts:
            if isinstance(part, str):
                out.append(part)
            elif part.chance >= 1.0 or draw() < part.chance:
                self._refer(part, draw, year, bound, out)

    def _refer(
        self, part: _Reference, draw: Callable[[], float], year: int, bound: dict[str, str], out: list[str]
    ) -> None:
        target = out if not (part.filters or part.key) else []
        times = part.low if part.low == part.high else part.low + int(draw() * (part.high - part.low + 1))
        if part.key:
            text = bound.get(part.key)
            if text is None:
                once: list[str] = []
                self._name(part.name, draw, year, bound, once)
                text = bound[part.key] = "".join(once)
            target.append(text * times)
        else:
            for _ in range(times):
                self._name(part.name, draw, year, bound, target)
        if target is not out:
            text = "".join(target)
            for each in part.filters:
                text = each(draw, text)
            out.append(text)

    def _name(self, name: str, draw: Callable[[], float], year: int, bound: dict[str, str], out: list[str]) -> None:
        if name in self._rules:
            self._expand(name, draw, year, bound, out)
        else:
            out.append(TERMINALS[name](draw))

    def _alternative(self, rule: str, text: str) -> _Alternative:
        weight, since, until = 1.0, FIRST_YEAR, LAST_YEAR
        body = text
        while (match := _PREFIX.match(body)) is not None:
            if match[1]:
                weight = float(match[1])
            elif match[2]:
                until = int(match[3])
            else:
                since = int(match[3])
            body = body[match.end() :]
        spread = zlib.crc32(f"{rule}\x00{body}".encode("utf-8", "surrogateescape")) / 2**32
        favorite = FIRST_YEAR - 2 + spread * (LAST_YEAR - FIRST_YEAR + 4)
        return _Alternative(self._parts(rule, body), weight, since, until, favorite)

    def _parts(self, rule: str, body: str) -> tuple[str | _Reference, ...]:
        parts: list[str | _Reference] = []
        for index, piece in enumerate(_REFERENCE.split(body)):
            if index % 2:
                parts.append(self._reference(rule, piece))
            elif "«" in piece or "»" in piece:
                raise ValueError(f"grammar rule {rule!r}: a reference is not closed in {piece!r}")
            elif piece:
                parts.append(piece)
        merged: list[str | _Reference] = []
        for part in parts:
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            else:
                merged.append(part)
        return tuple(merged)

    def _reference(self, rule: str, text: str) -> str | _Reference:
        if text.startswith("="):
            name = f"{rule}={text[1:]}"
            self._rules[name] = [_Alternative((each,), 1.0, FIRST_YEAR, LAST_YEAR, 0.0) for each in text[1:].split("~")]
            return _Reference("", name, 1.0, 1, 1, ())
        if text in _LITERALS:
            return _LITERALS[text]
        if re.fullmatch(r"x[0-9a-f]{2}", text):
            code = int(text[1:], 16)
            return chr(code) if code < 0x80 else chr(0xDC00 + code)
        match = _NAME.match(text)
        if match is None:
            raise ValueError(f"grammar rule {rule!r}: cannot read the reference «{text}»")
        key, name, chance, low, high, filters = match.groups()
        return _Reference(
            key or "",
            name or "",
            1.0 if chance is None else int(chance or 50) / 100,
            int(low or 1),
            int(high or 1),
            tuple(FILTERS[each] for each in filters.split("|") if each),
        )

    def _check(self) -> None:
        for rule, alternatives in self._rules.items():
            for part in (part for each in alternatives for part in each.parts):
                name = part.name if isinstance(part, _Reference) else ""
                if name and name not in self._rules and name not in TERMINALS:
                    raise ValueError(f"grammar rule {rule!r} refers to {name!r}, which is not defined")


def _parse_text(text: str) -> dict[str, list[str]]:
    bodies: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("## ") or not line.strip():
            continue
        match = _RULE.match(line)
        if match is not None:
            name = match[1]
            bodies[name] = [match[2].strip()]
        else:
            bodies[name].append(line.strip())
    return {
        name: [part.strip() for part in re.split("[ \t]*¦[ \t]*", " ¦ ".join(lines)) if part.strip()]
        for name, lines in bodies.items()
    }


def _table(alternatives: list[_Alternative], year: int) -> tuple[list[float], list[_Alternative]]:
    """Return running shares and alternatives of one rule in one year; habits fade about three years off their peak."""
    usable = [each for each in alternatives if each.since <= year <= each.until] or alternatives
    weights = [
        each.weight * (0.3 + exp(-0.5 * ((year - each.favorite) / 3.0) ** 2) if each.favorite else 1.0)
        for each in usable
    ]
    total, running, bounds = sum(weights), 0.0, []
    for weight in weights[:-1]:
        running += weight / total
        bounds.append(running)
    return bounds, usable
