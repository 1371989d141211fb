"""Flickr8k: 8,091 photographs with five human captions each, and the official split [Hodosh 2013]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.lines import byte_lines
from threatclip.pairs.sources.parquet import column_records
from threatclip.pairs.sources.picture_files import PictureFolder
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, rows_of
from threatclip.pairs.sources.values import as_picture, as_split, as_text

_TOKENS = "Flickr8k.token.txt"
_SPLIT_FILES = {
    "train": "Flickr_8k.trainImages.txt",
    "validation": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
_TEXT_FOLDERS = (".", "Flickr8k_text")
_PICTURE_FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")  # the first is the release's spelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Flickr8k:
    """Flickr8k, one pair a caption: its own folder (token file, split lists, pictures), or Parquet with caption lists.

    Attributes:
        images: where the pictures are when they are elsewhere: a folder, or for Parquet another Parquet with the
            columns `image` and `jpeg`, such as one of another size.
    """

    kind: Literal["flickr8k"] = "flickr8k"
    modality: ClassVar[Modality] = "image"
    images: str | None = None

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every caption; ids are `PICTURE#N` as in the token file, the group is the picture.

        Raises:
            InputError: an unusable file, or a folder without the files of this set.
        """
        if path.is_dir():
            texts = _folder_with(path, _TEXT_FOLDERS, _TOKENS, "the captions")
            parse = _TokenPairs(texts, _pictures_of(path) if self.images is None else Path(self.images))
            yield from rows_of(_lines(texts / _TOKENS), parse, modality=self.modality)
        else:
            records = _caption_records(path, None if self.images is None else Path(self.images))
            yield from rows_of(records, _pair, modality=self.modality)


def _pair(record: Record) -> Pair:
    row = record.value
    picture = as_text(row["image"], what="image") or ""
    return Pair(
        id=f"{picture}#{row['number']}" if picture else "",
        view=as_picture(row["jpeg"], what=f"the picture {picture[:80]!a}"),
        caption=as_text(row["caption"], what="the caption"),
        group=picture or None,
        split=as_split(row["split"], what="split"),
        meta={"source": "flickr8k"},
    )


def _caption_records(path: Path, images: Path | None) -> Iterator[Record | BadRow]:
    pictures = None if images is None else _jpegs(images)
    for record in column_records(path, "image", "split", "captions", *(("jpeg",) if pictures is None else ())):
        if isinstance(record, BadRow):
            yield record
            continue
        row = dict(record.value)
        if pictures is not None:
            row["jpeg"] = pictures.get(row["image"]) if isinstance(row["image"], str) else None
        captions = row["captions"] if isinstance(row["captions"], list) and row["captions"] else [row["captions"]]
        for number, caption in enumerate(captions):
            yield Record(path=path, line=record.line, value={**row, "number": number, "caption": caption})


def _jpegs(path: Path) -> dict[str, Any]:
    """Return picture by name; the rows of both files need not be in the same order."""
    rows = (record.value for record in column_records(path, "image", "jpeg") if isinstance(record, Record))
    return {row["image"]: row["jpeg"] for row in rows if isinstance(row["image"], str)}


class _TokenPairs:
    """Parses lines of the token file, `PICTURE#N<tab>CAPTION`."""

    def __init__(self, texts: Path, pictures: Path) -> None:
        self._pictures = PictureFolder(pictures)
        self._splits = {
            line.value.decode("utf-8", "replace"): split
            for split, name in _SPLIT_FILES.items()
            for line in _lines(texts / name)
            if isinstance(line, Record)
        }

    def __call__(self, record: Record) -> Pair:
        try:
            name, tab, caption = record.value.decode("utf-8").partition("\t")
        except UnicodeDecodeError as error:
            raise RowFault(f"not UTF-8 at byte {error.start} of the line") from error
        picture, mark, number = name.rpartition("#")
        if not tab or not mark or not number.isdecimal():
            raise RowFault("want PICTURE#N, a tab, and the caption")
        if picture.endswith(".jpg.1"):
            raise NoPair("a picture that the release names but does not hold")
        return Pair(
            id=name,
            view=self._pictures.read(picture),
            caption=caption.strip() or None,
            group=picture,
            split=self._splits.get(picture),
            meta={"source": "flickr8k"},
        )


def _lines(path: Path) -> Iterator[Record | BadRow]:
    for item in byte_lines(path):
        if isinstance(item, BadRow):
            yield item
        elif line := item[1].strip():
            yield Record(path=path, line=item[0], value=line)


def _pictures_of(path: Path) -> Path:
    found = next((path / name for name in _PICTURE_FOLDERS if (path / name).is_dir()), None)
    if found is None:
        raise InputError(f"no folder of pictures ({', '.join(_PICTURE_FOLDERS)}) in {path}; name it with --images")
    return found


def _folder_with(path: Path, folders: tuple[str, ...], name: str, what: str) -> Path:
    for folder in folders:
        if (path / folder / name).is_file():
            return path / folder
    raise InputError(f"no file {name} ({what}) in {path}; is it the folder of Flickr8k?")
