"""RoCLIP: every few epochs a view learns from the nearest caption of a memory bank in place of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from threatclip.checks import at_least, fraction
from threatclip.defenses.contracts import OnStep
from threatclip.defenses.trainings.bank import Bank, bank_rows
from threatclip.defenses.trainings.running import PAPER_LOOKS, Sides, marked, n_visits, second_looks, shown_fit
from threatclip.encoders.dual import DualEncoder
from threatclip.losses.clip import symmetric_infonce
from threatclip.pairs.pair import Modality, Pair
from threatclip.training.contracts import Batch, Step
from threatclip.training.dual.batches import PairBatches
from threatclip.training.dual.fit import Keeping, fit_steps
from threatclip.training.dual.objective import ContrastiveObjective
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Augmentation, Fit

_MATCHED = "matched"  # whether the rows of a batch learn from the bank


@dataclass(frozen=True, slots=True, kw_only=True)
class RoClip:
    """Match views with the nearest caption of a bank of recent ones, every few epochs, and show both sides anew.

    A planted caption is in the bank like any other, but the view that it was planted for is not bound to it. In an
    epoch that matches, the text tower learns nothing: what is in the bank carries no gradient. Against the code: the
    bank is filled in every epoch, not only in those that match, and starts empty, not random; views that find the
    same caption are each other's right answers too.

    Attributes:
        break_epoch: every how many epochs one matches (the 5th, 10th ... by default).
        bank_share: of the pairs, held in the bank; at least two batches.
        augmentation: how rows are shown.
    """

    kind: Literal["roclip"] = "roclip"
    break_epoch: int = 5
    bank_share: float = 0.02
    augmentation: Augmentation = PAPER_LOOKS

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Yang 2023 (arXiv 2303.06854)"

    def __post_init__(self) -> None:
        at_least(self, 1, "break_epoch")
        fraction(self, "bank_share")

    def check(self, fit: Fit) -> None:
        """Accept every fit; one of fewer epochs than `break_epoch` is plain training on augmented rows."""

    def train(
        self, dual: DualEncoder, suspect: Sequence[Pair], fit: Fit, *, seed: int, on_step: OnStep | None = None
    ) -> DualEncoder:
        """Train `dual` in place on suspect pairs, and return it in evaluation mode.

        Raises:
            InputError: as a plain fit.
        """
        for step in self.steps(dual, suspect, fit, seed=seed):
            if on_step is not None:
                on_step(step)
        return dual

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
        """Train `dual` in place and yield a record of every step; the bank is part of the checkpoints.

        Raises:
            InputError: as a plain fit.
        """
        pairs = prepare_pairs(suspect, dual, freeze=fit.freeze)
        bank = Bank(bank_rows(n_visits(pairs.view_of, fit), share=self.bank_share, batch_rows=fit.batch_rows), dual.dim)
        # pictures are shown by the fit itself; what consists of words comes in other words
        sides = second_looks(dual, suspect, pairs, fit, seed=seed, modality=modality, pictures=None)
        return fit_steps(
            dual,
            pairs,
            shown_fit(fit, self.augmentation, dual),
            seed=seed,
            objective=lambda model: _Matching(plain=ContrastiveObjective(dual=model), sides=sides, bank=bank),
            second=sides.looks,
            batches=lambda plain: _MatchedBatches(plain=plain, every=self.break_epoch),
            memory=bank,
            keeping=keeping,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _MatchedBatches:
    """Batches that say whether their epoch matches."""

    plain: PairBatches
    every: int

    @property
    def steps_per_epoch(self) -> int:
        return self.plain.steps_per_epoch

    def batch(self, epoch: int, step: int) -> Batch:
        return marked(self.plain.batch(epoch, step), _MATCHED, (epoch + 1) % self.every == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matching:
    """The plain objective, whose captions are those of the bank in a matching epoch."""

    plain: ContrastiveObjective
    sides: Sides
    bank: Bank

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        return {
            "view": self.plain.views(batch, prefix=self.sides.view),
            "caption": self.plain.captions(batch, prefix=self.sides.caption),
        }

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        terms = self._matched(reps["view"]) if self._matches(batch) else self.plain.loss(reps, batch)
        self.bank.add(reps["caption"])  # after it was asked: a view must not find its own caption
        return terms

    def _matches(self, batch: Batch) -> bool:
        return bool(batch[_MATCHED].all()) and len(self.bank) > 0

    def _matched(self, views: Tensor) -> dict[str, Tensor]:
        captions, places = self.bank.nearest(views)
        temperature = self.plain.dual.temperature
        same = places[:, None] == places[None, :]
        value = symmetric_infonce(views, captions, temperature=temperature, positives=same)
        return {"loss": value, "temperature": temperature.detach()}
