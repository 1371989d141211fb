"""A caption taken apart: phrases of a lexicon and single words, each with its role; no parser, no model."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from threatclip.defenses.subcaptions.lexicon import WORD, Concept, Lexicon, Role

MAX_CHARS = 2000  # of a caption are read; towers read fewer
_JOINS = re.compile(r"[ \t\n-]{1,3}")  # what may stand between the words of one phrase
_NUMBER = re.compile(r"[\d.,]*\d[\w.]*")
_SUFFIXES: tuple[tuple[Role, tuple[str, ...]], ...] = (
    ("attribute", ("able", "ible", "ful", "less", "ous", "ish", "ly")),
    ("relation", ("ing", "izes", "ises", "ed")),
)
_LONG_ENOUGH = 5  # letters from which an ending tells something: "red", "king" and "bed" are what they are


@dataclass(frozen=True, slots=True)
class Token:
    """One word or phrase of a caption.

    Attributes:
        start: where it begins in the caption.
        end: where it ends.
        role: object, attribute, relation or function.
        concept: what it means, where the lexicon knows it.
        inflection: which inflection of the concept; None where the lexicon never puts this word in.
        frame: tells of the picture or report, not of what it shows.
    """

    start: int
    end: int
    role: Role
    concept: Concept | None = None
    inflection: int | None = None
    frame: bool = False


def decompose(caption: str, lexicon: Lexicon) -> list[Token]:
    """Return the words and known phrases of a caption in order; what stands between them belongs to none.

    The longest phrase that the lexicon knows wins; a word that it does not know is judged by its ending, and is an
    object where that says nothing. Pure: the same caption and lexicon give the same tokens. At most `MAX_CHARS`
    characters are read.
    """
    read = caption[:MAX_CHARS]
    spans = [match.span() for match in WORD.finditer(read)]
    words = [read[start:end].lower() for start, end in spans]
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        length, token = _token(read, words, spans, at, lexicon)
        tokens.append(token)
        at += length
    return tokens


def _token(
    read: str, words: Sequence[str], spans: Sequence[tuple[int, int]], at: int, lexicon: Lexicon
) -> tuple[int, Token]:
    """Return how many words the token at word `at` has, and the token."""
    start, end = spans[at]
    for length in lexicon.lengths.get(words[at], ()):
        if at + length > len(words) or (length > 1 and not _joined(read, spans[at : at + length])):
            continue
        phrase = tuple(words[at : at + length])
        entry = lexicon.entries.get(phrase)
        end = spans[at + length - 1][1]
        if entry is not None:
            return length, Token(start, end, entry.concept.role, entry.concept, entry.inflection)
        if phrase in lexicon.framing:
            return length, Token(start, end, "function", frame=True)
    return 1, Token(start, spans[at][1], _guessed(words[at], lexicon))


def _joined(read: str, spans: Sequence[tuple[int, int]]) -> bool:
    return all(_JOINS.fullmatch(read, before[1], after[0]) for before, after in itertools.pairwise(spans))


def _guessed(word: str, lexicon: Lexicon) -> Role:
    """Return the role of a word that the lexicon gives no meaning."""
    if word in lexicon.functions:
        return "function"
    if _NUMBER.fullmatch(word):
        return "attribute"
    if len(word) >= _LONG_ENOUGH:
        for role, endings in _SUFFIXES:
            if word.endswith(endings):
                return role
    return "object"
