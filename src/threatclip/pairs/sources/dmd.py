"""Posts of the Damage Multimodal Dataset: picture, words, and the hashtag they were collected by [Mouzannar 2018]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.parquet import column_records
from threatclip.pairs.sources.post_words import known, post_words
from threatclip.pairs.sources.rows import Record, Row, rows_of
from threatclip.pairs.sources.values import as_picture, as_split, as_text

EVENT_TAGS = (
    "floodwater",
    "forrestfire",
    "buildingfire",
    "accrafloods",
    "disasters",
    "naturaldisaster",
    "hurricanesandy",
    "other",
)
_COLUMNS = (
    *("id", "source_tag", "text", "split", "jpeg"),
    *("dmd_class", "damage_severity", "disaster_type", "humanitarian", "informative"),
)
_POSTED = re.compile(r"_(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)-(\d\d)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmd:
    """Posts of the Damage Multimodal Dataset, from Parquet; the label is the tag they were collected by.

    Seven tags are classes of their own, the rest is "other". Since the tag stands in most posts as a hashtag, all
    hashtags go by default; a post without other words keeps its picture alone.

    Attributes:
        hashtags: "strip" (default), or "words" or "keep", which leak the label: for a control row only.
    """

    kind: Literal["dmd"] = "dmd"
    modality: ClassVar[Modality] = "image"
    hashtags: Hashtags = "strip"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every post; ids are the data set's own, "dev" is validation.

        Raises:
            InputError: an unusable file, or one without the columns of this set.
        """
        yield from rows_of(column_records(path, *_COLUMNS), self._pair, modality=self.modality)

    def _pair(self, record: Record) -> Pair:
        row = record.value
        words, language = post_words(row["text"], hashtags=self.hashtags, what="text")
        tag = as_text(row["source_tag"], what="source_tag")
        name = as_text(row["id"], what="id") or ""
        facts = {column: row[column] for column in _COLUMNS[5:]}
        return Pair(
            id=name,
            view=as_picture(row["jpeg"], what="jpeg"),
            caption=words,
            label=tag if tag in EVENT_TAGS or tag is None else "other",
            time=_posted(name),
            split=as_split(row["split"], what="split"),
            meta={"source": "dmd", **known(source_tag=tag, **facts), **language},
        )


def _posted(name: str) -> datetime | None:
    """Return when the post was made: ids end in it."""
    found = _POSTED.search(name)
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[misc, arg-type]
    except ValueError:
        return None
