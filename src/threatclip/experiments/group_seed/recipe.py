"""The recipe of the seed's group classifier: base, language tuning, augmentation, classifier, and how it is judged.

Defaults are those of the card of AttackGroup-MPNET; where it says nothing, the comment does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from threatclip.checks import at_least, check, distinct, fraction, not_negative, positive
from threatclip.errors import RecipeError
from threatclip.experiments.attribution.recipe import Data
from threatclip.experiments.recipe import File
from threatclip.training.settings import Precision

ProtocolName = Literal["raw", "masked", "augmented", "reports", "campaigns"]
SEED_PROTOCOL: ProtocolName = "augmented"
HONEST: ProtocolName = "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The encoder: "minilm", a folder of transformers or sentence-transformers, or a hub id with its commit."""

    source: str = "minilm"
    revision: str | None = None
    max_tokens: int = 128
    n_trainable_layers: int = 10  # counted from the last; all that a smaller base has

    def __post_init__(self) -> None:
        check("source", self.source, bool(self.source.strip()), "a model")
        at_least(self, 3, "max_tokens")
        at_least(self, 0, "n_trainable_layers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Masked-language tuning of the base before any group is seen; the card does not say on what text."""

    techniques: bool = True  # the descriptions of ATT&CK's techniques, names masked
    texts: File | None = None  # further cyber text: captions of pairs, or views where they have none
    n_texts: int | None = None  # at most so many of those, drawn
    epochs: int = 3
    max_steps: int | None = None
    learning_rate: float = 5e-5
    batch_rows: int = 16
    mask_share: float = 0.15

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "max_steps", "batch_rows", "n_texts")
        positive(self, "learning_rate")
        check("mask_share", self.mask_share, 0 < self.mask_share < 1, "in (0, 1)")
        if not self.techniques and self.texts is None:
            raise RecipeError("techniques is false and there are no texts; leave the table language out to skip it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Groups made equally large by copies with synonyms; the card names the method, not its numbers."""

    wordnet: str | None = None  # folder of a WordNet dictionary; None: WNSEARCHDIR, else /usr/share/wordnet
    rows_per_group: int | None = None  # None: as many as the largest group has
    share: float = 0.1  # of a sentence's words to replace, at least one
    honest_too: bool = True  # balance the training rows of the other protocols too: after the split, never before

    def __post_init__(self) -> None:
        at_least(self, 1, "rows_per_group")
        fraction(self, "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The classifier over the base, and how both are tuned."""

    hidden: int = 512
    dropout: float = 0.1  # the card does not say
    epochs: int = 20
    batch_rows: int = 16
    learning_rate: float = 5e-6
    head_rate: float = 1.0  # the head's learning rate, relative to the base's
    weight_decay: float = 0.01
    warmup_fraction: float = 0.06
    precision: Precision = "auto"
    checkpoint_every_steps: int | None = None

    def __post_init__(self) -> None:
        check("hidden", self.hidden, 1 <= self.hidden <= 8_192, "1 to 8,192")
        check("dropout", self.dropout, 0 <= self.dropout < 1, "in [0, 1)")
        at_least(self, 1, "epochs", "batch_rows", "checkpoint_every_steps")
        positive(self, "learning_rate", "head_rate")
        not_negative(self, "weight_decay")
        fraction(self, "warmup_fraction")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSeed:
    """Which threat group does this sentence tell of: the seed's pipeline, and what each of its leaks is worth."""

    task: Literal["group-seed"]
    data: Data = field(default_factory=Data)
    seed: int = 0
    base: Base = field(default_factory=Base)
    language: Language | None = None  # None: the base as it is
    augmentation: Augmentation = field(default_factory=Augmentation)
    head: Head = field(default_factory=Head)
    protocols: tuple[ProtocolName, ...] = get_args(ProtocolName)  # each trains a model; the bundle is "augmented"'s
    test_folds: int = 5  # a random split keeps one of so many for the test
    least_rows: int = 10  # groups with fewer sentences are left out of random splits

    def __post_init__(self) -> None:
        distinct("protocols", self.protocols)
        check("protocols", self.protocols, SEED_PROTOCOL in self.protocols, f"a list with {SEED_PROTOCOL!r} in it")
        at_least(self, 2, "test_folds", "least_rows")
        check("least_rows", self.least_rows, self.least_rows >= self.test_folds, "test_folds or more")
