"""Sentences of reports that people labeled with a technique, as TRAM keeps them: one JSON list [TRAM, CTID]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import orjson

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.lines import first_bytes
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, rows_of, stem_of
from threatclip.pairs.sources.values import as_text, to_utf8

FILE_LIMIT_BYTES = 256 * 2**20
_TECHNIQUE_ID = re.compile(r"T\d{4}(\.\d{3})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tram:
    """Sentences labeled with a technique: a JSON list of objects with `text`, `label` and `doc_title`.

    View: the sentence. Label: the technique. Group: the report, so that a split by group keeps reports apart.
    """

    kind: Literal["tram"] = "tram"
    modality: ClassVar[Modality] = "text"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every sentence; ids are places in the list.

        Raises:
            InputError: no such file, too large, or no JSON list.
        """
        yield from rows_of(_records(path), _pair)


def _records(path: Path) -> Iterator[Record | BadRow]:
    content = first_bytes(path, FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise InputError(f"{path} holds more than {FILE_LIMIT_BYTES:,} bytes; split it")
    try:
        found = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}; give TRAM's list of labeled sentences") from error
    if not isinstance(found, list):
        raise InputError(f"{path} holds no list; give TRAM's list of labeled sentences, or use the source jsonl")
    for number, item in enumerate(found, start=1):
        if isinstance(item, dict):
            yield Record(path=path, line=number, value=item)
        else:
            yield BadRow(path=str(path), line=number, reason=f"a JSON {type(item).__name__}, not an object")


def _pair(record: Record) -> Pair:
    row = record.value
    text, label = row.get("text"), row.get("label")
    if not isinstance(text, str) or not text.strip():
        raise NoPair("no sentence")
    if not isinstance(label, str) or not _TECHNIQUE_ID.fullmatch(label):
        raise RowFault(f"label {str(label)[:40]!a} is no technique of ATT&CK")
    return Pair(
        id=f"{stem_of(record.path)}:{record.line}",
        view=to_utf8(text.strip(), what="text"),
        label=label,
        group=as_text(row.get("doc_title"), what="doc_title"),
        meta={"source": "tram", "technique": label},
    )
