"""TA-Cleaner: CleanCLIP that also aligns views with true sub-captions and parts them from false ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from threatclip.checks import check, not_negative
from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.clean_clip import clean_clip_looks
from threatclip.defenses.repairs.fitting import prepared_trusted
from threatclip.defenses.repairs.looks import PicturePolicy, check_policy
from threatclip.defenses.repairs.self_supervision import SelfSupervised
from threatclip.defenses.repairs.subcaption_looks import (
    DRAWN,
    KNOWN,
    SubcaptionLooks,
    parts_of,
    subcaption_vectors,
)
from threatclip.defenses.subcaptions.generate import SWAPPED, Generator, Swapped
from threatclip.defenses.subcaptions.lexicons import lexicon_of
from threatclip.encoders.dual import DualEncoder
from threatclip.losses.subcaption import subcaption_i2t, subcaption_t2i
from threatclip.pairs.pair import Modality
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import Looks
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.objective import MakeObjective
from threatclip.training.dual.prepared import PreparedPairs
from threatclip.training.dual.settings import Fit

Using = Literal["both", "positives", "negatives"]
Direction = Literal["both", "i2t", "t2i"]
NegativeType = Literal["any", "noun", "attribute", "relation"]
Vocabulary = Literal["seen", "all"]

_ROLES: dict[str, tuple[Swapped, ...]] = {
    "any": SWAPPED,
    "noun": ("object",),
    "attribute": ("attribute",),
    "relation": ("relation",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaCleaner:
    """CleanCLIP plus sub-captions: L = CleanCLIP's + sub_weight (L_i2t + L_t2i) / 2 over k pairs of each epoch.

    The paper has no released code and leaves its own two terms undefined; `losses.subcaption` and
    `defenses.subcaptions` are our specification of them. With k = 0 it is CleanCLIP to the last bit.

    Attributes:
        k: pairs of an epoch that get sub-captions, drawn anew each time, spread evenly over its steps; or "all".
        q: counterfactuals of a pair, at most: as many as its words allow.
        sub_weight: lambda_3.
        using: "both"; "positives", without counterfactuals; "negatives", with the caption itself in the place of its
            positive.
        negatives: what is replaced in a counterfactual: a "noun", an "attribute", a "relation", or "any" of these.
        vocabulary: words that are put in: those that trusted captions say ("seen"), or "all" of the lexicon.
        directions: "both" terms, or one alone, not halved.
        drop: probability that a part of a caption that may be left out of its positive is.
        clip_weight: lambda_1.
        self_weight: lambda_2.
        pictures: how pictures are shown again, see `CleanClip`.
        redraw: change texts and payloads of second looks anew each time, see `CleanClip`.
    """

    kind: Literal["ta_cleaner"] = "ta_cleaner"
    k: int | Literal["all"] = "all"
    q: int = 3
    sub_weight: float = 1.0
    using: Using = "both"
    negatives: NegativeType = "any"
    vocabulary: Vocabulary = "seen"
    directions: Direction = "both"
    drop: float = 0.5
    clip_weight: float = 1.0
    self_weight: float = 1.0
    pictures: PicturePolicy = "autoaugment"
    redraw: bool = False

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "after Xun 2024 (TA-Cleaner, arXiv 2409.17601)"

    def __post_init__(self) -> None:
        check("k", self.k, self.k == "all" or (isinstance(self.k, int) and self.k >= 0), 'a number from 0, or "all"')
        check("q", self.q, 0 <= self.q <= 64, "in [0, 64]")
        not_negative(self, "sub_weight", "clip_weight", "self_weight")
        check("using", self.using, self.using in ("both", "positives", "negatives"), "both, positives or negatives")
        check("negatives", self.negatives, self.negatives in _ROLES, f"one of {', '.join(_ROLES)}")
        check("vocabulary", self.vocabulary, self.vocabulary in ("seen", "all"), "seen or all")
        check("directions", self.directions, self.directions in ("both", "i2t", "t2i"), "both, i2t or t2i")
        check("drop", self.drop, 0 < self.drop <= 1, "in (0, 1]")
        check_policy(self.pictures)

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on the trusted pairs; see `defenses.contracts.Repair`."""
        pairs = prepared_trusted(self, suspect, fit)
        second: Looks = clean_clip_looks(suspect, pairs, policy=self.pictures, redraw=self.redraw, seed=seed)
        if self.share_of(len(pairs)) > 0:
            second = self._with_subcaptions(second, suspect, pairs)
        return fit_dual(
            suspect.dual, pairs, fit, seed=seed, objective=self.objective(len(pairs)), second=second, on_step=on_step
        )

    def share_of(self, n_pairs: int) -> float:
        """Return which share of n trusted pairs gets sub-captions in an epoch."""
        return 1.0 if self.k == "all" else min(1.0, self.k / n_pairs)

    def objective(self, n_pairs: int) -> MakeObjective:
        """Return what is learned of n trusted pairs."""

        def make(dual: DualEncoder) -> SelfSupervised | SubcaptionObjective:
            inner = SelfSupervised(dual=dual, clip_weight=self.clip_weight, self_weight=self.self_weight)
            if self.share_of(n_pairs) == 0:
                return inner
            return SubcaptionObjective(
                inner=inner, sub_weight=self.sub_weight, using=self.using, directions=self.directions
            )

        return make

    def _with_subcaptions(self, inner: Looks, suspect: Suspect, pairs: PreparedPairs) -> SubcaptionLooks:
        lexicon = lexicon_of(suspect.modality, suspect.prompts)
        if self.vocabulary == "seen":
            lexicon = lexicon.of_captions(pair.caption or "" for pair in suspect.trusted)
        generator = Generator(lexicon=lexicon, swapped=_ROLES[self.negatives], drop=self.drop)
        return SubcaptionLooks(
            inner=inner,
            tower=suspect.dual.text_tower,
            generator=generator,
            parts=parts_of(suspect.trusted, generator),
            share=self.share_of(len(pairs)),
            negatives=0 if self.using == "positives" else self.q,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubcaptionObjective:
    """CleanCLIP's objective plus sub_weight (L_i2t + L_t2i) / 2 of the rows that have sub-captions."""

    inner: SelfSupervised
    sub_weight: float = 1.0
    using: Using = "both"
    directions: Direction = "both"

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of views, captions, their second looks and their sub-captions."""
        reps = self.inner.represent(batch)
        reps["positive"], reps["negatives"] = subcaption_vectors(self.inner.dual.text_tower, batch)
        return reps

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return the weighted sum and its terms."""
        terms = self.inner.loss(reps, batch)
        rows = batch[DRAWN].nonzero()[:, 0]
        positives = (reps["caption"] if self.using == "negatives" else reps["positive"])[rows]
        temperature = self.inner.dual.temperature
        i2t = subcaption_i2t(
            reps["view"][rows],
            positives,
            reps["negatives"][rows],
            temperature=temperature,
            known=batch[KNOWN][rows],
        )
        t2i = subcaption_t2i(positives, reps["view"], rows, temperature=temperature)
        both = {"both": (i2t + t2i) / 2, "i2t": i2t, "t2i": t2i}[self.directions]
        return terms | {"loss": terms["loss"] + self.sub_weight * both, "sub_i2t": i2t, "sub_t2i": t2i}
