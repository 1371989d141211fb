"""The pair table: an immutable, ordered Parquet file of pairs with unique ids and a content hash.

Reading is lazy and memory-mapped: opening costs the footer only, iterating holds one row group. Writing streams,
keeps one batch and a 16-byte digest per id in memory, and is atomic: a table is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import json
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from threatclip.artifacts import atomic_path
from threatclip.errors import DamagedArtifactError, InputError, StorageError
from threatclip.pairs.columns import BATCH_ROWS, SCHEMA, IdSet, pair_batches, pairs_of, values_of
from threatclip.pairs.content_hash import ContentHash
from threatclip.pairs.pair import MODALITIES, SPLITS, Modality, Pair

VERSION = "1"
_PREFIX = "threatclip."
# Parquet knows no seconds: times rest as milliseconds and are cast on the way in
_STORED = SCHEMA.set(SCHEMA.names.index("time"), pa.field("time", pa.timestamp("ms", tz="UTC")))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """What `write_pairs` wrote."""

    path: Path
    rows: int
    modality: Modality
    content_hash: str


class PairTable:
    """A pair table on disk, opened lazily; see `PairTable.open`."""

    def __init__(self, path: Path, mapped: mmap.mmap, file: pq.ParquetFile, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.modality = cast("Modality", facts["modality"])
        self.content_hash = facts["content_hash"]
        self.split_info: dict[str, Any] | None = facts["split"]
        self._mapped = mapped
        self._file = file
        self._starts = np.concatenate([[0], np.cumsum(facts["group_rows"], dtype=np.int64)])

    @classmethod
    def open(cls, path: str | Path) -> PairTable:
        """Map the file and read its footer (milliseconds for a million pairs); rows are read when asked for.

        Raises:
            InputError: no such file, or it is not a pair table.
            DamagedArtifactError: it is one, but truncated or changed.
        """
        path = Path(path)
        mapped = _map_file(path)
        try:
            file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(mapped)), page_checksum_verification=True)
            facts = _table_facts(path, file)
        except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
            raise DamagedArtifactError(
                f"{path} is a truncated or damaged pair table ({_line(error)}); build it anew"
            ) from error
        return cls(path, mapped, file, facts)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def iter_batches(
        self, *, columns: Sequence[str] | None = None, batch_size: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield record batches of at most `batch_size` rows in order; memory stays at one row group.

        Raises:
            InputError: no such column.
            DamagedArtifactError: bytes of the file were changed.
        """
        unknown = set(columns or ()) - set(SCHEMA.names)
        if unknown:
            raise InputError(f"no column {min(unknown)!r} in a pair table; columns are {', '.join(SCHEMA.names)}")
        for group in range(self._file.metadata.num_row_groups):
            for whole in self._row_group(group, columns).to_batches():
                for start in range(0, whole.num_rows, batch_size):
                    yield whole.slice(start, batch_size)

    def iter_pairs(self) -> Iterator[Pair]:
        """Yield every pair in order; memory stays at one row group."""
        for batch in self.iter_batches():
            yield from pairs_of(batch)

    def column(self, name: str) -> list[Any]:
        """Return one column as a list: bytes, strings or None, UTC datetimes, or dicts for `meta`."""
        values: list[Any] = []
        for batch in self.iter_batches(columns=[name]):
            values.extend(values_of(name, batch.column(0)))
        return values

    def take(self, indices: Sequence[int] | np.ndarray) -> list[Pair]:
        """Return the pairs at `indices` (0-based row numbers), in the order asked for.

        Raises:
            InputError: an index lies outside the table.
        """
        wanted = np.asarray(indices, dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise InputError(f"row {wanted.max()} asked of {self.path}, which has {len(self)} rows")
        pairs: list[Pair | None] = [None] * wanted.size
        groups = np.searchsorted(self._starts, wanted, side="right") - 1
        for group in np.unique(groups):
            places = np.flatnonzero(groups == group)
            rows = self._row_group(int(group), None).take(wanted[places] - self._starts[group])
            found = (pair for batch in rows.to_batches() for pair in pairs_of(batch))
            for place, pair in zip(places, found, strict=True):
                pairs[place] = pair
        return cast("list[Pair]", pairs)

    def verify(self) -> None:
        """Read everything: rehash the content, check that ids are unique and no required value is missing.

        Raises:
            DamagedArtifactError: the table is not what was written.
        """
        hasher, ids = ContentHash(SCHEMA), IdSet()
        for batch in self.iter_batches():
            hasher.update(batch)
            for name in ("id", "view"):
                if batch.column(name).null_count:
                    raise DamagedArtifactError(f"{self.path} holds a row without {name}; build the table anew")
            for pair_id in batch.column("id").to_pylist():
                if not ids.add(pair_id):
                    raise DamagedArtifactError(f"{self.path} holds id {pair_id!r} twice; build the table anew")
        if hasher.hexdigest() != self.content_hash:
            raise DamagedArtifactError(f"{self.path} does not match its content hash; build the table anew")

    def _row_group(self, group: int, columns: Sequence[str] | None) -> pa.Table:
        try:
            table = self._file.read_row_group(group, columns=None if columns is None else list(columns))
            table = table.cast(pa.schema([SCHEMA.field(name) for name in table.column_names]))
            table = table if columns is None else table.select(list(columns))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DamagedArtifactError(
                f"{self.path} is damaged in row group {group} ({_line(error)}); build it anew"
            ) from error
        if hasattr(mmap, "MADV_DONTNEED"):  # decoded; let the kernel take the mapped pages back
            self._mapped.madvise(mmap.MADV_DONTNEED)
        return table


def write_pairs(
    path: str | Path,
    pairs: Iterable[Pair],
    *,
    modality: Modality,
    split_info: Mapping[str, Any] | None = None,
    checked: bool = False,
) -> WriteReport:
    """Stream `pairs` into a pair table at `path`, whole or not at all.

    `checked` says that the caller held every pair to `pair_fault` and its id to all others already.

    Raises:
        InputError: a pair that a table cannot hold, a duplicate id, no pair at all, an unknown modality.
        StorageError: the disk refused; `path` is then as it was before.
    """
    batches = pair_batches(pairs, modality=modality, checked=checked)
    return _write_batches(Path(path), batches, modality=modality, split_info=split_info)


def with_split(
    table: PairTable, splits: Sequence[str | None], info: Mapping[str, Any], out_path: str | Path
) -> WriteReport:
    """Write `table` anew at `out_path` (which may be its own path) with another split column and its account.

    Raises:
        InputError: not one split per row, or a name that is no split.
        StorageError: the disk refused.
    """
    if len(splits) != len(table):
        raise InputError(f"{len(splits)} splits for the {len(table)} rows of {table.path}")
    unknown = set(splits) - {None, *SPLITS}
    if unknown:
        raise InputError(f"split {min(map(str, unknown))!r} is not one of {', '.join(SPLITS)}")
    return _write_batches(Path(out_path), _replace_split(table, splits), modality=table.modality, split_info=info)


def _write_batches(
    path: Path, batches: Iterable[pa.RecordBatch], *, modality: Modality, split_info: Mapping[str, Any] | None
) -> WriteReport:
    if modality not in MODALITIES:
        raise InputError(f"modality {modality!r} is not one of {', '.join(MODALITIES)}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file for the pair table")
    hasher, rows = ContentHash(SCHEMA), 0
    with atomic_path(path) as part, contextlib.ExitStack() as stack:
        writer = stack.enter_context(_writer(part))
        for batch in batches:
            hasher.update(batch)
            writer.write_batch(batch)
            rows += batch.num_rows
        if not rows:
            raise InputError(f"no pair to write to {path}; is the source empty?")
        facts = {"modality": modality, "content_hash": hasher.hexdigest(), "rows": str(rows), "version": VERSION}
        if split_info is not None:
            facts["split"] = json.dumps(split_info, sort_keys=True, allow_nan=False)
        writer.add_key_value_metadata({_PREFIX + name: value for name, value in facts.items()})
    return WriteReport(path=path, rows=rows, modality=modality, content_hash=facts["content_hash"])


def _writer(part: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        part,
        SCHEMA,
        compression="zstd",
        use_dictionary=["label", "group", "split"],
        write_statistics=["time", "split", "label"],  # the footer must stay small: views have no use for a minimum
        write_page_checksum=True,
        version="2.6",
    )


def _replace_split(table: PairTable, splits: Sequence[str | None]) -> Iterator[pa.RecordBatch]:
    place, start = SCHEMA.names.index("split"), 0
    for batch in table.iter_batches():
        column = pa.array(splits[start : start + batch.num_rows], type=pa.string())
        columns = [column if index == place else old for index, old in enumerate(batch.columns)]
        yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
        start += batch.num_rows


def _map_file(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as handle:
            if handle.read(4) != b"PAR1":
                raise InputError(f"{path} is not a pair table; make one with `threatclip pairs build`")
            return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise InputError(f"no pair table {path}; make one with `threatclip pairs build`") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not a pair table; name the Parquet file in it") from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error


def _table_facts(path: Path, file: pq.ParquetFile) -> dict[str, Any]:
    stored = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
    split = json.loads(stored.get(f"{_PREFIX}split", "null"))
    facts = {key.removeprefix(_PREFIX): value for key, value in stored.items() if key.startswith(_PREFIX)}
    if not {"modality", "content_hash", "rows", "version"} <= facts.keys():
        raise InputError(
            f"{path} is Parquet but not a pair table; read it with `threatclip pairs build --source parquet`"
        )
    if facts["version"] != VERSION:
        raise InputError(f"{path} is a pair table of version {facts['version']}, this is {VERSION}; build it anew")
    if not file.schema_arrow.equals(_STORED) or facts["modality"] not in MODALITIES:
        raise DamagedArtifactError(f"{path} does not have the columns of a pair table; build it anew")
    rows = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
    if str(sum(rows)) != facts["rows"] or min(rows, default=0) < 0:
        raise DamagedArtifactError(f"{path} has {sum(rows)} of {facts['rows'][:20]} rows; build it anew")
    return {**facts, "split": split, "group_rows": rows}


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
