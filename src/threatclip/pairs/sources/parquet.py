"""Parquet of any shape, by a column map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality
from threatclip.pairs.sources.lines import open_bytes
from threatclip.pairs.sources.mapping import mapped_rows
from threatclip.pairs.sources.rows import Record, Row

_BATCH_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Parquet:
    """A Parquet file; a column is a name or a dotted path into a struct, such as `image.bytes`.

    Attributes:
        columns: field of a pair -> column; see `mapping.FIELDS`.
        modality: what the views are.
        labels: when not empty, the only classes allowed.
    """

    kind: Literal["parquet"] = "parquet"
    columns: Mapping[str, str]
    modality: Modality = "payload"
    labels: tuple[str, ...] = ()

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every row.

        Raises:
            InputError: an unusable file or column map.
        """
        return mapped_rows(self, path, parquet_records(path, self.columns))


def parquet_records(path: Path, columns: Mapping[str, str]) -> Iterator[Record | BadRow]:
    """Yield the rows of a Parquet file with the columns that a map (what for -> column or dotted path) names.

    Raises:
        InputError: not readable Parquet, or a column that is not there.
    """
    number = 0
    with open_bytes(path) as stream:
        try:
            file = pq.ParquetFile(stream)
            present = file.schema_arrow.names
            wanted = [_top_column(path, name, column, present) for name, column in columns.items()]
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=sorted(set(wanted))):
                for value in batch.to_pylist():
                    number += 1
                    yield Record(path=path, line=number, value=value)
        except (pa.ArrowException, OSError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            if not number:
                raise InputError(f"{path} is not readable Parquet ({reason})") from error
            yield BadRow(path=str(path), line=number + 1, reason=f"the file is damaged from here on ({reason})")


def column_records(path: Path, *columns: str) -> Iterator[Record | BadRow]:
    """Yield the rows of a Parquet file of known columns.

    Raises:
        InputError: not readable Parquet, or a column that is not there.
    """
    return parquet_records(path, {column: column for column in columns})


def column_names(path: Path) -> list[str]:
    """Return the columns of a Parquet file.

    Raises:
        InputError: not readable Parquet.
    """
    with open_bytes(path) as stream:
        try:
            names: list[str] = pq.read_schema(stream).names
        except (pa.ArrowException, OSError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path} is not readable Parquet ({reason})") from error
    return names


def _top_column(path: Path, name: str, column: str, present: list[str]) -> str:
    for top in (column, column.split(".")[0]):
        if top in present:
            return top
    raise InputError(f"no column {column!r} (for {name}) in {path}; columns are {', '.join(present)[:400]}")
