"""A plain list of payloads: one a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.errors import BadRow
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.lines import byte_lines
from threatclip.pairs.sources.rows import Record, Row, rows_of, stem_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadList:
    """One payload a line, as raw bytes without the line's end; empty lines hold nothing.

    Attributes:
        label: the class of every payload in the file, when it has one.
    """

    kind: Literal["payload-list"] = "payload-list"
    label: str | None = None
    modality: ClassVar[Modality] = "payload"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every line that is not empty; ids are `FILE:LINE`.

        Raises:
            InputError: an unusable file.
        """
        yield from rows_of(_records(path), self._pair)

    def _pair(self, record: Record) -> Pair:
        return Pair(id=f"{stem_of(record.path)}:{record.line}", view=record.value, label=self.label)


def _records(path: Path) -> Iterator[Record | BadRow]:
    for item in byte_lines(path):
        if isinstance(item, BadRow):
            yield item
        elif payload := item[1].removesuffix(b"\n").removesuffix(b"\r"):
            yield Record(path=path, line=item[0], value=payload)
