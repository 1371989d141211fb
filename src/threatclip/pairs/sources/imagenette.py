"""Imagenette: ten easy classes of ImageNet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.parquet import column_records
from threatclip.pairs.sources.post_words import known
from threatclip.pairs.sources.rows import Record, Row, rows_of
from threatclip.pairs.sources.values import as_picture, as_split, as_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagenette:
    """Imagenette from Parquet (`split`, `wnid`, `label`, `file`, `jpeg`): pictures with classes, no captions."""

    kind: Literal["imagenette"] = "imagenette"
    modality: ClassVar[Modality] = "image"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every picture; the id is its file, "val" is validation.

        Raises:
            InputError: an unusable file, or one without these columns.
        """
        records = column_records(path, "split", "wnid", "label", "file", "jpeg")
        yield from rows_of(records, _pair, modality=self.modality)


def _pair(record: Record) -> Pair:
    row = record.value
    return Pair(
        id=as_text(row["file"], what="file") or "",
        view=as_picture(row["jpeg"], what="jpeg"),
        label=as_text(row["label"], what="label"),
        split=as_split(row["split"], what="split"),
        meta={"source": "imagenette", **known(wnid=row["wnid"])},
    )
