"""The memory bank of a training: the last vectors it has seen, part of its checkpoints."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

CODE_ROWS = 256  # of the bank in the code of RoCLIP and SafeCLIP: two batches of 128


def bank_rows(n_pairs: int, *, share: float, batch_rows: int) -> int:
    """Return the rows of a bank that holds `share` of the pairs: two batches at least, and no more than all pairs."""
    least = max(2 * batch_rows, CODE_ROWS)
    return max(min(n_pairs, max(least, round(share * n_pairs))), 1)


class Bank(nn.Module):
    """Unit vectors of the last `rows` captions or views, first in, first out; they carry no gradient.

    What it holds are buffers, so a resumed fit goes on with the same bank. The code of both papers starts from random
    vectors; here what is empty is not looked at.
    """

    vectors: Tensor
    state: Tensor

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(rows, dim))
        self.register_buffer("state", torch.zeros(2, dtype=torch.int64))  # the next place, rows that hold something

    def __len__(self) -> int:
        """Return how many rows hold something."""
        return int(self.state[1])

    @torch.no_grad()
    def add(self, vectors: Float[Tensor, "n d"]) -> None:
        """Put vectors in the place of the oldest; of more than the bank holds, the last ones stay."""
        size = len(self.vectors)
        kept = vectors.detach()[-size:].to(self.vectors)
        start = int(self.state[0])
        places = (start + torch.arange(len(kept), device=kept.device)) % size
        self.vectors[places] = kept
        self.state[0] = (start + len(kept)) % size
        self.state[1] = min(len(self) + len(kept), size)

    @torch.no_grad()
    def nearest(self, queries: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]:
        """Return the vector of greatest cosine to each query, and its place; the first of equals.

        Raises:
            ValueError: the bank is empty.
        """
        held = self.vectors[: len(self)]
        if not len(held):
            raise ValueError("the bank is empty; add vectors first")
        places = (queries.detach().to(held) @ held.T).argmax(dim=1)
        return held[places], places
