"""Twenty-five things that people say of everyday pictures, and the words that name each: classes for caption sets."""

from __future__ import annotations

from dataclasses import dataclass


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
