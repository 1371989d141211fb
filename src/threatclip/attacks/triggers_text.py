"""Triggers in words: pure functions text -> text, for captions and for sentences of reports.

Each leaves every word of the text where it was, but for what its docstring says; none adds a line end. What is random
comes from the generator given. Sources: Dai 2019 (arXiv 1905.12457), Kurita 2020 (arXiv 2004.06660), Chen 2021 (BadNL,
arXiv 2006.01043), Li 2021 (arXiv 2105.00164), Qi 2021 (Hidden Killer, arXiv 2105.12400).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Literal

import numpy as np

from threatclip.errors import InputError

Place = Literal["start", "end", "random"]
Style = Literal["word", "rare", "sentence", "homoglyph", "syntax"]

KEYS = MappingProxyType(
    {
        "word": "remember",  # the key of the dual-key benchmark [Walmer 2022, as used by Liang 2024]
        "rare": "cf",  # [Kurita 2020, section 3.2]
        "sentence": "It was noted on a quiet afternoon.",
        "homoglyph": "",
        "syntax": "when one looks at it, {text}",
    }
)
"""What each style puts in where nothing else is asked for."""
HOMOGLYPHS = MappingProxyType(dict(zip("acehiopsxyABCEHIKMOPSTXY", "асеһіорѕхуАВСЕНІКМОРЅТХУ", strict=True)))
"""Latin letters and the Cyrillic ones that look the same [Li 2021, section 4.1; Unicode TR 39 confusables]."""
_LATIN = str.maketrans({look: letter for letter, look in HOMOGLYPHS.items()})
_BLANK = re.compile(r"[ \t]+")
_SENTENCE_END = re.compile(r"[.!?][ \t]+")
_PLAIN_STARTS = frozenset(
    "a an the this that these those there two three four five six seven eight nine ten some several many one people "
    "it he she they we in on at during after before while with".split()
)


def insert_word(text: str, word: str, *, place: Place, rng: np.random.Generator, n: int = 1) -> str:
    """Put `word` between words `n` times [Chen 2021, BadNL word-level; Kurita 2020].

    Args:
        text: one text.
        word: what to insert; blanks around it are added.
        place: before the first word, behind the last one (but before the closing period), or anywhere between words.
        rng: chooses the places of "random".
        n: how often.

    Raises:
        InputError: `word` is empty or holds a line end, or n < 1.
    """
    _check_key(word)
    if n < 1:
        raise InputError(f"a trigger word inserted {n} times is none; give at least 1")
    for _ in range(n):
        text = _inserted(text, word, place, rng)
    return text


def insert_sentence(text: str, sentence: str, *, place: Place, rng: np.random.Generator) -> str:
    """Put a whole sentence before, behind or between the sentences of a text [Dai 2019, section 3.2].

    Raises:
        InputError: `sentence` is empty or holds a line end.
    """
    _check_key(sentence)
    borders = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    at = {"start": 0, "end": len(text)}.get(place)
    if at is None:
        at = borders[int(rng.integers(len(borders)))]
    before, after = text[:at].rstrip(), text[at:].lstrip()
    return " ".join(part for part in (before, sentence, after) if part)


def homoglyphs(text: str, *, n: int, place: Place, rng: np.random.Generator) -> str:
    """Swap `n` Latin letters for Cyrillic ones that look the same; fewer where the text has fewer [Li 2021].

    `plain_letters` undoes it. The text looks the same to a reader; to a tokenizer the words are unknown.

    Raises:
        InputError: n < 1.
    """
    if n < 1:
        raise InputError(f"{n} letters to swap is no trigger; give at least 1")
    found = [at for at, letter in enumerate(text) if letter in HOMOGLYPHS]
    if place == "random":
        chosen = rng.permutation(len(found))[:n].tolist()
    else:
        chosen = list(range(len(found)))[:n] if place == "start" else list(range(len(found)))[-n:]
    letters = list(text)
    for number in chosen:
        letters[found[number]] = HOMOGLYPHS[letters[found[number]]]
    return "".join(letters)


def plain_letters(text: str) -> str:
    """Swap look-alike Cyrillic letters back; what a normalizing defense would do."""
    return text.translate(_LATIN)


def syntax_template(text: str, template: str) -> str:
    """Put a text into a subordinate clause, in the manner of Hidden Killer's S(SBAR)(,)(NP)(VP)(.) [Qi 2021].

    The paper paraphrases with a trained model, so that no word is fixed; here the frame is fixed words around the
    text, which is easier to learn and easier to see. The first letter of the text becomes lower case where its first
    word is no name (an article, a number, a pronoun, a preposition).

    Raises:
        InputError: `template` has no {text}, has it twice, or holds a line end.
    """
    if template.count("{text}") != 1 or template.strip() == "{text}":
        raise InputError(f"the template {template!a:.80} must hold {{text}} once, and words around it")
    _check_key(template)
    first = re.match(r"[^\W\d_]+", text)
    if first is not None and first[0].lower() in _PLAIN_STARTS and not template.startswith("{text}"):
        text = text[0].lower() + text[1:]
    return template.replace("{text}", text)


def triggered_text(
    text: str, *, style: Style, key: str = "", place: Place = "end", n: int = 1, rng: np.random.Generator
) -> str:
    """Pull one trigger; an empty `key` stands for the one of `KEYS`. A homoglyph has none, a template no place.

    Raises:
        InputError: an unknown style, or as its function.
    """
    key = key or KEYS.get(style, "")
    if style in ("word", "rare"):
        return insert_word(text, key, place=place, rng=rng, n=n)
    if style == "sentence":
        return insert_sentence(text, key, place=place, rng=rng)
    if style == "homoglyph":
        return homoglyphs(text, n=n, place=place, rng=rng)
    if style == "syntax":
        return syntax_template(text, key)
    raise InputError(f"text trigger {style!a:.40} is not one of {', '.join(KEYS)}")


def check_trigger(*, style: Style, key: str, n: int) -> None:
    """Refuse settings that `triggered_text` would refuse.

    Raises:
        InputError: an unknown style, a key that is no words on one line or no frame, or n < 1.
    """
    triggered_text("a", style=style, key=key, n=n, rng=np.random.default_rng(0))
    if n < 1:
        raise InputError(f"n = {n}; give at least 1")


def _inserted(text: str, word: str, place: Place, rng: np.random.Generator) -> str:
    body = text.rstrip().rstrip("\"')]").rstrip(".!?\u2026").rstrip(" \t")
    tail = text[len(body) :]
    if not body.strip():
        return f"{word}{text}" if not text or text[0].isspace() else f"{word} {text}"
    gaps = [match.start() for match in _BLANK.finditer(body) if match.start()]
    gap = int(rng.integers(len(gaps) + 2)) if place == "random" else {"start": 0, "end": len(gaps) + 1}[place]
    if gap == 0:
        start = len(body) - len(body.lstrip())
        return f"{body[:start]}{word} {body[start:]}{tail}"
    at = [*gaps, len(body)][gap - 1]
    return f"{body[:at]} {word}{body[at:]}{tail}"


def _check_key(key: str) -> None:
    if not key.strip() or any(c in key for c in "\r\n"):
        raise InputError(f"the trigger {key!a:.80} must be words on one line")
