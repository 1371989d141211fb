"""What a dual encoder learns from a batch of pairs: symmetric InfoNCE with equal groups as positives.

A further term (self-supervision, say) is another objective that holds this one: it calls `views` and `captions` with
the names of what it reads, and adds to the terms of `loss`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import Tower
from threatclip.losses.clip import symmetric_infonce
from threatclip.training.contracts import Batch, Objective
from threatclip.training.dual.augment import show
from threatclip.training.dual.batches import CAPTION, GROUP, SHOWN, VIEW

MakeObjective = Callable[[DualEncoder], Objective]
"""Makes the objective of a fit from the dual encoder that it trains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastiveObjective:
    """CLIP's own loss [Radford 2021, figure 3] with the learned temperature of `dual`."""

    dual: DualEncoder

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of views and captions."""
        return {"view": self.views(batch), "caption": self.captions(batch)}

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return the loss of the whole batch, and the temperature that it was taken at."""
        temperature = self.dual.temperature
        groups = batch[GROUP]
        same = groups[:, None] == groups[None, :]
        value = symmetric_infonce(reps["view"], reps["caption"], temperature=temperature, positives=same)
        return {"loss": value, "temperature": temperature.detach()}

    def views(self, batch: Batch, *, prefix: str = VIEW) -> Tensor:
        """Return the unit vectors of what lies under `prefix` for the view tower."""
        return tower_vectors(self.dual.view_tower, batch, prefix=prefix)

    def captions(self, batch: Batch, *, prefix: str = CAPTION) -> Tensor:
        """Return the unit vectors of what lies under `prefix` for the text tower."""
        return tower_vectors(self.dual.text_tower, batch, prefix=prefix)


def contrastive_objective(dual: DualEncoder) -> Objective:
    """Return the objective of a plain fit."""
    return ContrastiveObjective(dual=dual)


def tower_vectors(tower: Tower, batch: Batch, *, prefix: str) -> Tensor:
    """Return the unit vectors of one side of a batch, from features, tokens or pictures to be shown."""
    own = {name.removeprefix(prefix): value for name, value in batch.items() if name.startswith(prefix)}
    if "features" in own:
        return tower.project(own["features"])
    shown = own.pop(SHOWN, None)
    if shown is not None:
        own["pixels"] = show(own["pixels"], shown)
    vectors: Tensor = tower(**own)
    return vectors
