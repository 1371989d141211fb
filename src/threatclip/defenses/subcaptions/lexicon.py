"""Words that stand for one thing, what can stand in their place, and what classes are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from threatclip.errors import InputError

Role = Literal["object", "attribute", "relation", "function"]
Phrase = tuple[str, ...]

_ENOUGH = 3  # concepts of a group to choose from
THING = "thing"  # the group of concepts that a class may be; classes of a stranger's join it
# hyphens part words (cross-site is cross site), points do but in numbers (1.2.3)
WORD = re.compile(r"\d+(?:\.\d+)+\w*|\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}]\w+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One meaning, in all the words that may say it: no word of a concept is a counterfactual of another.

    Attributes:
        name: unique in its lexicon.
        role: what it is in a sentence.
        group: concepts of one group can stand in each other's place.
        forms: words or phrases in lower case that may be put in, by inflection ("dog", then "dogs"); concepts of one
            group list their inflections in one order. A phrase is words joined by one space.
        also: words and phrases that say it too and are never put in.
        near: names of concepts that may be true where this one is; they never stand in for it, nor it for them.
    """

    name: str
    role: Role
    group: str
    forms: tuple[tuple[str, ...], ...]
    also: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means: a concept, and which inflection of it (None where it is one that is never put in)."""

    concept: Concept
    inflection: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lexicon:
    """Concepts, and what says nothing by itself.

    Attributes:
        concepts: no name and no phrase twice.
        functions: words that only hold a sentence together.
        frames: phrases that tell of the picture or the report rather than of what it shows ("a photo of").
        classes: what each class may be called; where a pair is of a class, none of it is ever put in.

    Raises:
        InputError: a name or a phrase stands twice.
    """

    concepts: tuple[Concept, ...]
    functions: frozenset[str] = frozenset()
    frames: tuple[str, ...] = ()
    classes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    entries: Mapping[Phrase, Entry] = field(init=False)
    lengths: Mapping[str, tuple[int, ...]] = field(init=False)
    groups: Mapping[str, tuple[Concept, ...]] = field(init=False)
    framing: frozenset[Phrase] = field(init=False)
    joining: frozenset[str] = field(init=False)
    _near: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        entries: dict[Phrase, Entry] = {}
        for concept in self.concepts:
            for phrase, inflection in _phrases(concept):
                known = entries.get(phrase)
                if known is not None and known.concept.name != concept.name:
                    raise InputError(f"{' '.join(phrase)!r} means {known.concept.name!r} and {concept.name!r}")
                entries.setdefault(phrase, Entry(concept, inflection))
        names = [concept.name for concept in self.concepts]
        if len(set(names)) != len(names):
            raise InputError(f"a lexicon names a concept twice: {sorted({n for n in names if names.count(n) > 1})}")
        groups: dict[str, list[Concept]] = {}
        for concept in self.concepts:
            if any(concept.forms):
                groups.setdefault(concept.group, []).append(concept)
        object.__setattr__(self, "entries", entries)
        framing = frozenset(words_of(frame) for frame in self.frames)
        object.__setattr__(self, "lengths", _lengths([*entries, *framing]))
        object.__setattr__(self, "framing", framing)
        longer = (phrase for phrase in (*entries, *framing) if len(phrase) > 1)
        object.__setattr__(self, "joining", frozenset(word for phrase in longer for word in phrase))
        object.__setattr__(self, "groups", {name: tuple(members) for name, members in groups.items()})
        object.__setattr__(self, "_near", _near(self.concepts))

    def unlike(self, concept: Concept, other: Concept) -> bool:
        """Tell whether `other` is false wherever `concept` is true, as far as the lexicon knows."""
        return other.name != concept.name and other.name not in self._near.get(concept.name, ())

    def of_class(self, label: str | None) -> frozenset[str]:
        """Return the names of all concepts that a class may be called by; empty where nothing is known of it."""
        if label is None:
            return frozenset()
        known = [words_of(text) for text in (label, *self.classes.get(label, ()))]
        owners = (self.entries.get(phrase) for phrase in known)
        return frozenset(entry.concept.name for entry in owners if entry is not None)

    def with_classes(self, nouns: Mapping[str, Sequence[str]]) -> Lexicon:
        """Return this lexicon with classes by what they are called; unknown ones become things of their own."""
        concepts = {concept.name: concept for concept in self.concepts}
        classes = {name: frozenset(words) for name, words in self.classes.items()}
        taken = dict(self.entries)
        for label, called in nouns.items():
            phrases = [phrase for phrase in dict.fromkeys(words_of(noun) for noun in called) if phrase]
            classes[label] = classes.get(label, frozenset()) | {" ".join(phrase) for phrase in phrases}
            strange = tuple(" ".join(phrase) for phrase in phrases if phrase not in taken)
            if not strange:
                continue
            owner = next((taken[phrase].concept.name for phrase in phrases if phrase in taken), None)
            if owner is None:
                name = label if label not in concepts else f"{label} (class)"
                grown = Concept(name=name, role="object", group=THING, forms=(strange,))
            else:
                grown = replace(concepts[owner], also=concepts[owner].also | set(strange))
            concepts[grown.name] = grown
            taken |= {words_of(phrase): Entry(grown, None) for phrase in strange}
        return replace(self, concepts=tuple(concepts.values()), classes=classes)

    def of_captions(self, captions: Iterable[str]) -> Lexicon:
        """Return this lexicon where only words that `captions` say are put in: strange ones are told apart too easily.

        A group of which they say fewer than three concepts stays as it is: there would be too few to choose from.
        """
        said: set[Phrase] = set()
        for caption in captions:
            words = words_of(caption)
            for at, word in enumerate(words):
                said.update(words[at : at + length] for length in self.lengths.get(word, ()))
        cut = {concept.name: _cut(concept, said) for concept in self.concepts}
        for members in self.groups.values():
            if sum(any(cut[concept.name].forms) for concept in members) < _ENOUGH:
                cut |= {concept.name: concept for concept in members}
        return replace(self, concepts=tuple(cut.values()))


def _cut(concept: Concept, said: set[Phrase]) -> Concept:
    """Return a concept whose forms are those that were said; it is still known by the others."""
    kept = tuple(tuple(form for form in forms if words_of(form) in said) for forms in concept.forms)
    gone = {form for forms in concept.forms for form in forms} - {form for forms in kept for form in forms}
    return replace(concept, forms=kept, also=concept.also | gone)


def words_of(text: str) -> Phrase:
    """Return the words of a text in lower case."""
    return tuple(word.lower() for word in WORD.findall(text))


def concepts(role: Role, group: str, table: str) -> tuple[Concept, ...]:
    """Read concepts from lines `forms | forms of another inflection + never put in ~ near concepts`.

    Words are set apart by spaces, those of a phrase joined by `_`; the first form names the concept.
    """
    return tuple(_read(role, group, line) for line in table.strip().splitlines())


def named_concepts(role: Role, group: str, table: Mapping[str, str]) -> tuple[Concept, ...]:
    """Read concepts by name from lines as above."""
    return tuple(replace(_read(role, group, line), name=name) for name, line in table.items())


def _read(role: Role, group: str, line: str) -> Concept:
    rest, _, near = line.partition("~")
    rest, _, also = rest.partition("+")
    forms = tuple(tuple(_words(part)) for part in rest.split("|"))
    known, unlike = frozenset(_words(also)), frozenset(_words(near))
    return Concept(name=forms[0][0], role=role, group=group, forms=forms, also=known, near=unlike)


def _words(part: str) -> list[str]:
    return [word.replace("_", " ") for word in part.split()]


def _phrases(concept: Concept) -> Iterable[tuple[Phrase, int | None]]:
    for inflection, forms in enumerate(concept.forms):
        for form in forms:
            yield words_of(form), inflection
    for form in concept.also:
        yield words_of(form), None


def _lengths(phrases: Iterable[Phrase]) -> dict[str, tuple[int, ...]]:
    """Return by first word how many words a known phrase may have, the most first."""
    found: dict[str, set[int]] = {}
    for phrase in phrases:
        found.setdefault(phrase[0], set()).add(len(phrase))
    return {word: tuple(sorted(lengths, reverse=True)) for word, lengths in found.items()}


def _near(known: Sequence[Concept]) -> dict[str, frozenset[str]]:
    both: dict[str, set[str]] = {}
    for concept in known:
        for name in concept.near:
            both.setdefault(concept.name, set()).add(name)
            both.setdefault(name, set()).add(concept.name)
    return {name: frozenset(others) for name, others in both.items()}
