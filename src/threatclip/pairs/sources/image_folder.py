"""A folder of pictures, with a captions file or with a folder for each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.csv import csv_records
from threatclip.pairs.sources.mapping import Mapper, check_map
from threatclip.pairs.sources.picture_files import SUFFIXES, PictureFolder
from threatclip.pairs.sources.post_words import with_post_words
from threatclip.pairs.sources.rows import NoPair, Record, Row, SkippedRow, json_records, rows_of

_CAPTION_FILES = ("captions.csv", "captions.jsonl", "metadata.csv", "metadata.jsonl")
_BY_NAME: Mapping[str, str] = {"view": "file", "caption": "caption"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """A folder of pictures with a captions file (CSV or JSON Lines that names them), or with a subfolder a class.

    Attributes:
        columns: field of a pair -> column of the captions file; the view's column names a file in the folder, or
            nothing for a post without a picture.
        captions: the captions file; None takes captions or metadata, .csv or .jsonl, of the folder itself. Without
            one, the first subfolder of a picture's path is its label.
        labels: when not empty, the only classes allowed.
        hashtags: read captions as posts, with hashtags as "words", "strip" or "keep"; None leaves captions as they are.
    """

    kind: Literal["image-folder"] = "image-folder"
    columns: Mapping[str, str] = field(default_factory=lambda: dict(_BY_NAME))
    modality: ClassVar[Modality] = "image"
    captions: str | None = None
    labels: tuple[str, ...] = ()
    hashtags: Hashtags | None = None

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every row of the captions file, or for every picture; rows of one picture share its group.

        Pictures that no row names, and files that are no pictures, are skipped rows.

        Raises:
            InputError: no folder, an unusable captions file or column map.
        """
        if not path.is_dir():
            raise InputError(f"no folder {path}; name the folder of the pictures")
        captions = Path(self.captions) if self.captions is not None else _captions_of(path)
        if captions is None:
            yield from _classes(path, self.labels)
            return
        check_map(self.columns)
        mapper = Mapper(columns=self.columns, modality=self.modality, labels=self.labels)
        pictures, named = PictureFolder(path), set[str]()

        def pair_of(record: Record) -> Pair:
            pair = mapper(record)
            name = pair.view.decode("utf-8", "replace")
            named.add(name.removeprefix("./"))
            pair = replace(pair, view=pictures.read(name) if name else b"", group=pair.group or name or None)
            return with_post_words(pair, self.hashtags)

        yield from rows_of(self._rows(captions), pair_of, modality=self.modality)
        mapper.check_columns(captions)
        for name in _files(path):
            if name not in named and name.lower().endswith(SUFFIXES):
                yield SkippedRow(path=str(path / name), line=1, reason="a picture that the captions file does not name")

    def _rows(self, captions: Path) -> Iterator[Record | BadRow]:
        if captions.name.endswith((".jsonl", ".jsonl.gz")):
            return json_records(captions)
        return csv_records(captions, self.columns)


def _classes(path: Path, labels: tuple[str, ...]) -> Iterator[Row]:
    pictures = PictureFolder(path)

    def records() -> Iterator[Record | BadRow]:
        for name in _files(path):
            label = name.partition("/")[0] if "/" in name else None
            file = path / name
            if labels and label is not None and label not in labels:
                reason = f"unknown class {label[:40]!a}; known are {', '.join(labels)}"
                yield BadRow(path=str(file), line=1, reason=reason)
            else:
                yield Record(path=file, line=1, value=(name, label))

    def pair_of(record: Record) -> Pair:
        name, label = record.value
        if not name.lower().endswith(SUFFIXES):
            raise NoPair("a file that is no picture by its name")
        return Pair(id=name, view=pictures.read(name), label=label)

    yield from rows_of(records(), pair_of, modality="image")


def _captions_of(path: Path) -> Path | None:
    found = [path / name for name in _CAPTION_FILES if (path / name).is_file()]
    if len(found) > 1:
        raise InputError(f"{path} holds {found[0].name} and {found[1].name}; name one with --captions")
    return found[0] if found else None


def _files(path: Path) -> Iterator[str]:
    """Yield the files below `path`, relative and in order; hidden ones and what links lead to are left out."""
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if not any(part.startswith(".") for part in relative.parts) and file.is_file():
            yield relative.as_posix()
