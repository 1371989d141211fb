"""From what a person pastes or drops to pairs: the sources of `pairs/sources` read it, behind the service's limits."""

from __future__ import annotations

import csv
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Literal, get_args

import orjson

from threatclip.errors import BadRow, InputError
from threatclip.pairs.images import image_fault
from threatclip.pairs.pair import Modality, Pair, pair_fault
from threatclip.pairs.sources.csv import Csv, csv_records
from threatclip.pairs.sources.eve import Eve
from threatclip.pairs.sources.jsonl import Jsonl
from threatclip.pairs.sources.lines import open_bytes
from threatclip.pairs.sources.post_files import post_rows
from threatclip.pairs.sources.report import Report
from threatclip.pairs.sources.rows import Record, Row, SkippedRow, rows_of
from threatclip.pairs.sources.values import as_text
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits

Form = Literal["auto", "one", "eve", "csv", "jsonl", "report", "posts"]
FORMS: tuple[str, ...] = get_args(Form)
MOST_ROWS = 1_000
"""Rows of a file that a page answers; `threatclip classify` and `threatclip score` take the rest."""

_MOST_FAULTS = 50
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"BM")
_REPORTS = (".md", ".html", ".htm", ".pdf")
_EVE_KEYS = {"event_type", "flow_id", "payload_printable", "alert"}
_COLUMNS = {
    "payload": ("payload", "request", "view", "text", "body", "raw"),
    "text": ("text", "sentence", "view", "description", "procedure", "words"),
    "image": ("text", "caption", "words", "tweet_text"),
}
_IDS = ("id", "row_id", "post_id", "event_id", "uuid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A file that a person dropped: its name, which is a stranger's, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of it; `unread` says that there were more rows than a page takes."""

    name: str
    pairs: tuple[Pair, ...]
    faults: tuple[str, ...]
    unread: bool


def take(text: str, dropped: Dropped | None, *, reads: Modality, form: str, column: str, limits: Limits) -> Taken:
    """Return the pairs of what was pasted and dropped, for a model that reads `reads`.

    Args:
        text: pasted: a payload, a text, the words of a post, or lines of EVE.
        dropped: a file: a picture of a post, or rows.
        reads: modality of the model.
        form: how to read it; "auto" looks.
        column: of a CSV file or of JSON Lines, where the model's input stands; "" takes the first that is usual.
        limits: of the service.

    Raises:
        Problem: nothing was given, or it cannot be read.
        InputError: a file that is not what it should be.
    """
    if form not in FORMS:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the form {form[:40]!a} is not one of {', '.join(FORMS)}")
    if dropped is not None and reads == "image" and dropped.content.startswith(_PICTURES):
        rows: Iterator[Row] = iter([Pair(id="post", view=dropped.content, caption=text or None)])
        return _taken(rows, name=_short(dropped.name), reads=reads, limits=limits)
    if dropped is None:
        if not text.strip():
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "nothing to look at; paste something or choose a file")
        form = (
            ("eve" if reads == "payload" and _is_eve(text.encode("utf-8", "replace")) else "one")
            if form == "auto"
            else form
        )
        if form == "one":
            return _taken(
                iter([_one(text.encode("utf-8", "replace"), reads)]), name="pasted", reads=reads, limits=limits
            )
        dropped = Dropped(name="pasted", content=text.encode("utf-8", "replace"))
    elif text.strip():
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "text and a file of rows at once; give one of them")
    return _file(dropped, reads=reads, form=form, column=column, limits=limits)


def _file(dropped: Dropped, *, reads: Modality, form: str, column: str, limits: Limits) -> Taken:
    if not dropped.content:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the file {_short(dropped.name)!a} is empty")
    found = _form_of(dropped, reads=reads) if form == "auto" else form
    with tempfile.TemporaryDirectory(prefix="threatclip-") as folder:
        path = Path(folder) / f"input{_ending(dropped, found)}"
        path.write_bytes(dropped.content)
        try:
            return _taken(_rows(path, found, reads, column), name=_short(dropped.name), reads=reads, limits=limits)
        except InputError as error:
            raise InputError(str(error).replace(f"{path}", _short(dropped.name))) from error


def _rows(path: Path, form: str, reads: Modality, column: str) -> Iterator[Row]:
    if form == "one":
        return iter([_one(path.read_bytes(), reads)])
    if form == "posts" or (form == "jsonl" and reads == "image"):
        return post_rows(path)
    if form == "eve":
        return Eve().read(path)
    if form == "report":
        return Report().read(path)
    if form == "csv" and reads == "image":
        columns = _columns(_header(path), reads, column)
        return rows_of(csv_records(path, columns), partial(_words, columns=columns), modality="image")
    if form == "csv":
        return Csv(columns=_columns(_header(path), reads, column), modality=reads).read(path)
    return Jsonl(columns=_columns(_keys(path), reads, column), modality=reads).read(path)


