"""Pictures of disasters without words: AIDR as labeled for MEDIC [Alam 2023], and AIDER [Kyrkou 2019]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.parquet import column_names, column_records
from threatclip.pairs.sources.post_words import known
from threatclip.pairs.sources.rows import Record, Row, rows_of
from threatclip.pairs.sources.values import as_picture, as_split, as_text

ImageTask = Literal["disaster_types", "damage_severity", "humanitarian", "informative"]
_LABELS = ("disaster_types", "damage_severity", "humanitarian", "informative")
_AIDR = ("id", "event", "date", "tweet_id", *_LABELS, "split_disaster_types", "jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisImages:
    """Crisis pictures without words, from Parquet: AIDR (several labels a picture) or AIDER (`id`, `label`, `jpeg`).

    Attributes:
        task: which label of AIDR is the class; the others rest in meta. Its official split is that of disaster_types.
    """

    kind: Literal["crisis-images"] = "crisis-images"
    modality: ClassVar[Modality] = "image"
    task: ImageTask = "disaster_types"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every picture; pictures of one tweet share their group.

        Raises:
            InputError: an unusable file, or one with the columns of neither set.
        """
        aidr = "event" in column_names(path)
        records = column_records(path, *(_AIDR if aidr else ("id", "label", "jpeg")))
        yield from rows_of(records, self._aidr if aidr else _aider, modality=self.modality)

    def _aidr(self, record: Record) -> Pair:
        row = record.value
        return Pair(
            id=as_text(row["id"], what="id") or "",
            view=as_picture(row["jpeg"], what="jpeg"),
            label=as_text(row[self.task], what=self.task),
            group=as_text(row["tweet_id"], what="tweet_id"),
            time=_day(row["date"]),
            split=as_split(row["split_disaster_types"], what="split") if self.task == "disaster_types" else None,
            meta={"source": "aidr", **known(event=row["event"], **{name: row[name] for name in _LABELS})},
        )


def _aider(record: Record) -> Pair:
    row = record.value
    return Pair(
        id=as_text(row["id"], what="id") or "",
        view=as_picture(row["jpeg"], what="jpeg"),
        label=as_text(row["label"], what="label"),
        meta={"source": "aider"},
    )


def _day(value: Any) -> datetime | None:
    """Return the day of a date such as 3_12_2015, day first; None for anything else."""
    try:
        return datetime.strptime(value, "%d_%m_%Y").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None
