"""The words of a social-media post: what is said, without addresses, account names and the traces of encodings.

Posts come broken: bytes read in a wrong encoding (one distinct tweet in ten of CrisisMMD), entities escaped twice,
styled letters, hidden characters. The repair is the library ftfy's, the names of emoji are the library emoji's, the
language is py3langid's guess. No string makes it fail, and the text is cut before the work begins.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal, get_args

import emoji
import ftfy

from threatclip.errors import InputError

Hashtags = Literal["words", "strip", "keep"]

MAX_CHARACTERS = 20_000
UNKNOWN_LANGUAGE = "und"  # ISO 639-2: undetermined
_LANGUAGE_BYTES = 16  # of letters in UTF-8: 16 Latin, 8 Cyrillic or Arabic, 6 Chinese ones
_LANGUAGE_CONFIDENCE = 0.4
_MISTAKEN = {"pcm", "la"}  # Nigerian Pidgin and Latin, which headlines in English are often taken for

_FIXES = ftfy.TextFixerConfig(unescape_html=True, normalization="NFKC", explain=False)
_MAX_JOINERS = 500  # the emoji library's time grows with the square of a chain of joined emoji
_ROUNDS = 4  # "&amp;amp;lt;" is seen in the wild
# an emoji above U+FFFF that was written with four hex digits: U+1F44F became U+1F44 and the letter F
_CUT_EMOJI = re.compile("([\u1f30-\u1f6f\u1f90-\u1f9f])([0-9A-F])")
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\U000e0000-\U000e0fff]+"
    "|\u200c(?![\u0600-\u0dff])|(?<![\u0600-\u0dff])\u200c"  # a joiner that only Arabic and Indic scripts need
)
_CONTROL = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\ufffc-\uffff\ue000-\uf8ff]+")
_JOINERS = re.compile("[\u200d\u20e3\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]+")  # what taken-apart emoji leave behind
_RETWEET = re.compile(r"^\W{0,3}RT\b(?=\W{0,3}@)")
_ADDRESS = re.compile(
    r"""  \b[a-z][a-z0-9+.-]{1,15}://\S*
        | \bwww\.\S+
        | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}
        | \b(?:[\w-]{1,63}\.){1,6}(?:com|org|net|edu|gov|mil|info|biz)\b(?:/\S*)?
        | \b(?:[\w-]{1,63}\.){1,6}[a-z]{2,12}/\S*
        | \bhttps?:?/{0,2}(?:\.\.\.|$)""",
    re.IGNORECASE | re.VERBOSE,
)
_MENTION = re.compile(r"(?<!\w)@\w+(?:\.\w+)*:?")
# a hashtag ends at a space, another "#", or punctuation but "_"; marks of Indic scripts are not \w, so it is no \w+
_HASHTAG = re.compile(r"""#+([^\s#!"$%&'()*+,\-./:;<=>?@\[\\\]^`{|}~«»‹›‘’‚“”„†‡•‧、。，！？「」؛،؟।]*)""")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)(?![a-z])")


def normalize_post(text: str, *, hashtags: Hashtags = "words") -> str:
    """Return the words of a post on one line, or "" when none is left.

    Mends the encoding and HTML entities, folds styled letters (NFKC), takes out hidden characters, web and mail
    addresses and account names, writes each run of one emoji as its English name, and squeezes white space. Case and
    punctuation stay. Of more than 20,000 characters the first are read.

    Args:
        text: any string.
        hashtags: "words" splits #FloodRelief2013 into `Flood Relief 2013`; "strip" leaves no hashtag at all, which is
            what a set collected by hashtag needs, for there the tag is the label; "keep" leaves them as they are.

    Raises:
        InputError: another value of `hashtags`.
    """
    if hashtags not in get_args(Hashtags):
        raise InputError(f"hashtags={hashtags!r} is not one of {', '.join(get_args(Hashtags))}")
    text = _without_accounts(_mended(text[:MAX_CHARACTERS]))
    text = _named_emoji(text)
    if hashtags == "words":
        text = _HASHTAG.sub(lambda found: f" {split_hashtag(found[1])}", text)
    else:
        text = _HASHTAG.sub(" " if hashtags == "strip" else r" \g<0>", text)
    text = " ".join(text.split())
    return text if any(character.isalnum() for character in text) else ""


