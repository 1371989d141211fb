"""CIFAR-10 as encoded pictures, with captions that say what their pixels show [Krizhevsky 2009]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.pairs.image_captions import CIFAR10_NOUNS, caption_pictures
from threatclip.pairs.images import decode_batch
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.parquet import column_records
from threatclip.pairs.sources.rows import Record, Row, RowFault, rows_of
from threatclip.pairs.sources.values import as_picture, as_split, as_text
from threatclip.seeds import rng

_SIDE = 32
_CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Cifar10:
    """CIFAR-10 from Parquet (`split`, `class_name`, `path`, `jpeg`); captions are made from class and pixels.

    Attributes:
        seed: of the captions.
    """

    kind: Literal["cifar10"] = "cifar10"
    modality: ClassVar[Modality] = "image"
    seed: int = 0

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every picture; the id is its path, the label its class.

        Raises:
            InputError: an unusable file, or one without these columns.
        """
        rows = rows_of(column_records(path, "split", "class_name", "path", "jpeg"), _pair, modality=self.modality)
        generator = rng(self.seed, "pairs/cifar10/captions")
        while chunk := list(islice(rows, _CHUNK)):
            pairs = [row for row in chunk if isinstance(row, Pair)]
            pixels = decode_batch([pair.view for pair in pairs], side=_SIDE)
            captions = iter(caption_pictures(pixels, [pair.label or "" for pair in pairs], rng=generator))
            yield from (replace(row, caption=next(captions)) if isinstance(row, Pair) else row for row in chunk)


def _pair(record: Record) -> Pair:
    row = record.value
    label = as_text(row["class_name"], what="class_name")
    if label not in CIFAR10_NOUNS:
        raise RowFault(f"class {str(label)[:40]!a} is not one of {', '.join(CIFAR10_NOUNS)}")
    return Pair(
        id=as_text(row["path"], what="path") or "",
        view=as_picture(row["jpeg"], what="jpeg"),
        label=label,
        split=as_split(row["split"], what="split"),
        meta={"source": "cifar10"},
    )
