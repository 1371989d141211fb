"""The rows of a table as a lazy sequence of pairs: filters may walk over millions of them in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from jaxtyping import Int

from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable

_CHUNK_ROWS = 1024


class TablePairs(Sequence[Pair]):
    """The pairs at some rows of a table, in order, read when asked for; a chunk of them stays in memory."""

    def __init__(self, table: PairTable, rows: Int[np.ndarray, " n"]) -> None:
        self.table = table
        self.rows = rows
        self._chunk: tuple[int, list[Pair]] = (-1, [])

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Pair: ...

    @overload
    def __getitem__(self, index: slice) -> list[Pair]: ...

    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        if isinstance(index, slice):
            return self.table.take(self.rows[index])
        place = range(len(self.rows))[index]  # IndexError ends loops over a sequence
        number, offset = divmod(place, _CHUNK_ROWS)
        if self._chunk[0] != number:
            start = number * _CHUNK_ROWS
            self._chunk = (number, self.table.take(self.rows[start : start + _CHUNK_ROWS]))
        return self._chunk[1][offset]

    def __iter__(self) -> Iterator[Pair]:
        wanted = np.zeros(len(self.table), bool)
        wanted[self.rows] = True
        for pair, use in zip(self.table.iter_pairs(), wanted.tolist(), strict=True):
            if use:
                yield pair
