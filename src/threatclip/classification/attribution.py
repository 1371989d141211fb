"""Which parts of an input carried an answer: leave one out, and see how sure the rest is.

The parts are found from coarse to fine: few large ones first; then, again and again, the one without which the answer
suffers most is cut smaller, until its words stand alone or the budget of questions is spent. Nothing of the model is
needed but its probabilities, so it explains every member of a pool at once, and counts what each question costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from threatclip.errors import InputError

Score = Callable[[Sequence[bytes]], Float[np.ndarray, " n"]]
"""From inputs to the probability of the answer that is explained."""

LIMIT_BYTES = 16_384
"""What is explained of a longer input: no tower reads more."""

_FIRST_PARTS, _CHILDREN, _AT_ONCE = 24, 8, 2
_KEPT_SHARE = 0.5  # of a part's weight, that its children must carry together to take its place
_EDGE = 1e-6  # probabilities are kept off 0 and 1 by this: log-odds must be finite
# an escape of a URL is a sign, not a word; white space belongs to what follows it; bytes above ASCII count as letters,
# so that no UTF-8 character is cut
_PIECE = re.compile(rb"\s*(?:(?:%[0-9A-Fa-f]{2})+|[0-9A-Za-z_\x80-\xff]+|%|[^\s%0-9A-Za-z_\x80-\xff]+)|\s+")
_SMALL = re.compile(rb"[\x00-\x7f\xc0-\xff][\x80-\xbf]*|[\x80-\xbf]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes `start` to `end` of an input.

    `without` is the answer's probability when they are left out; `weight` is what that takes from its log-odds: above
    0 the part speaks for the answer, below 0 against it.
    """

    start: int
    end: int
    weight: float
    without: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The parts of an input in order, without gaps; none where it cannot be cut.

    Attributes:
        probability: of the answer, for the bytes that are explained.
        parts: what each of them carried.
        explained: number of bytes from the start that were looked at.
        questions: inputs that the model was asked about.
    """

    probability: float
    parts: tuple[Part, ...]
    explained: int
    questions: int


def leave_one_out(content: bytes, score: Score, *, budget: int = 96) -> Attribution:
    """Return what each part of `content` carries of the answer whose probability `score` gives.

    Every part's weight is exact: it is the change when that part alone is left out. A part whose own parts cannot be
    told apart, for each is enough without the other, stays whole.

    Args:
        content: a payload, or text as UTF-8; of more than 16,384 bytes the first are explained, as if alone.
        score: of the whole and of what is left of it.
        budget: most inputs that `score` is asked about, the whole included.

    Raises:
        InputError: a budget below 3.
    """
    if budget < 3:
        raise InputError(f"a budget of {budget} questions; leaving parts out takes 3 at least")
    content = content[:LIMIT_BYTES]
    asked = _Asked(content=content, score=score)
    whole = float(asked([(0, 0)])[0])
    ends = _piece_ends(content)
    if len(ends) < 2:
        return Attribution(probability=whole, parts=(), explained=len(content), questions=asked.n)
    open_parts = asked.parts(_spread(ends, 0, min(_FIRST_PARTS, budget - 1)), whole)
    closed: list[Part] = []
    while open_parts:
        open_parts.sort(key=lambda part: part.weight)
        chosen: list[tuple[Part, int]] = []
        rows: list[tuple[int, int]] = []
        while open_parts and len(chosen) < _AT_ONCE:
            part = open_parts.pop()
            spans = _spread([end for end in ends if part.start < end <= part.end], part.start, _CHILDREN)
            if len(spans) < 2 or part.weight <= 0 or asked.n + len(rows) + len(spans) > budget:
                closed.append(part)
            else:
                chosen.append((part, len(spans)))
                rows += spans
        found = asked.parts(rows, whole) if rows else []
        for part, n in chosen:
            children, found = found[:n], found[n:]
            if sum(max(child.weight, 0.0) for child in children) >= _KEPT_SHARE * part.weight:
                open_parts += children
            else:
                closed.append(part)
    parts = tuple(sorted(closed, key=lambda part: part.start))
    return Attribution(probability=whole, parts=parts, explained=len(content), questions=asked.n)


@dataclass(slots=True)
class _Asked:
    content: bytes
    score: Score
    n: int = 0

    def __call__(self, spans: Sequence[tuple[int, int]]) -> Float[np.ndarray, " n"]:
        """Return the probability when each span is left out."""
        self.n += len(spans)
        return np.asarray(self.score([self.content[:start] + self.content[end:] for start, end in spans]), np.float64)

    def parts(self, spans: Sequence[tuple[int, int]], whole: float) -> list[Part]:
        """Return the spans with what leaving each out takes."""
        without = self(spans)
        weights = _log_odds(whole) - _log_odds(without)
        return [
            Part(start=start, end=end, weight=float(weight), without=float(left))
            for (start, end), weight, left in zip(spans, weights.tolist(), without.tolist(), strict=True)
        ]


def _log_odds(probability: float | Float[np.ndarray, " n"]) -> Float[np.ndarray, " *n"]:
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(p) - np.log1p(-p))


def _piece_ends(content: bytes) -> list[int]:
    """Return where words and runs of signs end; characters, where there is but one word."""
    ends = [found.end() for found in _PIECE.finditer(content)]
    return ends if len(ends) > 1 else [found.end() for found in _SMALL.finditer(content)]


def _spread(ends: Sequence[int], start: int, n: int) -> list[tuple[int, int]]:
    """Return at most `n` spans of about as many pieces each."""
    places = np.unique(np.linspace(0, len(ends), min(n, len(ends)) + 1).round().astype(int))[1:]
    stops = [ends[place - 1] for place in places]
    return list(zip([start, *stops[:-1]], stops, strict=True))
