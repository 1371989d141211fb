"""SafeCLIP: learn within each modality first, trust the pairs whose halves then agree, and few more each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

from threatclip.checks import at_least, check, fraction
from threatclip.defenses.contracts import OnStep
from threatclip.defenses.trainings.bank import bank_rows
from threatclip.defenses.trainings.running import (
    PAPER_LOOKS,
    n_visits,
    part_of,
    renumbered,
    second_looks,
    shown_fit,
)
from threatclip.defenses.trainings.safe_batches import SplitBatches, WarmBatches
from threatclip.defenses.trainings.safe_memory import SafeMemory
from threatclip.defenses.trainings.safe_objective import SafeObjective
from threatclip.encoders.dual import DualEncoder
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.seeds import stream_seed
from threatclip.training.contracts import Batches, Step
from threatclip.training.dual.batches import PairBatches
from threatclip.training.dual.fit import Keeping, fit_steps
from threatclip.training.dual.objective import ContrastiveObjective
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Augmentation, Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeClip:
    """Bind view and caption only where the model finds the pair clean; learn from the others within each modality.

    Three fits, one after another, each with a schedule and an optimizer of its own; `fit.epochs` counts them all.
    1. `unimodal_epochs`: a second look finds the nearest vector that a bank holds to the first, on either side.
    2. `slow_epochs` of the contrastive loss on all pairs, at `slow_rate` times the learning rate.
    3. In each epoch the pairs are split anew by their cosine: the risky ones go on as in 1, the safe ones get the
       contrastive loss. Against the code: one look of each row in the contrastive loss, not two; the cosine is of the
       rows as they are; banks start empty, not random.

    Attributes:
        unimodal_epochs: see above.
        slow_epochs: see above.
        slow_rate: see above.
        clean: least probability of the mixture's upper component that makes a pair safe at the first split.
        growth: share of all pairs by which the safe ones grow with each epoch.
        most_safe: greatest share of the pairs that may be safe.
        bank_share: of the pairs, held in either bank; at least two batches.
        augmentation: how rows are shown.
    """

    kind: Literal["safeclip"] = "safeclip"
    unimodal_epochs: int = 5
    slow_epochs: int = 1
    slow_rate: float = 0.01
    clean: float = 0.9
    growth: float = 0.01
    most_safe: float = 0.85
    bank_share: float = 0.02
    augmentation: Augmentation = PAPER_LOOKS

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Yang 2024 (arXiv 2310.05862)"

    def __post_init__(self) -> None:
        at_least(self, 0, "unimodal_epochs", "slow_epochs")
        fraction(self, "clean", "growth", "most_safe", "bank_share")
        check("slow_rate", self.slow_rate, 0 < self.slow_rate <= 1, "in (0, 1]")

    def check(self, fit: Fit) -> None:
        """Refuse a fit that ends before the pairs are split.

        Raises:
            InputError: it has no more epochs than the warm-up takes.
        """
        if fit.epochs <= self.unimodal_epochs + self.slow_epochs:
            raise InputError(
                f"epochs = {fit.epochs}, and safeclip warms up for {self.unimodal_epochs} + {self.slow_epochs}; "
                "give more, or lower unimodal_epochs"
            )

    def train(
        self, dual: DualEncoder, suspect: Sequence[Pair], fit: Fit, *, seed: int, on_step: OnStep | None = None
    ) -> DualEncoder:
        """Train `dual` in place on suspect pairs, and return it in evaluation mode.

        Raises:
            InputError: as a plain fit, or it has no more epochs than the warm-up takes.
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
        """Train `dual` in place and yield a record of every step; banks and split are part of the checkpoints.

        Raises:
            InputError: as a plain fit, or it has no more epochs than the warm-up takes.
        """
        self.check(fit)
        pairs = prepare_pairs(suspect, dual, freeze=fit.freeze)
        sides = second_looks(dual, suspect, pairs, fit, seed=seed, modality=modality, pictures=self.augmentation)
        visited = n_visits(pairs.view_of, fit)
        rows = bank_rows(visited, share=self.bank_share, batch_rows=fit.batch_rows)
        memory = SafeMemory(n_pairs=len(pairs), rows=rows, dim=dual.dim)
        done = 0
        for name, part in self._parts(shown_fit(fit, self.augmentation, dual)):
            steps = fit_steps(
                dual,
                pairs,
                part,
                seed=stream_seed(seed, f"safeclip/{name}"),
                objective=lambda model: SafeObjective(
                    plain=ContrastiveObjective(dual=model), sides=sides, memory=memory
                ),
                second=sides.looks,
                batches=partial(self._batches, name, dual, memory),
                memory=memory,
                keeping=part_of(keeping, name),
            )
            yield from renumbered(steps, steps_before=done * (visited // fit.batch_rows), epochs_before=done)
            done += part.epochs

    def _parts(self, fit: Fit) -> Iterator[tuple[str, Fit]]:
        """Yield the name and the budget of each fit; a fit of no epochs is left out."""
        rest = fit.epochs - self.unimodal_epochs - self.slow_epochs
        if self.unimodal_epochs:
            yield "unimodal", replace(fit, epochs=self.unimodal_epochs)
        if self.slow_epochs:
            rate = fit.learning_rate * self.slow_rate
            yield "slow", replace(fit, epochs=self.slow_epochs, learning_rate=rate, warmup_fraction=0.0)
        yield "safe", replace(fit, epochs=rest)

    def _batches(self, name: str, dual: DualEncoder, memory: SafeMemory, plain: PairBatches) -> Batches:
        if name != "safe":
            return WarmBatches(plain=plain, unimodal=name == "unimodal")
        split = partial(memory.split, dual, plain.pairs, clean=self.clean, growth=self.growth, most=self.most_safe)
        return SplitBatches(plain=plain, memory=memory, split=split)
