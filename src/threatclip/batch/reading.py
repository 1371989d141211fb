"""The rows of one shard as pairs, or the reason why a row is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from threatclip.batch.plan import Form
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.pairs.images import image_fault
from threatclip.pairs.pair import Modality, Pair, pair_fault
from threatclip.pairs.sources.mapping import Mapper
from threatclip.pairs.sources.rows import Record, RowFault
from threatclip.pairs.table import PairTable

_BATCH_ROWS = 256


def shard_rows(
    path: Path, form: Form, start: int, stop: int, *, columns: Mapping[str, str], modality: str
) -> Iterator[Pair | str]:
    """Yield the rows `start` to `stop` of a file in order: a pair, or why the row is none.

    Raises:
        InputError: a pair table of another modality than the model reads; a column that is not there.
        DamagedArtifactError: bytes of the file were changed.
    """
    if form == "pairs":
        table = PairTable.open(path)
        if table.modality != modality:
            raise InputError(f"{path} holds {table.modality} pairs; the model reads {modality}")
        yield from table.take(np.arange(start, stop))
        return
    mapper = Mapper(columns=_mapped(path, columns), modality=cast("Modality", modality))
    for number, value in _values(path, start, stop, mapper.columns):
        try:
            pair = mapper(Record(path=path, line=number + 1, value=value))
        except RowFault as reason:
            yield str(reason)
            continue
        fault = pair_fault(pair, modality=mapper.modality)
        if fault is None and modality == "image" and pair.view:
            fault = image_fault(pair.view)
        yield pair if fault is None else fault


def _mapped(path: Path, columns: Mapping[str, str]) -> Mapping[str, str]:
    """Return the column map to use, with every column of it in the file."""
    present = pq.read_schema(path).names
    wanted = dict(columns) or {"view": "view", **({"id": "id"} if "id" in present else {})}
    for field, column in wanted.items():
        if column not in present and column.split(".")[0] not in present:
            raise InputError(
                f"no column {column!r} (for {field}) in {path}; columns are {', '.join(present)[:400]}; name yours, "
                "as in --map view=COLUMN"
            )
    return wanted


def _values(path: Path, start: int, stop: int, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a plain Parquet file with their numbers; only the row groups that hold them are read."""
    try:
        file = pq.ParquetFile(path)
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)])
        groups = [group for group, end in enumerate(ends) if end > start and (group == 0 or ends[group - 1] < stop)]
        number = int(ends[groups[0] - 1]) if groups[0] else 0
        names = file.schema_arrow.names
        tops = {column if column in names else column.split(".")[0] for column in columns.values()}
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups, columns=sorted(tops)):
            kept = batch.slice(max(0, start - number), max(0, stop - max(start, number)))
            first = max(start, number)
            yield from enumerate(kept.to_pylist(), start=first)
            number += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DamagedArtifactError(f"{path} cannot be read at row {start} or later ({reason}); restore it") from error
