"""Which lexicon reads the captions of a modality, and what a model's prompts add to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from threatclip.defenses.subcaptions.lexicon import Lexicon, Phrase, words_of
from threatclip.defenses.subcaptions.picture_words import picture_lexicon
from threatclip.defenses.subcaptions.threat_words import threat_lexicon
from threatclip.pairs.pair import Modality

_MAX_NOUN = 3  # words
_MAX_PROMPTS = 64  # of a class are read
_MAX_WORDS = 24  # of a prompt are read: longer ones are descriptions, which name a class in no place of their own


def lexicon_of(modality: Modality, prompts: Mapping[str, Sequence[str]] | None = None) -> Lexicon:
    """Return the lexicon for captions of views of `modality`, with the classes that `prompts` name."""
    lexicon = picture_lexicon() if modality == "image" else threat_lexicon()
    return lexicon.with_classes(class_nouns(prompts, lexicon.functions)) if prompts else lexicon


def class_nouns(prompts: Mapping[str, Sequence[str]], functions: frozenset[str]) -> dict[str, list[str]]:
    """Return what each class is called, read off its prompts: the words in a place that most classes fill otherwise.

    "a photo of a car" beside "a photo of a dog" makes "car" and "dog" nouns; prompts without a common template (whole
    descriptions) give none. Articles and the like at either end of a noun are left out.
    """
    spans = {name: _spans(texts) for name, texts in prompts.items()}
    filled = Counter(frame for found in spans.values() for frame in {frame for frame, _ in found})
    enough = max(2, (len(prompts) + 1) // 2)
    nouns: dict[str, list[str]] = {}
    for name, found in spans.items():
        likely = {_bare(noun, functions) for frame, noun in found if filled[frame] >= enough} - {()}
        shortest = [noun for noun in likely if not any(other != noun and _within(other, noun) for other in likely)]
        nouns[name] = sorted(" ".join(noun) for noun in shortest)
    shared = Counter(noun for own in nouns.values() for noun in own)
    return {name: kept for name, own in nouns.items() if (kept := [noun for noun in own if shared[noun] == 1])}


def _spans(texts: Sequence[str]) -> set[tuple[tuple[Phrase, Phrase], Phrase]]:
    """Return every run of a few words of each prompt, with the words before and after it."""
    found = set()
    for text in texts[:_MAX_PROMPTS]:
        words = words_of(text)
        if len(words) > _MAX_WORDS:
            continue
        for start in range(len(words)):
            for end in range(start + 1, min(start + _MAX_NOUN, len(words)) + 1):
                found.add(((words[:start], words[end:]), words[start:end]))
    return found


def _bare(noun: Phrase, functions: frozenset[str]) -> Phrase:
    start, end = 0, len(noun)
    while start < end and noun[start] in functions:
        start += 1
    while end > start and noun[end - 1] in functions:
        end -= 1
    return noun[start:end]


def _within(short: Phrase, long: Phrase) -> bool:
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))
