"""Posts to be classified, as people keep them: JSON, JSON Lines, a folder of these or of pictures, Parquet.

A post is `{"id": ..., "text": ..., "picture": ...}`; the id may be missing, and either half. A picture with a dot in
it is the name of a file beside the JSON, or below it; anything else is base64, or a `data:` URL of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from threatclip.errors import BadRow, InputError
from threatclip.pairs.images import LIMITS
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.image_folder import ImageFolder
from threatclip.pairs.sources.lines import first_bytes
from threatclip.pairs.sources.parquet import column_names, parquet_records
from threatclip.pairs.sources.picture_files import PictureFolder
from threatclip.pairs.sources.rows import Record, Row, RowFault, json_records, rows_of, stem_of
from threatclip.pairs.sources.values import as_picture, as_text, from_base64
from threatclip.pairs.table import PairTable

_JSON, _LINES = (".json",), (".jsonl", ".jsonl.gz", ".ndjson")
_JSON_LIMIT_BYTES = 2 * LIMITS.max_bytes  # one picture as base64, and words
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "picture": ("picture", "image", "jpeg", "view"),
    "text": ("text", "caption", "words"),
    "id": ("id", "post_id"),
}


def post_rows(path: Path) -> Iterator[Row]:
    """Yield a pair, or the reason why there is none, for every post of a file or folder.

    A folder's JSON files are its posts; without any, its pictures are, with a captions file or without.

    Raises:
        InputError: no such file, or one of another kind.
    """
    if path.is_dir():
        yield from _folder(path)
    elif path.name.endswith(".parquet"):
        yield from _parquet(path)
    elif path.name.endswith((*_JSON, *_LINES)):
        yield from _posts(_records(path), PictureFolder(path.parent))
    else:
        raise InputError(f"{path} is no post: give .json, .jsonl, .parquet, or a folder of posts or pictures")


def _folder(path: Path) -> Iterator[Row]:
    files = [file for file in sorted(path.iterdir()) if file.name.endswith((*_JSON, *_LINES)) and file.is_file()]
    named = {"captions.jsonl", "metadata.jsonl"}
    posts = [file for file in files if file.name not in named and not file.name.startswith(".")]
    if not posts:
        yield from ImageFolder().read(path)
        return
    records = (record for file in posts for record in _records_in_folder(file))
    yield from _posts(records, PictureFolder(path))


def _records_in_folder(path: Path) -> Iterator[Record | BadRow]:
    """Yield the posts of one file of many: one that cannot be read at all is a broken row, not the end of the rest."""
    try:
        yield from _records(path)
    except InputError as error:
        yield BadRow(path=str(path), line=1, reason=str(error))


def _records(path: Path) -> Iterator[Record | BadRow]:
    if path.name.endswith(_LINES):
        yield from json_records(path)
        return
    content = first_bytes(path, _JSON_LIMIT_BYTES + 1)
    if len(content) > _JSON_LIMIT_BYTES:
        yield BadRow(path=str(path), line=1, reason=f"more than {_JSON_LIMIT_BYTES:,} bytes; give JSON Lines")
        return
    try:
        found = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        yield BadRow(path=str(path), line=1, reason=f"not JSON: {error}")
        return
    several = isinstance(found, list)
    for line, value in enumerate(found if several else [found], start=1):
        if isinstance(value, dict):
            yield Record(path=path, line=line, value={"id": path.stem, **value} if not several else value)
        else:
            yield BadRow(path=str(path), line=line, reason=f"a JSON {type(value).__name__}, not an object")


def _posts(records: Iterator[Record | BadRow], pictures: PictureFolder) -> Iterator[Row]:
    yield from rows_of(records, partial(_post, pictures=pictures), modality="image")


def _post(record: Record, *, pictures: PictureFolder) -> Pair:
    value = record.value
    named = as_text(value.get("picture"), what="picture")
    return Pair(
        id=as_text(value.get("id"), what="id") or f"{stem_of(record.path)}:{record.line}",
        view=b"" if named is None else _picture(named, pictures),
        caption=as_text(value.get("text"), what="text"),
    )


def _picture(named: str, pictures: PictureFolder) -> bytes:
    if named.startswith("data:"):
        head, comma, named = named.partition(",")
        if not comma or not head.endswith(";base64"):
            raise RowFault("picture is a data: URL that is not base64")
    elif "." in named:  # which base64 has not
        return pictures.read(named)
    if len(named) > _JSON_LIMIT_BYTES:
        raise RowFault(f"picture has more than {LIMITS.max_bytes:,} bytes")
    return from_base64(named, what="picture")


def _parquet(path: Path) -> Iterator[Row]:
    present = column_names(path)
    if {"view", "caption", "meta"} <= set(present):
        yield from _table(path)
        return
    columns = {name: next((one for one in names if one in present), None) for name, names in _COLUMNS.items()}
    found = {name: column for name, column in columns.items() if column is not None}
    if not found.keys() & {"picture", "text"}:
        wanted = ", ".join((*_COLUMNS["picture"], *_COLUMNS["text"]))
        raise InputError(f"no column of {path} is a picture or text ({wanted}); columns are {', '.join(present)[:400]}")

    def pair_of(record: Record) -> Pair:
        row = {name: record.value[column] for name, column in found.items()}
        return Pair(
            id=as_text(row.get("id"), what="id") or f"{stem_of(record.path)}:{record.line}",
            view=_column_picture(row.get("picture")),
            caption=as_text(row.get("text"), what="text"),
        )

    yield from rows_of(parquet_records(path, found), pair_of, modality="image")


def _column_picture(value: Any) -> bytes:
    content = value.get("bytes") if isinstance(value, Mapping) else value
    return b"" if content is None or content == b"" else as_picture(content, what="picture")


def _table(path: Path) -> Iterator[Row]:
    table = PairTable.open(path)
    if table.modality != "image":
        raise InputError(f"{path} holds {table.modality} pairs; posts are pictures and words")
    yield from table.iter_pairs()
