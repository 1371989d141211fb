"""Sub-captions of some rows of every batch, beside their second looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from threatclip.defenses.subcaptions.generate import Generator, Parts
from threatclip.encoders.towers import Tower
from threatclip.pairs.pair import Pair
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import Looks
from threatclip.training.dual.prepared import whole

SUB = "sub_"
DRAWN = "sub_drawn"
"""Which rows have sub-captions, bool [rows]."""
KNOWN = "sub_known"
"""Which negatives each row has, bool [rows, q]."""
_PARTS = 4  # in which the texts of a batch are read


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubcaptionLooks:
    """A `training.dual.batches.Looks` around another one, with sub-captions of rows drawn from each batch.

    `sub_` before what the text tower takes, [rows, 1 + negatives, ...]: the positive, then the negatives; rows that
    were not drawn and negatives that there are not hold an empty text, which nothing reads (`DRAWN`, `KNOWN`).

    Attributes:
        inner: its tensors come first, from the same draws as without sub-captions.
        tower: reads sub-captions.
        generator: makes them, anew each time.
        parts: the caption of every pair, taken apart.
        share: of a batch's rows are drawn, in (0, 1]; where that is no whole number, on average.
        negatives: at most so many of a row.
    """

    inner: Looks
    tower: Tower
    generator: Generator
    parts: Sequence[Parts]
    share: float
    negatives: int

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> Batch:
        """Return the second look of some pairs, and their sub-captions."""
        batch = dict(self.inner.batch(rows, draw))
        chosen = np.zeros(len(rows), dtype=bool)
        chosen[draw.permutation(len(rows))[: self._count(len(rows), draw)]] = True
        texts: list[bytes] = []
        known = np.zeros((len(rows), self.negatives), dtype=bool)
        for at in range(len(rows)):
            made: list[str] = []
            if chosen[at]:
                parts = self.parts[int(rows[at])]
                false = self.generator.negatives(parts, self.negatives, draw)
                known[at, : len(false)] = True
                made = [self.generator.positive(parts, draw), *false]
            made += [""] * (1 + self.negatives - len(made))
            texts += [text.encode("utf-8", "replace") for text in made]
        for name, value in self.tower.collate(texts).items():
            batch[f"{SUB}{name}"] = value.reshape(len(rows), 1 + self.negatives, *value.shape[1:])
        batch[DRAWN], batch[KNOWN] = torch.from_numpy(chosen), torch.from_numpy(known)
        return batch

    def _count(self, n_rows: int, draw: np.random.Generator) -> int:
        """Return how many rows are drawn: the share, its fraction by chance."""
        return min(n_rows, int(self.share * n_rows + draw.random()))


def parts_of(trusted: Sequence[Pair], generator: Generator) -> list[Parts]:
    """Take apart the caption of every trusted pair that has both halves, in the order of `prepare_pairs`."""
    return [generator.parts(pair.caption or "", pair.label) for pair in whole(trusted)]


def _in_order_of_length(tower: Tower, inputs: dict[str, Tensor]) -> Tensor:
    """Return unit vectors [n, d] of padded texts, the short ones read apart from the long ones: half the work."""
    order = inputs["lengths"].argsort(stable=True)
    parts = []
    for rows in order.chunk(_PARTS):
        lengths = inputs["lengths"][rows]
        parts.append(tower(tokens=inputs["tokens"][rows, : int(lengths.max())], lengths=lengths))
    return torch.cat(parts)[order.argsort()]


def subcaption_vectors(tower: Tower, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return unit vectors of positives [rows, d] and negatives [rows, q, d] of drawn rows; zeros for all others."""
    read = torch.cat([batch[DRAWN][:, None], batch[KNOWN]], dim=1)
    vectors = torch.zeros(*read.shape, tower.dim, device=read.device)
    if read.any():
        own = {name.removeprefix(SUB): value for name, value in batch.items() if name.startswith(SUB)}
        inputs = {name: value[read] for name, value in own.items() if name not in ("drawn", "known")}
        found = _in_order_of_length(tower, inputs)
        vectors = vectors.to(found.dtype).masked_scatter(read[..., None], found)
    return vectors[:, 0], vectors[:, 1:]
