"""What an index holds already, told by what is in a row: a row that comes again is no second case."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from threatclip.index.storage import lance_errors

if TYPE_CHECKING:
    from lancedb.table import Table

_AT_ONCE = 500  # contents of one deletion


class Held:
    """The contents of an index, as hashes, while tables are added to it.

    `replaced` are the sources whose tables are given anew: their rows that do not come again are to go.
    """

    def __init__(self, replaced: Collection[str] = ()) -> None:
        self._owners: dict[bytes, str] = {}
        self._before: dict[str, set[bytes]] = {source: set() for source in replaced}
        self._kept: set[bytes] = set()

    def read(self, table: Table) -> None:
        """Learn what a table of cases holds."""
        for batch in table.search().select(["content", "source"]).to_batches():
            for content, source in zip(batch["content"].to_pylist(), batch["source"].to_pylist(), strict=True):
                key = bytes.fromhex(content)
                self._owners[key] = source
                if source in self._before:
                    self._before[source].add(key)

    def is_new(self, content: str, source: str) -> bool:
        """Tell whether a row of `source` is to be written; it is held from now on."""
        key = bytes.fromhex(content)
        owner = self._owners.get(key)
        if owner == source and key in self._before.get(source, ()):
            self._kept.add(key)
        # a row of a source that is given anew may be about to go: it is written for whoever brings it first
        elif owner is None or (owner != source and owner in self._before and key not in self._kept):
            self._owners[key] = source
            return True
        return False

    def n_kept(self, source: str) -> int:
        """Return how many rows of a source came again."""
        return len(self._before.get(source, set()) & self._kept)

    def drop_gone(self, table: Table, uri: str) -> int:
        """Delete rows of sources that were given anew without them; return how many.

        Raises:
            StorageError: the disk or the store refused.
        """
        from lancedb.expr import col, lit

        n_gone = 0
        for source, before in self._before.items():
            gone = sorted(key.hex() for key in before - self._kept)
            n_gone += len(gone)
            for some in _parts(gone):
                with lance_errors(uri):
                    table.delete((col("source") == lit(source)) & col("content").isin(some))
        return n_gone


def _parts(contents: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(contents), _AT_ONCE):
        yield contents[start : start + _AT_ONCE]
