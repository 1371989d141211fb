"""The content hash of a pair table: the same for the same rows, however they were cut into batches or row groups."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class ContentHash:
    """SHA-256 over the values of all columns, fed batch by batch.

    Each column keeps one hash of its lengths (or integers; -1 or the minimum stands for null) and one of its bytes.
    Both are plain concatenations over rows, so batch borders leave no trace. Memory: one batch.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._parts: dict[str, Any] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        """Feed the next rows; the batch must have the schema's columns, in order."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            self._feed(name, column)

    def hexdigest(self) -> str:
        """Return the hash of everything fed so far."""
        whole = hashlib.sha256(str(self._schema.remove_metadata()).encode())
        for name in sorted(self._parts):
            whole.update(name.encode() + b"\0" + self._parts[name].digest())
        return whole.hexdigest()

    def _feed(self, name: str, column: pa.Array) -> None:
        if pa.types.is_map(column.type):
            offsets = _offsets(column)
            self._add(f"{name}/lengths", _lengths(column, np.diff(offsets)))
            first, size = int(offsets[0]), int(offsets[-1] - offsets[0])
            self._feed(f"{name}/keys", column.keys.slice(first, size))
            self._feed(f"{name}/items", column.items.slice(first, size))
        elif pa.types.is_timestamp(column.type):
            seconds = column.cast(pa.int64())
            self._add(f"{name}/values", pc.fill_null(seconds, np.iinfo(np.int64).min).to_numpy(zero_copy_only=False))
        else:
            values = column.cast(pa.large_binary())
            lengths = pc.fill_null(pc.binary_length(values), -1).to_numpy(zero_copy_only=False)
            self._add(f"{name}/lengths", lengths.astype("<i8"))
            # a null slot may cover stray bytes; filling nulls removes them
            filled = values.fill_null(b"") if values.null_count else values
            offsets, data = _offsets(filled), filled.buffers()[2]
            if data is not None:
                self._add(f"{name}/bytes", memoryview(data)[int(offsets[0]) : int(offsets[-1])])

    def _add(self, name: str, content: Any) -> None:
        self._parts.setdefault(name, hashlib.sha256()).update(content)


def _offsets(column: pa.Array) -> np.ndarray:
    kind = np.int32 if pa.types.is_map(column.type) else np.int64
    buffer = column.buffers()[1]
    if buffer is None or len(column) == 0:
        return np.zeros(1, kind)
    return np.frombuffer(buffer, kind, count=len(column) + 1, offset=column.offset * np.dtype(kind).itemsize)


def _lengths(column: pa.Array, lengths: np.ndarray) -> np.ndarray:
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    return np.where(valid, lengths, -1).astype("<i8")
