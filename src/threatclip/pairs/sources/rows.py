"""Rows on their way to pairs: what a source reads, and the three things that may become of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from threatclip.errors import BadRow
from threatclip.pairs.columns import IdSet
from threatclip.pairs.pair import Modality, Pair, pair_fault
from threatclip.pairs.sources.lines import byte_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedRow:
    """A row that is whole but rightly holds no pair, such as an event without a payload."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


Row = Pair | BadRow | SkippedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decoded row and the place it came from; `line` counts from 1 (rows in Parquet)."""

    path: Path
    line: int
    value: Any


class RowFault(Exception):  # noqa: N818 - not an error of the program: it becomes a BadRow in `rows_of`
    """Why a record is broken."""


class NoPair(Exception):  # noqa: N818 - likewise; it becomes a SkippedRow
    """Why a record holds no pair though nothing is wrong with it."""


def rows_of(
    records: Iterable[Record | BadRow], parse: Callable[[Record], Pair], *, modality: Modality | None = None
) -> Iterator[Row]:
    """Parse every record; broken ones, unfit pairs and repeated ids come out as BadRow, never as an exception.

    A source of pictures names its `modality`: every picture must decode, and a post may lack its picture.
    """
    ids, picture_fault = IdSet(), _PictureFault()
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        row = row_of(record, parse, modality=modality)
        if isinstance(row, Pair):
            fault = None if ids.add(row.id) else f"the id {row.id[:80]!a} occurs twice"
            if fault is None and modality == "image" and row.view:
                fault = picture_fault(row.view)
            if fault is not None:
                row = BadRow(path=str(record.path), line=record.line, reason=fault)
        yield row


def row_of(record: Record, parse: Callable[[Record], Pair], *, modality: Modality | None = None) -> Row:
    """Return what becomes of one record by itself: neither its id nor its picture is looked at."""
    path, line = str(record.path), record.line
    try:
        pair = parse(record)
    except NoPair as reason:
        return SkippedRow(path=path, line=line, reason=str(reason))
    except RowFault as reason:
        return BadRow(path=path, line=line, reason=str(reason))
    fault = pair_fault(pair, modality=modality)
    return pair if fault is None else BadRow(path=path, line=line, reason=fault)


class _PictureFault:
    """Why a picture does not decode; several captions in a row share one decode of their picture."""

    def __init__(self) -> None:
        self._view = b""
        self._fault: str | None = None

    def __call__(self, view: bytes) -> str | None:
        from threatclip.pairs.images import image_fault

        if view != self._view:
            self._view, self._fault = view, image_fault(view)
        return self._fault


def json_records(path: Path) -> Iterator[Record | BadRow]:
    """Yield one record per JSON object of a JSON Lines file; blank lines hold nothing and are passed over."""
    for item in byte_lines(path):
        if isinstance(item, BadRow):
            yield item
            continue
        number, line = item
        if not line.isspace():
            yield json_record(path, number, line)


def json_record(path: Path, number: int, line: bytes) -> Record | BadRow:
    """Return the JSON object of one line, or why it holds none."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        cut = "" if line.endswith(b"\n") else "the last line is cut off or "
        return BadRow(path=str(path), line=number, reason=f"{cut}not JSON: {error}")
    if not isinstance(value, dict):
        return BadRow(path=str(path), line=number, reason=f"a JSON {type(value).__name__}, not an object")
    return Record(path=path, line=number, value=value)


def stem_of(path: Path) -> str:
    """Return the file's name without its endings: the prefix of ids that are made up from line numbers."""
    return path.name.split(".")[0] or path.name