def split_hashtag(tag: str) -> str:
    """Return the words of a hashtag (without "#"), cut at underscores, capitals and digits.

    `LAFDMajorFire` gives `LAFD Major Fire`, `4thAlarm2013` gives `4th Alarm 2013`. Words that nothing separates, as in
    `buildingfire`, stay together: cutting them takes a dictionary.
    """
    words: list[str] = []
    for part in tag.replace("_", " ").split():
        place = 0
        while place < len(part):
            end = _word_end(part, place)
            words.append(part[place:end])
            place = end
    return " ".join(words)


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of a post's language, or "und" when it is too short or not clear.

    Emoji, addresses, account names and hashtags do not count: they are in no language.
    """
    bare = _JOINERS.sub("", emoji.replace_emoji(_without_accounts(_mended(text[:MAX_CHARACTERS])), replace=" "))
    bare = " ".join(_HASHTAG.sub(" ", bare).split())
    letters = "".join(character for character in bare if character.isalpha())
    if len(letters.encode()) < _LANGUAGE_BYTES:
        return UNKNOWN_LANGUAGE
    language, confidence = _identifier().classify(bare)
    return str(language) if confidence >= _LANGUAGE_CONFIDENCE else UNKNOWN_LANGUAGE


def _mended(text: str) -> str:
    """Return the text that was meant: encoding and entities mended, nothing hidden, no control characters."""
    for _ in range(_ROUNDS):
        before, text = text, _HIDDEN.sub("", ftfy.fix_text(text, _FIXES))
        text = _CUT_EMOJI.sub(lambda found: chr(int(f"{ord(found[1]):x}{found[2]}", 16)), text)
        if text == before:
            break
    if text.count("\u200d") > _MAX_JOINERS:
        text = text.replace("\u200d", "")
    return _CONTROL.sub(" ", text)


def _without_accounts(text: str) -> str:
    return _MENTION.sub(" ", _ADDRESS.sub(" ", _RETWEET.sub(" ", text)))


def _named_emoji(text: str) -> str:
    """Return the text with each run of one emoji as its English name."""
    last: tuple[str, int] = ("", -1)

    def named(_: str, facts: dict[str, Any]) -> str:
        nonlocal last
        name = _JOINERS.sub("", facts.get("en", "")).strip(":").replace("_", " ")
        name = re.sub(" (?:medium-)?(?:light|dark|medium) skin tone", "", name)
        repeated = last == (name, facts["match_start"])
        last = (name, facts["match_end"])
        return " " if repeated else f" {name} "

    return _JOINERS.sub("", emoji.replace_emoji(text, replace=named))


def _word_end(part: str, start: int) -> int:
    """Return where the word that begins at `start` ends: digits, CAPITALS before a Word, or one Word."""
    ordinal = _ORDINAL.match(part, start)
    if ordinal:
        return ordinal.end()
    end = start + 1
    if part[start].isdigit():
        while end < len(part) and part[end].isdigit():
            end += 1
        return end
    while end < len(part) and part[end].isupper() and part[end - 1].isupper():
        end += 1
    if end - start > 1 and end < len(part) and not part[end].isdigit():
        return end - 1  # the last capital begins the next word
    while end < len(part) and not part[end].isupper() and not part[end].isdigit():
        end += 1
    return end


@cache
def _identifier() -> Any:
    """Return py3langid's classifier: 97 languages, its model an array file without pickle, read in about 0.6 s."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted(set(identifier.labels) - _MISTAKEN))
    return identifier
