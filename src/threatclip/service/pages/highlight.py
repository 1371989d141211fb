"""What a person sees of an input: its characters, made harmless and visible, painted by what each part carried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from threatclip.classification.attribution import Attribution, Part
from threatclip.experiments.report_text import Excerpt, excerpt
from threatclip.pairs.pair import Modality, Pair

SHOWN_BYTES = 6_000
_TOLD_PARTS, _TOLD_CHARACTERS = 6, 90
_LEVELS = 4
_LEAST_WEIGHT = 0.1  # in log-odds: below it a part changes no probability by more than 2.5 points
_LEAST_SHARE = 0.12  # of the largest weight: what is painted everywhere points nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Characters that are painted alike: level 1 to 4 speaks for the answer, -1 to -4 against it, 0 neither."""

    level: int
    text: Excerpt
    without: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One part in words: what it is, and how probable the answer is without it."""

    text: Excerpt
    without: float
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An input as a page shows it; `hidden` bytes follow what is shown."""

    runs: tuple[Run, ...]
    told: tuple[Told, ...]
    hidden: int
    n_bytes: int
    explained: int | None
    questions: int | None


def content_of(pair: Pair, reads: Modality) -> bytes:
    """Return what of an input is shown and explained: a payload or text itself, a post's words."""
    return (pair.caption or "").encode("utf-8", "replace") if reads == "image" else pair.view


def shown(content: bytes, carried: Attribution | None) -> Shown:
    """Return an input for the page; without an attribution nothing is painted."""
    is_text = _is_text(content)
    parts: Sequence[Part] = () if carried is None else carried.parts
    top = max((abs(part.weight) for part in parts), default=0.0)
    runs = [
        Run(level=level, text=_text(content[start:end], is_text), without=without)
        for start, end, level, without in _merged(parts, top, min(len(content), SHOWN_BYTES))
    ]
    return Shown(
        runs=tuple(runs),
        told=() if carried is None else _told(content, carried, is_text),
        hidden=max(0, len(content) - SHOWN_BYTES),
        n_bytes=len(content),
        explained=None if carried is None else carried.explained,
        questions=None if carried is None else carried.questions,
    )


def _merged(parts: Sequence[Part], top: float, end: int) -> Iterator[tuple[int, int, int, float | None]]:
    """Yield (start, end, level, probability without) up to `end`; neighbors that carry nothing become one."""
    plain = 0
    for part in parts:
        if part.start >= end:
            break
        level = level_of(part.weight, top)
        if level:
            if plain < part.start:
                yield plain, part.start, 0, None
            yield part.start, min(part.end, end), level, part.without
            plain = min(part.end, end)
    if plain < end:
        yield plain, end, 0, None


def level_of(weight: float, top: float) -> int:
    """Return 1 to 4 for a weight in quarters of the largest, negative where it is; 0 where it is next to nothing."""
    if abs(weight) < max(_LEAST_WEIGHT, _LEAST_SHARE * top):
        return 0
    level = min(_LEVELS, int(_LEVELS * abs(weight) / top) + 1)
    return level if weight > 0 else -level


def _told(content: bytes, carried: Attribution, is_text: bool) -> tuple[Told, ...]:
    heaviest = sorted(carried.parts, key=lambda part: -abs(part.weight))[:_TOLD_PARTS]
    return tuple(
        Told(
            text=excerpt(_decoded(content[part.start : part.end], is_text).strip(), limit=_TOLD_CHARACTERS),
            without=part.without,
            points=part.without - carried.probability,
        )
        for part in heaviest
        if level_of(part.weight, abs(heaviest[0].weight))
    )


def _is_text(content: bytes) -> bool:
    """Tell whether the whole is UTF-8: a part of it must be read as the whole is."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(content: bytes, is_text: bool) -> str:
    return content.decode("utf-8", "replace") if is_text else content.decode("latin-1")


def _text(content: bytes, is_text: bool) -> Excerpt:
    text = _decoded(content, is_text)
    return excerpt(text, limit=len(text))
