"""CSV of any shape, by a column map."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality
from threatclip.pairs.sources.lines import LINE_LIMIT_BYTES, byte_lines
from threatclip.pairs.sources.mapping import mapped_rows
from threatclip.pairs.sources.rows import Record, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Csv:
    """Comma (or otherwise) separated values with a header line, plain or gzip'd, UTF-8; fields may span lines.

    Attributes:
        columns: field of a pair -> column of the header; see `mapping.FIELDS`.
        modality: what the views are.
        labels: when not empty, the only classes allowed.
        delimiter: one character.
    """

    kind: Literal["csv"] = "csv"
    columns: Mapping[str, str]
    modality: Modality = "payload"
    labels: tuple[str, ...] = ()
    delimiter: str = ","

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every row.

        Raises:
            InputError: an unusable file, header, delimiter or column map.
        """
        return mapped_rows(self, path, csv_records(path, self.columns, delimiter=self.delimiter))


def csv_records(path: Path, columns: Mapping[str, str], *, delimiter: str = ",") -> Iterator[Record | BadRow]:
    """Yield the rows of a file whose header has the columns that a map (what for -> column) names.

    Raises:
        InputError: an unusable file, header or delimiter.
    """
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise InputError(f"the delimiter {delimiter!r} is not one character")
    csv.field_size_limit(LINE_LIMIT_BYTES)  # the default of 128 KiB is less than a payload may have
    lines = _Lines(path)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield BadRow(path=str(path), line=line, reason=lines.take_fault() or f"not CSV: {error}")
            continue
        fault = lines.take_fault()
        if row is None:
            break
        if header is None:
            header = _check_header(path, row, fault, columns)
        elif fault is not None:
            yield BadRow(path=str(path), line=line, reason=fault)
        elif row and len(row) != len(header):
            yield BadRow(path=str(path), line=line, reason=f"{len(row)} fields, the header has {len(header)}")
        elif row:
            yield Record(path=path, line=line, value=dict(zip(header, row, strict=True)))


class _Lines:
    """Decoded lines for `csv.reader`, which cannot pass on a fault; `take_fault` tells what the last ones hid."""

    def __init__(self, path: Path) -> None:
        self._lines = byte_lines(path)
        self._fault: str | None = None

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        item = next(self._lines)
        if isinstance(item, BadRow):
            self._fault = self._fault or item.reason
            return "-\n"  # keeps the line count; the row it stands in is reported, not used
        try:
            return item[1].decode("utf-8")
        except UnicodeDecodeError as error:
            self._fault = self._fault or f"not UTF-8 at byte {error.start} of the line"
            return item[1].decode("utf-8", "replace")

    def take_fault(self) -> str | None:
        fault, self._fault = self._fault, None
        return fault


def _check_header(path: Path, header: list[str], fault: str | None, columns: Mapping[str, str]) -> list[str]:
    if fault is not None:
        raise InputError(f"{path}:1: the header line is unusable: {fault}")
    if len(set(header)) != len(header):
        raise InputError(f"{path}:1: the header names a column twice")
    for name, column in columns.items():
        if column not in header:
            raise InputError(f"no column {column!r} (for {name}) in {path}; columns are {', '.join(header)[:400]}")
    return header
