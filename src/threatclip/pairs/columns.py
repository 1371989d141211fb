"""Pairs as Arrow columns and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any

import pyarrow as pa

from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair, pair_fault

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("view", pa.large_binary(), nullable=False),
        pa.field("caption", pa.string()),
        pa.field("label", pa.string()),
        pa.field("group", pa.string()),
        pa.field("time", pa.timestamp("s", tz="UTC")),
        pa.field("split", pa.string()),
        pa.field("meta", pa.map_(pa.string(), pa.string())),
    ]
)
BATCH_ROWS = 4096
_BATCH_BYTES = 8 * 2**20


class IdSet:
    """A set of ids that keeps 16 bytes of BLAKE2b for each, so that long ids cost no more than short ones."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def add(self, name: str) -> bool:
        """Add `name`; return False when it was there already."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._digests:
            return False
        self._digests.add(digest)
        return True


def pair_batches(
    pairs: Iterable[Pair], *, modality: Modality | None = None, checked: bool = False
) -> Iterator[pa.RecordBatch]:
    """Yield record batches of SCHEMA, each bounded in rows and bytes; `checked` pairs are known to be fit and unique.

    Raises:
        InputError: a pair that a table cannot hold, or a duplicate id.
    """
    ids, rows, size = IdSet(), list[Pair](), 0
    for pair in pairs:
        fault = None if checked else pair_fault(pair, modality=modality)
        if fault is None and not checked and not ids.add(pair.id):
            fault = "the id occurs twice"
        if fault is not None:
            raise InputError(f"pair {pair.id[:80]!a}: {fault}")
        rows.append(pair)
        size += len(pair.view) + len(pair.caption or "") + sum(map(len, pair.meta.values()))
        if len(rows) >= BATCH_ROWS or size >= _BATCH_BYTES:
            yield _record_batch(rows)
            rows, size = [], 0
    if rows:
        yield _record_batch(rows)


def pairs_of(batch: pa.RecordBatch) -> Iterator[Pair]:
    """Yield the pairs of a record batch of SCHEMA."""
    columns = [values_of(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
    for name, view, caption, label, group, time, split, meta in zip(*columns, strict=True):
        yield Pair(id=name, view=view, caption=caption, label=label, group=group, time=time, split=split, meta=meta)


def values_of(name: str, column: pa.Array) -> list[Any]:
    """Return the Python values of column `name`: bytes, strings or None, UTC datetimes, dicts for `meta`."""
    if name == "meta":
        return [dict(items or ()) for items in column.to_pylist()]
    if name == "time":
        return [None if value is None else value.replace(tzinfo=UTC) for value in column.to_pylist()]
    values: list[Any] = column.to_pylist()
    return values


def _record_batch(rows: Sequence[Pair]) -> pa.RecordBatch:
    columns = [
        [row.id for row in rows],
        [row.view for row in rows],
        [row.caption for row in rows],
        [row.label for row in rows],
        [row.group for row in rows],
        [None if row.time is None else row.time.astimezone(UTC).replace(microsecond=0) for row in rows],
        [row.split for row in rows],
        [sorted(row.meta.items()) for row in rows],
    ]
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
