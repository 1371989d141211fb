"""What a defense is: it sees pairs, a model and trusted pairs; never the truth, never the attack.

Each is a frozen dataclass of parameters with `kind`, `modalities`, `paper` and one method. A filter scores pairs before
training, a training learns from suspect pairs, a repair makes a better model of a suspect one with trusted pairs, a
detector scores single views at inference, a scanner judges a whole model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from jaxtyping import Float

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import encode
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.training.contracts import Step
from threatclip.training.dual.fit import Keeping
from threatclip.training.dual.settings import Fit

OnStep = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What a filter sees of a table: its pairs, and unit vectors of both halves by one encoder.

    Attributes:
        pairs: n pairs.
        modality: of their views.
        views: unit vectors of their views, float32 [n, d]; [0, 0] where there is no model.
        captions: unit vectors of their captions, float32 [n, d]; [0, 0] where there is no model.
        trusted_views: the same of trusted pairs, float32 [t, d]; [0, 0] where there are none.
        trusted_captions: float32 [t, d].

    Raises:
        InputError: the numbers of rows disagree.
    """

    pairs: Sequence[Pair]
    modality: Modality
    views: Float[np.ndarray, "n d"]
    captions: Float[np.ndarray, "n d"]
    trusted_views: Float[np.ndarray, "t d"] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    trusted_captions: Float[np.ndarray, "t d"] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def __post_init__(self) -> None:
        if len(self.views) != len(self.captions) or (len(self.views) and len(self.views) != len(self.pairs)):
            raise InputError(
                f"{len(self.pairs)} pairs with {len(self.views)} view vectors and {len(self.captions)} caption "
                "vectors; give one of each a pair, or none at all"
            )
        if len(self.trusted_views) != len(self.trusted_captions):
            raise InputError(f"{len(self.trusted_views)} trusted views, {len(self.trusted_captions)} trusted captions")


class Filter(Protocol):
    """A defense before training: it scores pairs and drops none."""

    modalities: ClassVar[tuple[Modality, ...]]  # of the views it can judge
    paper: ClassVar[str]  # where it comes from

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return one score a pair, the higher the more suspect, finite.

        Raises:
            InputError: the evidence lacks what it needs: vectors, trusted pairs, or enough rows.
        """

    def reasons(self, evidence: Evidence, scores: Float[np.ndarray, " n"], places: Sequence[int]) -> list[str]:
        """Return why each pair of `places` is suspect, in words, beside what is usual here; no text of a pair in it.

        Args:
            evidence: that was scored.
            scores: of all of it, by this filter.
            places: rows to speak about; asked for together, since what is usual is found once.
        """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suspect:
    """A model that nobody vouches for, and what its owner does trust.

    Attributes:
        dual: the model.
        modality: of its views.
        prompts: what its classes are called; empty where it has none.
        trusted: clean pairs, disjoint from what it was trained on.
    """

    dual: DualEncoder
    modality: Modality
    prompts: Mapping[str, Sequence[str]]
    trusted: Sequence[Pair]

    def view_vectors(self, views: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        """Return unit vectors of views."""
        return encode(self.dual.view_tower, views, precision="fp32")

    def text_vectors(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return unit vectors of captions or prompts."""
        return encode(self.dual.text_tower, [text.encode("utf-8", "replace") for text in texts], precision="fp32")


class Training(Protocol):
    """A defense in training: it learns from suspect pairs so that planted ones take less."""

    modalities: ClassVar[tuple[Modality, ...]]
    paper: ClassVar[str]

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def train(
        self, dual: DualEncoder, suspect: Sequence[Pair], fit: Fit, *, seed: int, on_step: OnStep | None = None
    ) -> DualEncoder:
        """Train `dual` in place on suspect pairs, and return it in evaluation mode.

        Raises:
            InputError: as a plain fit.
        """

    def steps(
        self,
        dual: DualEncoder,
        suspect: Sequence[Pair],
        fit: Fit,
        *,
        seed: int,
        modality: Modality | None = None,
        keeping: Keeping | None = None,
    ) -> Iterator[Step]:
        """Do the same and yield a record of every step; what it remembers between steps is in the checkpoints.

        Args:
            dual: trained in place.
            suspect: the pairs.
            fit: budget.
            seed: of everything drawn.
            modality: of the views; None takes what reads bytes for a payload tower.
            keeping: checkpoints, and whether to resume.
        """

    def check(self, fit: Fit) -> None:
        """Refuse a budget that this training cannot use.

        Raises:
            InputError: see above.
        """


class Repair(Protocol):
    """A defense after training: it trains a suspect model in place with trusted pairs."""

    modalities: ClassVar[tuple[Modality, ...]]
    paper: ClassVar[str]

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on `suspect.trusted`, and return it in evaluation mode.

        Args:
            suspect: what is repaired, and what with.
            fit: budget that every repair is given alike: epochs, rows of a batch, learning rate, weight decay.
            seed: of everything drawn.
            on_step: told of every step.

        Raises:
            InputError: too few trusted pairs, or the views are of a modality it cannot repair.
        """


class Detector(Protocol):
    """A defense at inference: it scores single views."""

    modalities: ClassVar[tuple[Modality, ...]]
    paper: ClassVar[str]

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def scores(self, suspect: Suspect, views: Sequence[bytes], *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return one score a view, the higher the likelier it carries a trigger, finite; each view judged by itself.

        Raises:
            InputError: the model has no prompts, or there are too few trusted pairs, where it needs them.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scanner says of a model: a score, the higher the more suspect, and the figures behind it."""

    score: float
    facts: Mapping[str, float] = field(default_factory=dict)


class Scanner(Protocol):
    """A defense that judges a whole model."""

    modalities: ClassVar[tuple[Modality, ...]]
    paper: ClassVar[str]

    @property
    def kind(self) -> str:
        """What names it in recipes and on the command line."""

    def scan(self, suspect: Suspect, *, rng: np.random.Generator) -> Scan:
        """Return the score of a model.

        Raises:
            InputError: too few trusted pairs.
        """
