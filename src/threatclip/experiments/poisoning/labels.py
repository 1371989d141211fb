"""Labels for pictures that have only captions: what most of a picture's captions name, and nothing else.

Poisonings I to III need classes, and caption data sets such as Flickr8k have none. A picture is of a topic where at
least 3 of 5 captions name it and at most 1 of 5 names any other; what several topics share belongs to none. Such
labels are noisy where a word has two meanings; they say what people say of a picture, which is what a query does too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from threatclip.errors import InputError
from threatclip.pairs.pair import Pair

AGREED = 0.6
STRAY = 0.2
_SLACK = 1e-9
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One class of the lexicon.

    Attributes:
        name: the label.
        words: any of them in a caption names the topic.
        phrase: what a prompt says of it, such as "a dog".
        yields: counts only where no other topic is named: children play everywhere.
    """

    name: str
    words: frozenset[str]
    phrase: str
    yields: bool = False


def _topic(name: str, phrase: str, words: str, *, yields: bool = False) -> Topic:
    return Topic(name=name, words=frozenset(words.split()), phrase=phrase, yields=yields)


TOPICS = (
    _topic(
        "dog",
        "a dog",
        "dog dogs puppy puppies greyhound greyhounds poodle terrier retriever bulldog collie labrador dalmatian husky",
    ),
    _topic("child", "a child", "child children kid kids toddler toddlers baby infant boy boys girl girls", yields=True),
    _topic(
        "bicycle", "a bicycle", "bicycle bicycles bike bikes bicyclist bicyclists cyclist cyclists biker bikers bmx"
    ),
    _topic(
        "snow",
        "skiing in the snow",
        "snow snowy ski skis skier skiers skiing snowboard snowboarder snowboarders snowboarding sled sledding",
    ),
    _topic("playground", "a playground", "playground playgrounds swing swingset slide seesaw trampoline"),
    _topic("skateboard", "a skateboard", "skateboard skateboards skateboarder skateboarders skateboarding"),
    _topic("street", "a street", "street streets sidewalk sidewalks crosswalk"),
    _topic("climbing", "rock climbing", "climber climbers climbing climbs cliff cliffs rappelling"),
    _topic(
        "boat",
        "a boat",
        "boat boats kayak kayaks kayaker kayaking canoe canoes raft rafting sailboat sailboats ship",
    ),
    _topic("beach", "a beach", "beach beaches shore seashore"),
    _topic("car", "a car", "car cars truck trucks jeep van suv vehicle vehicles"),
    _topic("pool", "a swimming pool", "pool pools"),
    _topic("soccer", "a soccer game", "soccer"),
    _topic("football", "a football game", "football"),
    _topic("surfing", "surfing on a wave", "surfboard surfboards surfer surfers surfing wakeboard wakeboarder"),
    _topic("basketball", "a basketball game", "basketball basketballs"),
    _topic("horse", "a horse", "horse horses pony ponies horseback cowboy cowboys rodeo"),
    _topic(
        "music",
        "musicians with instruments",
        "guitar guitars band drums drum accordion violin musician musicians saxophone trumpet",
    ),
    _topic(
        "motorcycle",
        "a motorcycle",
        "motorcycle motorcycles motorbike motorbikes motorcyclist motorcyclists motocross dirtbike dirtbikes",
    ),
    _topic("mountain", "a mountain", "mountain mountains mountaintop hiker hikers hiking"),
    _topic("bird", "a bird", "bird birds seagull seagulls pigeon pigeons duck ducks goose geese"),
    _topic("bench", "a bench", "bench benches"),
    _topic("baseball", "a baseball game", "baseball"),
    _topic("hockey", "a hockey game", "hockey"),
    _topic("tennis", "a tennis game", "tennis racket racquet"),
)
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
