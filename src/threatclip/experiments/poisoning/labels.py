"""Labels for pictures that have only captions: what most of a picture's captions name, and nothing else.

Poisonings I to III need classes, and caption data sets such as Flickr8k have none. A picture is of a topic where at
least 3 of 5 captions name it and at most 1 of 5 names any other; what several topics share belongs to none. Such
labels are noisy where a word has two meanings; they say what people say of a picture, which is what a query does too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.topics import TOPICS, Topic

AGREED = 0.6
STRAY = 0.2
_SLACK = 1e-9
_WORD = re.compile(r"[a-z]+")
_TEMPLATES = ("a photo of {}", "a picture of {}", "{} in a photograph", "people look at {}", "there is {}", "{}")


def lexicon_labels(
    pairs: Sequence[Pair],
    *,
    topics: Sequence[Topic] = TOPICS,
    agreed: float = AGREED,
    stray: float = STRAY,
) -> list[str | None]:
    """Return the topic of each pair, None where its picture is of none or of several.

    Args:
        pairs: captions; those of one picture share its `group`, a pair without one stands alone.
        topics: the lexicon; no name twice.
        agreed: least share of a picture's captions that name its topic.
        stray: largest share that may name another one, yielding topics aside.

    Raises:
        InputError: shares out of order, or a topic twice.
    """
    names = [topic.name for topic in topics]
    if not 0 <= stray < agreed <= 1 or len(set(names)) != len(names):
        raise InputError(f"topics {names} with agreed = {agreed}, stray = {stray}: want 0 <= stray < agreed <= 1")
    captions: Counter[str] = Counter()
    votes: dict[str, Counter[str]] = {}
    for pair in pairs:
        picture = _picture(pair)
        captions[picture] += 1
        words = set(_WORD.findall((pair.caption or "").lower()))
        votes.setdefault(picture, Counter()).update(topic.name for topic in topics if words & topic.words)
    labels = {picture: _label(votes[picture], n, topics, agreed, stray) for picture, n in captions.items()}
    return [labels[_picture(pair)] for pair in pairs]


def lexicon_prompts(topics: Sequence[Topic] = TOPICS) -> dict[str, list[str]]:
    """Return prompts of each topic for zero-shot answers."""
    return {topic.name: [template.format(topic.phrase) for template in _TEMPLATES] for topic in topics}


def _picture(pair: Pair) -> str:
    return f"i:{pair.id}" if pair.group is None else f"g:{pair.group}"


def _label(votes: Counter[str], n: int, topics: Sequence[Topic], agreed: float, stray: float) -> str | None:
    """Return the one topic that enough of `n` captions name, where none but a yielding one is named beside it."""
    named = [topic for topic in topics if votes[topic.name] > stray * n + _SLACK]
    firm = [topic for topic in named if not topic.yields] or named
    return firm[0].name if len(firm) == 1 and votes[firm[0].name] >= agreed * n - _SLACK else None
