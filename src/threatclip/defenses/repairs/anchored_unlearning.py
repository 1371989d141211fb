"""Anchored unlearning: find what pulls a model toward a class too easily, and teach it to answer as if it were not.

A method of this project. It joins trigger inversion [Wang 2019] over several kinds of change, unlearning against what
was found [Wang 2019, section VI-C; Zeng 2022], and the suspect model's own answers to clean inputs as the anchor that
keeps what it knows, in place of labels [Li 2021 distils from a fine-tuned teacher].
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from threatclip.checks import at_least, check, fraction, not_negative
from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.anchored_objective import Anchored, InsertedWords, Unlearned
from threatclip.defenses.repairs.fitting import frozen_copy, prepared_trusted
from threatclip.defenses.repairs.second import picture_pixels
from threatclip.defenses.unlearning.bank import TriggerBank, class_vectors
from threatclip.defenses.unlearning.kinds import Masked, Noise, Warped
from threatclip.defenses.unlearning.search import Effort
from threatclip.defenses.unlearning.waves import Waves
from threatclip.encoders.dual import DualEncoder
from threatclip.pairs.pair import Modality
from threatclip.training.distributed import this_accelerator
from threatclip.training.dual.batches import PairBatches
from threatclip.training.dual.fit import fit_steps
from threatclip.training.dual.prepared import PreparedPairs, body_is_frozen
from threatclip.training.dual.settings import Augmentation, Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredUnlearning:
    """Invert triggers before each epoch, and unlearn them: a view means what the suspect model said of it plain.

    L = mean(1 - <f(x), f0(x)>) + weight mean(1 - <f(x + t), f0(x)>), the same for captions with tokens inserted; f0 is
    the suspect model, frozen. Pictures are shown cropped and mirrored, to both models alike. t is drawn from the
    triggers of the classes that a kind of change reaches too easily: a mask and pattern, noise below a bound, a smooth
    warp, a plane wave; searched on f0 before the first epoch and on f before each later one. Views that are texts or
    payloads get runs of tokens inserted, as captions do. Of a view tower with a frozen body only the captions are
    repaired.

    Attributes:
        weight: of the term with triggers.
        members: triggers of each kind and class that are searched for before an epoch.
        noise: bound of what is added to a channel, in [0, 1]; two thirds of it in the search for the class.
        amplitude: of waves, in [0, 1].
        outlier: robust standard deviations from which a kind of change counts as a way in.
        search: effort of each search.
        words: unlearn inserted tokens in captions (and in views that are texts or payloads).
    """

    kind: Literal["anchored_unlearning"] = "anchored_unlearning"
    weight: float = 0.5
    members: int = 4
    noise: float = 0.03
    amplitude: float = 0.2
    outlier: float = 2.0
    search: Effort = field(default_factory=Effort)
    words: bool = True

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "threatclip; after Wang 2019 (Neural Cleanse), Zeng 2022 (I-BAU), Li 2021 (NAD)"

    def __post_init__(self) -> None:
        not_negative(self, "weight")
        at_least(self, 1, "members")
        fraction(self, "noise", "amplitude")
        check("outlier", self.outlier, self.outlier > 0, "above 0")

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on the trusted pairs; see `defenses.contracts.Repair`."""
        pairs = prepared_trusted(self, suspect, fit)
        dual = suspect.dual.to(this_accelerator().device)
        frozen = frozen_copy(dual)
        bank = None
        # of a view tower whose body stays as it is, nothing can unlearn what pictures do to it
        if suspect.modality == "image" and fit.freeze not in ("view", "bodies") and not body_is_frozen(dual.view_tower):
            bank = self._bank(suspect, frozen, pairs, seed=seed)
            looks = Augmentation(crop=0.6, flip=0.5, brightness=0.3)
            fit = replace(fit, augmentation=replace(looks, token_dropout=fit.augmentation.token_dropout))
        words = InsertedWords.of(pairs, dual, views=suspect.modality != "image") if self.words else None
        steps = fit_steps(
            dual,
            pairs,
            fit,
            seed=seed,
            objective=lambda trained: Anchored(dual=trained, frozen=frozen, bank=bank, weight=self.weight),
            second=Unlearned(words=words),
        )
        per_epoch = PairBatches(pairs=pairs, dual=dual, settings=fit, seed=seed).steps_per_epoch
        for step in steps:
            done, rest = divmod(step.step, per_epoch)
            if bank is not None and not rest and done < fit.epochs:
                # the loop waits between two records: the next epoch meets triggers of the model as it is now
                bank.search_again(dual, epoch=done)
            if on_step is not None:
                on_step(step)
        return dual

    def _bank(self, suspect: Suspect, frozen: DualEncoder, pairs: PreparedPairs, *, seed: int) -> TriggerBank:
        bank = TriggerBank(
            kinds=(Masked(), Noise(bound=self.noise), Warped(), Waves(amplitude=self.amplitude)),
            pixels=picture_pixels(pairs, suspect.trusted, suspect.dual),
            classes=class_vectors(suspect, seed=seed),
            members=self.members,
            outlier=self.outlier,
            effort=self.search,
            seed=seed,
        )
        bank.search_again(frozen, epoch=0)
        return bank
