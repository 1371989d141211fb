"""What SafeCLIP learns from a batch: view and caption from each other, or each from its own second look."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from threatclip.defenses.repairs.second import SAME
from threatclip.defenses.trainings.bank import Bank
from threatclip.defenses.trainings.running import Sides
from threatclip.defenses.trainings.safe_batches import UNIMODAL
from threatclip.defenses.trainings.safe_memory import SafeMemory
from threatclip.losses.selfsup import look_infonce
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import CAPTION, GROUP, VIEW
from threatclip.training.dual.objective import ContrastiveObjective


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeObjective:
    """CLIP's loss on a batch of safe pairs, the unimodal loss with neighbors [Yang 2024, section 4.1] on the others."""

    plain: ContrastiveObjective
    sides: Sides
    memory: SafeMemory

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of both sides, and of their second looks where they are compared."""
        reps = self.plain.represent(batch)
        if bool(batch[UNIMODAL].all()):
            reps["second_view"] = self.plain.views(batch, prefix=self.sides.view)
            reps["second_caption"] = self.plain.captions(batch, prefix=self.sides.caption)
        return reps

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return the loss of the whole batch, the temperature, and the share of safe pairs."""
        share = self.memory.safe.float().mean()
        if not bool(batch[UNIMODAL].all()):
            return {**self.plain.loss(reps, batch), "safe_share": share}
        views = self._side(self.memory.views, reps["view"], reps["second_view"], batch, VIEW)
        captions = self._side(self.memory.captions, reps["caption"], reps["second_caption"], batch, CAPTION)
        temperature = self.plain.dual.temperature
        return {"loss": (views + captions) / 2, "temperature": temperature.detach(), "safe_share": share}

    def _side(self, bank: Bank, first: Tensor, second: Tensor, batch: Batch, side: str) -> Tensor:
        """Return how hard it is for second looks to find what the bank holds nearest to the first ones."""
        found, places = first, batch.get(f"{SAME}{side}", batch[GROUP])
        if len(bank) >= len(first):  # before that, the first looks themselves are to be found
            found, places = bank.nearest(first)
        bank.add(first)
        same = places[:, None] == places[None, :]
        return look_infonce(second, found, temperature=self.plain.dual.temperature, positives=same)
