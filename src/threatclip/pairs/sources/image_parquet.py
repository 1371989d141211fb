"""Parquet of encoded pictures by a column map; a list of captions becomes one pair each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.errors import BadRow
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.mapping import Mapper, check_map
from threatclip.pairs.sources.parquet import parquet_records
from threatclip.pairs.sources.post_words import with_post_words
from threatclip.pairs.sources.rows import Record, Row, rows_of
from threatclip.pairs.sources.values import MISSING, as_text, look_up

_NUMBER, _CAPTION = "caption number", "caption"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageParquet:
    """Parquet of encoded pictures; a column is a name or a dotted path, a struct of `bytes` and `path` a picture.

    Attributes:
        columns: field of a pair -> column; see `mapping.FIELDS`. The caption's column may hold lists.
        labels: when not empty, the only classes allowed.
        hashtags: read captions as posts, with hashtags as "words", "strip" or "keep"; None leaves captions as they are.
    """

    kind: Literal["image-parquet"] = "image-parquet"
    columns: Mapping[str, str]
    modality: ClassVar[Modality] = "image"
    labels: tuple[str, ...] = ()
    hashtags: Hashtags | None = None

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every caption of every row; captions of one picture have its id as their group.

        Raises:
            InputError: an unusable file or column map.
        """
        check_map(self.columns)
        columns = {name: column for name, column in self.columns.items() if name != "caption"}
        mapper = Mapper(columns=columns, modality=self.modality, labels=self.labels)

        def pair_of(record: Record) -> Pair:
            pair = mapper(record)
            caption, number = as_text(record.value[_CAPTION], what="the caption"), record.value[_NUMBER]
            if number is not None:
                pair = replace(pair, id=f"{pair.id}#{number}" if pair.id else "", group=pair.group or pair.id)
            return with_post_words(replace(pair, caption=caption), self.hashtags)

        yield from rows_of(self._records(path), pair_of, modality=self.modality)
        mapper.check_columns(path)

    def _records(self, path: Path) -> Iterator[Record | BadRow]:
        view, captions = self.columns.get("view", ""), self.columns.get("caption", "")
        for record in parquet_records(path, self.columns):
            if isinstance(record, BadRow):
                yield record
                continue
            row = dict(record.value)
            if isinstance(row.get(view), Mapping):
                row[view] = row[view].get("bytes")
            found: Any = look_up(row, captions) if captions else None
            found = None if found is MISSING else found
            several = list(enumerate(found)) if isinstance(found, list) and found else [(None, found)]
            for number, caption in several:
                yield Record(path=path, line=record.line, value={**row, _NUMBER: number, _CAPTION: caption})
