"""The objective of CleanCLIP: the contrastive loss between modalities, and self-supervision within each."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from threatclip.defenses.repairs.fitting import without_running_statistics
from threatclip.defenses.repairs.second import SAME, looked_vectors
from threatclip.encoders.dual import DualEncoder
from threatclip.losses.selfsup import look_infonce
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import CAPTION, SECOND, VIEW
from threatclip.training.dual.objective import ContrastiveObjective

_SIDES = ((VIEW, "view"), (CAPTION, "caption"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfSupervised:
    """clip_weight L_CLIP + self_weight (CE(I, I~) + CE(T, T~)) / 2 on batches with second looks [Bansal 2023].

    Rows of one view, or of one caption, are right answers of each other, as they are of L_CLIP.
    """

    dual: DualEncoder
    clip_weight: float = 1.0
    self_weight: float = 1.0

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of views, captions and their second looks."""
        reps = ContrastiveObjective(dual=self.dual).represent(batch)
        for (prefix, name), tower in zip(_SIDES, (self.dual.view_tower, self.dual.text_tower), strict=True):
            with without_running_statistics(tower):
                reps[f"{SECOND}{name}"] = looked_vectors(tower, batch, prefix=f"{SECOND}{prefix}")
        return reps

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return the weighted sum and its terms."""
        terms = ContrastiveObjective(dual=self.dual).loss(reps, batch)
        clip = terms["loss"]
        of_views, of_captions = (
            look_infonce(
                reps[name],
                reps[f"{SECOND}{name}"],
                temperature=self.dual.temperature,
                positives=batch[f"{SAME}{prefix}"][:, None] == batch[f"{SAME}{prefix}"][None, :],
            )
            for prefix, name in _SIDES
        )
        loss = self.clip_weight * clip + self.self_weight * (of_views + of_captions) / 2
        return terms | {"loss": loss, "clip": clip, "self_view": of_views, "self_caption": of_captions}