def _words(record: Record, *, columns: Mapping[str, str]) -> Pair:
    """Return a post without a picture from a row of CSV."""
    told = {name: as_text(record.value.get(column), what=name) for name, column in columns.items()}
    return Pair(id=told.get("id") or f"row:{record.line}", view=b"", caption=told["caption"])


def _taken(rows: Iterator[Row], *, name: str, reads: Modality, limits: Limits) -> Taken:
    pairs: list[Pair] = []
    faults: list[str] = []
    unread, n_bytes = False, 0
    for row in rows:
        if len(pairs) == MOST_ROWS:
            unread = True
            break
        fault = f"line {row.line}: {row.reason}" if isinstance(row, BadRow | SkippedRow) else None
        if isinstance(row, Pair):
            reason = _fault(row, reads=reads, limits=limits)
            fault = None if reason is None else f"{row.id[:60]}: {reason}"
            n_bytes += len(row.view)
            if n_bytes > limits.upload_bytes:  # a gzip'd file may hold a thousand times its size
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the rows hold over {limits.upload_bytes:,} bytes")
            if fault is None:
                pairs.append(row)
        if fault is not None:
            faults = [*faults, fault][:_MOST_FAULTS]
    if not pairs:
        why = "; ".join(faults[:3]) or "it holds no row"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"nothing in it can be looked at: {why}")
    return Taken(name=name, pairs=tuple(pairs), faults=tuple(faults), unread=unread)


def _fault(pair: Pair, *, reads: Modality, limits: Limits) -> str | None:
    reason = pair_fault(pair, modality=reads)
    if reason is not None:
        return reason
    if reads == "image":
        if len((pair.caption or "").encode()) > limits.view_bytes:
            return f"its words have more than {limits.view_bytes:,} bytes"
        return image_fault(pair.view, limits=limits.pictures) if pair.view else None
    if len(pair.view) > limits.view_bytes:
        return f"it has {len(pair.view):,} bytes, more than {limits.view_bytes:,}"
    return None


def _one(content: bytes, reads: Modality) -> Pair:
    if reads == "image":
        return Pair(id="post", view=b"", caption=content.decode("utf-8", "replace"))
    return Pair(id="payload" if reads == "payload" else "text", view=content)


def _form_of(dropped: Dropped, *, reads: Modality) -> Form:
    name, head = dropped.name.lower().removesuffix(".gz"), dropped.content[:2]
    if name.endswith(".csv"):
        return "csv"
    if reads == "image":
        return "posts" if name.endswith((".json", ".jsonl", ".ndjson", ".parquet")) else "one"
    if name.endswith(_REPORTS):
        return "report" if reads == "text" else "one"
    if head == b"\x1f\x8b" or _is_json(dropped.content):
        return "eve" if reads == "payload" and (head == b"\x1f\x8b" or _is_eve(dropped.content)) else "jsonl"
    return "one"


def _is_json(content: bytes) -> bool:
    return _first_object(content) is not None


def _is_eve(content: bytes) -> bool:
    found = _first_object(content)
    return found is not None and len(_EVE_KEYS & found.keys()) > 0 and "view" not in found


def _first_object(content: bytes) -> dict[str, object] | None:
    """Return the JSON object in the first line that is not blank, if it holds one."""
    line = next((line for line in content[: 2**20].removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()), b"")
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _ending(dropped: Dropped, form: str) -> str:
    """Return the ending by which a source knows the file; the stranger's own name never becomes a path."""
    name = dropped.name.lower()
    if form in ("posts", "report"):
        known = (".json", ".jsonl", ".ndjson", ".parquet", *_REPORTS)
        return next(
            (ending for ending in known if name.removesuffix(".gz").endswith(ending)),
            ".jsonl" if form == "posts" else ".txt",
        )
    return {"csv": ".csv", "one": ".bin"}.get(form, ".jsonl")


def _header(path: Path) -> list[str]:
    with open_bytes(path) as stream:
        line = stream.readline(2**20).decode("utf-8", "replace").removeprefix("\ufeff")
    return next(csv.reader([line]), [])


def _keys(path: Path) -> list[str]:
    with open_bytes(path) as stream:
        found = _first_object(stream.read(2**20))
    return [] if found is None else list(found)


def _columns(present: list[str], reads: Modality, column: str) -> dict[str, str]:
    """Return which column is the model's input, and the id where one is usual.

    Raises:
        InputError: none is known by its name.
    """
    by_name = {name.strip().lower(): name for name in reversed(present)}
    wanted = (column.lower(),) if column else _COLUMNS[reads]
    found = next((by_name[name] for name in wanted if name in by_name), None)
    if found is None:
        names = ", ".join(name[:40] for name in itertools.islice(present, 20)) or "none"
        raise InputError(f"no column {' or '.join(wanted)[:200]} in it; write which one to read (it has {names})")
    identity = next((by_name[name] for name in _IDS if name in by_name), None)
    field = "caption" if reads == "image" else "view"
    return {field: found, **({} if identity is None else {"id": identity})}


def _short(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1][:80] or "file"
