"""Sub-captions of one caption: a factual one, which says less, and counterfactual ones, which say what is not so.

[TA-Cleaner, arXiv 2409.17601] has no released generator; this is our specification of one. Promised of every caption:
the positive consists of words of the caption, in their order; a negative differs from the caption in what it replaces
only, never by a word that says the same, and never names a class that the caption or its label names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from threatclip.checks import check, distinct
from threatclip.defenses.subcaptions.decompose import MAX_CHARS, Token, decompose
from threatclip.defenses.subcaptions.lexicon import THING, Concept, Lexicon

Swapped = Literal["object", "attribute", "relation"]
SWAPPED: tuple[Swapped, ...] = ("object", "attribute", "relation")
_TRIES = 8  # draws of a replacement at random before all of them are looked at
_LINKS = frozenset({"and", "or"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcaptions:
    """What was made of one caption."""

    positive: str
    negatives: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A caption taken apart once, for as many sub-captions as are wanted.

    Attributes:
        caption: as it was, cut to what is read.
        tokens: see `decompose`.
        units: sets of tokens that may be left out together.
        swaps: the concepts that can be replaced, by role.
        barred: names of concepts that are never put in: those of the caption and of its label.
    """

    caption: str
    tokens: tuple[Token, ...]
    units: tuple[frozenset[int], ...]
    swaps: tuple[tuple[Concept, ...], ...]
    barred: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """How sub-captions are made.

    Attributes:
        lexicon: what words mean.
        swapped: roles of which a word is replaced in a negative.
        drop: probability that a part that may be left out is; at least one is, where there is one.
    """

    lexicon: Lexicon
    swapped: tuple[Swapped, ...] = SWAPPED
    drop: float = 0.5

    def __post_init__(self) -> None:
        check("drop", self.drop, 0 < self.drop <= 1, "in (0, 1]")
        check("swapped", self.swapped, bool(self.swapped) and set(self.swapped) <= set(SWAPPED), f"some of {SWAPPED}")
        distinct("swapped", self.swapped)

    def parts(self, caption: str, label: str | None = None) -> Parts:
        """Take a caption apart; `label` is the class of its pair, where that is known."""
        caption = caption[:MAX_CHARS]
        tokens = tuple(decompose(caption, self.lexicon))
        named = {token.concept.name: token.concept for token in tokens if token.concept is not None}
        barred = frozenset(named) | self.lexicon.of_class(label)
        able = [concept for concept in named.values() if self._has_other(concept, tokens, barred)]
        swaps = [tuple(concept for concept in able if concept.role == role) for role in self.swapped]
        units = _units(caption, tokens)
        return Parts(caption=caption, tokens=tokens, units=units, swaps=tuple(filter(None, swaps)), barred=barred)

    def positive(self, parts: Parts, rng: np.random.Generator) -> str:
        """Return a true caption that says less; the caption itself where there is nothing to leave out."""
        if not parts.units:
            return parts.caption
        gone = rng.random(len(parts.units)) < self.drop
        if not gone.any():
            gone[int(rng.integers(len(gone)))] = True
        dropped = frozenset().union(*(unit for unit, out in zip(parts.units, gone.tolist(), strict=True) if out))
        return _kept(parts, dropped)

    def negatives(self, parts: Parts, n: int, rng: np.random.Generator) -> tuple[str, ...]:
        """Return up to `n` different false captions, each with one meaning replaced wherever it stands.

        The role is drawn first, so that two prepositions do not outweigh one noun.
        """
        made: list[str] = []
        used: set[tuple[str, str]] = set()
        open_roles = [list(role) for role in parts.swaps]
        while len(made) < n and open_roles:
            role = open_roles[int(rng.integers(len(open_roles)))]
            concept = role[int(rng.integers(len(role)))]
            other = self._drawn(concept, parts, used, rng)
            if other is None:
                role.remove(concept)
                open_roles = [role for role in open_roles if role]
                continue
            used.add((concept.name, other.name))
            text, words = _swapped(parts, concept, other, rng)
            if self._holds(text, words, parts, concept, other):
                made.append(text)
        return tuple(made)

    def make(self, caption: str, *, n: int, rng: np.random.Generator, label: str | None = None) -> Subcaptions:
        """Return a positive and up to `n` negatives of a caption."""
        parts = self.parts(caption, label)
        return Subcaptions(positive=self.positive(parts, rng), negatives=self.negatives(parts, n, rng))

    def _drawn(
        self, concept: Concept, parts: Parts, used: set[tuple[str, str]], rng: np.random.Generator
    ) -> Concept | None:
        """Return a replacement that was not used yet, or None where there is none left."""
        group = self.lexicon.groups[concept.group]
        for _ in range(_TRIES):
            other = group[int(rng.integers(len(group)))]
            if (concept.name, other.name) not in used and self._fits(other, concept, parts.tokens, parts.barred):
                return other
        fitting = [
            other
            for other in group
            if (concept.name, other.name) not in used and self._fits(other, concept, parts.tokens, parts.barred)
        ]
        return fitting[int(rng.integers(len(fitting)))] if fitting else None

    def _has_other(self, concept: Concept, tokens: Sequence[Token], barred: frozenset[str]) -> bool:
        return any(self._fits(other, concept, tokens, barred) for other in self.lexicon.groups.get(concept.group, ()))

    def _fits(self, other: Concept, concept: Concept, tokens: Sequence[Token], barred: frozenset[str]) -> bool:
        """Tell whether `other` may stand where `concept` does: false there, named nowhere, and inflected as needed."""
        if other.name in barred or not self.lexicon.unlike(concept, other):
            return False
        needed = {token.inflection for token in tokens if token.concept is concept}
        return all(place is not None and place < len(other.forms) and other.forms[place] for place in needed)

    def _holds(self, text: str, words: set[str], parts: Parts, concept: Concept, other: Concept) -> bool:
        """Tell whether the words put in, beside their new neighbors, mean `other` and nothing else."""
        if self.lexicon.joining.isdisjoint(words):
            return True  # no phrase that the lexicon knows can have come about
        found = {token.concept.name for token in decompose(text, self.lexicon) if token.concept is not None}
        before = {token.concept.name for token in parts.tokens if token.concept is not None} - {concept.name}
        return found == before | {other.name}


