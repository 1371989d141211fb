"""The recipe of one event classifier: which posts, which towers, how their answers are fitted and joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from threatclip.checks import at_least, check, distinct, fraction, not_negative, positive
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import TowerConfig, view_modality
from threatclip.errors import RecipeError
from threatclip.experiments.recipe import File
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.dmd import EVENT_TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The posts that are learned from, and how they are judged: out of fold, near-duplicates together."""

    posts: File
    root: str | None = None  # folder that every path here starts from; None: THREATCLIP_DATA, else ../shared/data
    classes: tuple[str, ...] = EVENT_TAGS
    label: str = "label"  # of a post: its pair's label, or "meta.NAME"
    hashtags: Hashtags = "strip"  # of posts that are read or classified; where a hashtag chose the posts, it is a leak
    folds: int = 5  # each post is judged by a model that saw none of its fold
    inner_folds: int = 5  # of the other folds: costs, weights and temperatures are chosen on these

    def __post_init__(self) -> None:
        check("classes", self.classes, len(self.classes) > 1, "two classes or more")
        distinct("a class", self.classes)
        named = self.label == "label" or (self.label.startswith("meta.") and len(self.label) > len("meta."))
        check("label", self.label, named, "'label' or 'meta.NAME'")
        at_least(self, 2, "folds", "inner_folds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How a picture becomes features: a tower's vectors of it at several sizes, with its mirror image."""

    tower: TowerConfig = field(default_factory=lambda: PretrainedImageTower(source="weights/mobilenet_v2_imagenet_hf"))
    sides: tuple[int, ...] = ()  # pixels; empty: the tower's own. Only a pretrained tower reads other sides
    mirrored: bool = True  # mean of the picture and its mirror image
    drawn_copies: int = 0  # training copies with random words drawn into the picture, against typographic attacks

    def __post_init__(self) -> None:
        check("tower", self.tower.kind, view_modality(self.tower) == "image", "a tower that reads pictures")
        free = isinstance(self.tower, PretrainedImageTower)
        check("sides", self.sides, free or not self.sides, f"empty for a {self.tower.kind} tower")
        check("sides", self.sides, all(8 <= side <= 1_024 for side in self.sides), "8 to 1,024 pixels each")
        at_least(self, 0, "drawn_copies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How words become features: a tower's vector beside their n-grams."""

    tower: TowerConfig = field(default_factory=lambda: PretrainedTower(max_tokens=128))
    ngrams: bool = True  # of one and two words, and of three to five characters

    def __post_init__(self) -> None:
        check("tower", self.tower.kind, view_modality(self.tower) == "text", "a tower that reads texts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How features become answers: a linear head for each half, and the nearest known posts by both."""

    costs: tuple[float, ...] = (1.0, 3.0, 10.0)  # inverse penalties of the linear heads, chosen on inner folds
    neighbor_temperature: float = 0.15  # a known post votes with exp(similarity / this)
    neighbor_picture: float = 0.7  # share of the pictures' cosine in the similarity
    neighbor_words: float = 1.3  # share of the words' cosine
    pull: float = 0.1  # of the members' weights towards equal ones, in nats
    precision: float = 0.9  # that answers must have out of fold; below it the model abstains

    def __post_init__(self) -> None:
        check("costs", self.costs, bool(self.costs) and all(c > 0 for c in self.costs), "one or more, above 0")
        positive(self, "neighbor_temperature")
        not_negative(self, "neighbor_picture", "neighbor_words", "pull")
        fraction(self, "precision")
        if self.neighbor_picture + self.neighbor_words == 0:
            raise RecipeError("neighbor_picture and neighbor_words are both 0; give one of them weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Which event does this post tell of: picture and words, either of which may be missing."""

    task: Literal["events"]
    data: Data
    seed: int = 0
    picture: Picture = field(default_factory=Picture)
    words: Words = field(default_factory=Words)
    answer: Answer = Answer()
    catalogue: str | None = None  # TOML file of names and prompts of the classes; None: the built-in one
