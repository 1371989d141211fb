"""What SafeCLIP remembers from step to step: banks of both sides, and which pairs it trusts in this epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from threatclip.defenses.trainings.bank import Bank
from threatclip.defenses.trainings.safe_split import clean_probabilities, most_clean, pair_cosines
from threatclip.encoders.dual import DualEncoder
from threatclip.training.distributed import copy_from_main, this_accelerator, world_of
from threatclip.training.dual.prepared import PreparedPairs

_NEVER = -1


class SafeMemory(nn.Module):
    """Buffers alone, so that checkpoints hold it: a resumed fit has the same banks and the same split.

    Attributes:
        views, captions: banks.
        safe: which pairs get the contrastive loss in epoch `epoch`, bool [n].
    """

    safe: Tensor
    epoch: Tensor
    share: Tensor

    def __init__(self, *, n_pairs: int, rows: int, dim: int) -> None:
        super().__init__()
        self.views = Bank(rows, dim)
        self.captions = Bank(rows, dim)
        self.register_buffer("safe", torch.zeros(n_pairs, dtype=torch.bool))
        self.register_buffer("epoch", torch.full((1,), _NEVER, dtype=torch.int64))
        self.register_buffer("share", torch.zeros(1, dtype=torch.float64))  # of the pairs in the next split

    def is_split(self, epoch: int) -> bool:
        """Tell whether the split is this epoch's."""
        return int(self.epoch) == epoch

    def split(
        self, dual: DualEncoder, pairs: PreparedPairs, epoch: int, *, clean: float, growth: float, most: float
    ) -> None:
        """Split the pairs by the model as it is.

        The first time, those whose clean probability is at least `clean` are safe; after that as many as then, and
        `growth` of all pairs more each epoch, until they are `most` of all.
        """
        cosines = pair_cosines(dual, pairs)
        share = float(self.share)
        if int(self.epoch) == _NEVER:
            chosen = clean_probabilities(cosines) >= clean
            share = float(chosen.mean())
        else:
            chosen = most_clean(cosines, share=share)
        self.safe.copy_(torch.from_numpy(chosen))
        self.epoch.fill_(epoch)
        self.share.fill_(min(share + growth, most))
        # a process that rounds a cosine differently must not train on another split
        copy_from_main(self, world=world_of(this_accelerator()))

    def rows(self, *, safe: bool) -> np.ndarray:
        """Return the numbers of the pairs that are safe, or of the others."""
        return np.flatnonzero(self.safe.cpu().numpy() == safe)