def _units(caption: str, tokens: Sequence[Token]) -> tuple[frozenset[int], ...]:
    """Return what may be left out: frames, attributes, and every part but the one that says what it is about.

    A part runs up to an object, or to the last of several in a row; what follows the last object is a part too. The
    part that must stay is the first one that names a class, else the first with an object; a part after it that is led
    by a verb stays as well ("keep relation verb and key nouns").
    """
    chunks = _chunks(caption, tokens)
    key = _key(chunks, tokens)
    if key is None:
        return ()
    act = key + 1 if key + 1 < len(chunks) and _leads_verb(chunks[key + 1], tokens) else key
    units = []
    for place, chunk in enumerate(chunks):
        if place not in (key, act):
            units.append(frozenset(chunk))
        units += [frozenset([at]) for at in chunk if tokens[at].frame]
        units += [_with_link(at, caption, tokens) for at in chunk if tokens[at].role == "attribute"]
    return tuple(dict.fromkeys(units))


def _chunks(caption: str, tokens: Sequence[Token]) -> list[list[int]]:
    chunks: list[list[int]] = [[]]
    for at, token in enumerate(tokens):
        chunks[-1].append(at)
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if token.role != "object" or following is None:
            continue
        if following.role != "object" or caption[token.end : following.start].strip():
            chunks.append([])
    return [chunk for chunk in chunks if chunk]


def _key(chunks: Sequence[Sequence[int]], tokens: Sequence[Token]) -> int | None:
    objects = [(place, tokens[at]) for place, chunk in enumerate(chunks) for at in chunk if tokens[at].role == "object"]
    known = (place for place, token in objects if token.concept is not None and token.concept.group == THING)
    return next(known, objects[0][0] if objects else None)


def _leads_verb(chunk: Sequence[int], tokens: Sequence[Token]) -> bool:
    first = next((tokens[at] for at in chunk if tokens[at].role != "function"), None)
    has_object = any(tokens[at].role == "object" for at in chunk)
    return (
        first is not None
        and has_object
        and first.role == "relation"
        and (first.concept is None or first.concept.group != "preposition")
    )


def _with_link(at: int, caption: str, tokens: Sequence[Token]) -> frozenset[int]:
    """Return an attribute with the word that links it to the next one ("red and" of "red and white car")."""
    if at + 2 < len(tokens) and tokens[at + 2].role == "attribute":
        link = tokens[at + 1]
        if caption[link.start : link.end].lower() in _LINKS:
            return frozenset([at, at + 1])
    return frozenset([at])


def _kept(parts: Parts, dropped: frozenset[int]) -> str:
    """Return the tokens that stay, with what stood between those that were neighbors."""
    text = ""
    last: int | None = None
    for at, token in enumerate(parts.tokens):
        if at in dropped:
            continue
        if last is not None:
            text += parts.caption[parts.tokens[last].end : token.start] if at == last + 1 else " "
        text += parts.caption[token.start : token.end]
        last = at
    return text


def _swapped(parts: Parts, concept: Concept, other: Concept, rng: np.random.Generator) -> tuple[str, set[str]]:
    """Return the caption with every word of `concept` replaced by one of `other`, and which words were put in.

    Articles and capitals are fitted.
    """
    text, done, put = "", 0, set()
    for token in parts.tokens:
        if token.concept is not concept or token.inflection is None:
            continue
        forms = other.forms[token.inflection]
        word = forms[int(rng.integers(len(forms)))]
        put.update(word.split())
        if parts.caption[token.start].isupper():
            word = word[:1].upper() + word[1:]
        text = _with_article(text + parts.caption[done : token.start], word) + word
        done = token.end
    return text + parts.caption[done:], put


def _with_article(before: str, word: str) -> str:
    """Return `before` with an article at its end that fits `word`."""
    head = before.rstrip(" ")
    article = head.rpartition(" ")[2]
    if article.lower() not in ("a", "an") or len(head) == len(before):
        return before
    fitting = article[0] + ("n" if word[0].lower() in "aeiou" else "")
    return before[: len(head) - len(article)] + fitting + before[len(head) :]
