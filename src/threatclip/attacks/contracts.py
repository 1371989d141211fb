"""What an attack is: pairs in, poisoned pairs and truth out, every random choice by argument.

An attack is a frozen dataclass of parameters with `kind`, `modalities`, `paper` and `poison`. It changes only rows that
a victim may train on, keeps order and ids, and says in the truth exactly which fields of which rows it changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from threatclip.attacks.truth import Poisoned
from threatclip.pairs.pair import Modality, Pair

if TYPE_CHECKING:
    from threatclip.attacks.surrogate import Surrogate


class BlackBoxAttack(Protocol):
    """An attack that needs the pairs only."""

    modalities: ClassVar[tuple[Modality, ...]]  # of the views it can poison
    paper: ClassVar[str]  # where it comes from

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Return the pairs with `count` of them poisoned, and the truth.

        Raises:
            InputError: fewer than `count` rows can be poisoned, or `count` is below 1.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStep:
    """One record of optimizing a trigger; the last one's `attack` has it."""

    done: int  # steps
    total: int  # steps, unless it stops early
    facts: Mapping[str, float] = field(default_factory=dict)  # losses, cosines
    attack: Any = None


class WhiteBoxAttack(Protocol):
    """An attack that may look into a model, to choose rows by it or to optimize its trigger."""

    modalities: ClassVar[tuple[Modality, ...]]
    paper: ClassVar[str]

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """As a black-box attack.

        Raises:
            InputError: as a black-box attack, or the settings need a surrogate and there is none.
        """


class OptimizedAttack(WhiteBoxAttack, Protocol):
    """A white-box attack whose trigger is optimized once and is then a parameter like any other."""

    def fit_trigger(
        self, clean: Sequence[Pair], *, rng: np.random.Generator, surrogate: Surrogate
    ) -> Iterator[TriggerStep]:
        """Yield records of the work; the last one's `attack` is the attack with its trigger, as a recipe can hold it.

        An attack that has its trigger already, or takes one that needs no model, yields nothing.

        Raises:
            InputError: the pairs lack what it needs, such as captions of the target.
        """


class ViewTrigger(Protocol):
    """A backdoor whose trigger goes into views; at test time the judge pulls it on encoded views."""

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return the views with the trigger in each."""


class PictureTrigger(ViewTrigger, Protocol):
    """A backdoor whose trigger goes into decoded pictures."""

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return a copy of pictures [n, 3, h, w] (uint8, or floats in [0, 1]) with the trigger in each."""


class CaptionTrigger(Protocol):
    """A backdoor with a key in words; at test time the judge puts it into every prompt or query."""

    def caption_trigger(self, captions: Sequence[str], *, rng: np.random.Generator) -> list[str]:
        """Return the captions with the key in each."""
