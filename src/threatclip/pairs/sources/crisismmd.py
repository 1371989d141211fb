"""CrisisMMD: tweets of seven disasters with pictures, in the release's own layout [Alam 2018, Ofli 2020]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.lines import byte_lines
from threatclip.pairs.sources.picture_files import PictureFolder
from threatclip.pairs.sources.post_words import known, post_words
from threatclip.pairs.sources.rows import Record, Row, RowFault, rows_of
from threatclip.pairs.sources.values import as_split, as_text

Task = Literal["informative", "humanitarian", "damage"]
Variant = Literal["agreed", "all", "annotations"]
_FILES: dict[str, str] = {
    "agreed": "task_{task}_text_img_agreed_lab_*.tsv",
    "all": "task_{task}_text_img_*.tsv",
    "annotations": "*_final_data.tsv",
}
_COLUMNS = {"informative": "info", "humanitarian": "human", "damage": "damage"}
_DAY = re.compile(r"/(\d{1,2})_(\d{1,2})_(\d{4})/")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisMmd:
    """CrisisMMD v2.0 as released: TSV files of annotations or of the official split, and the folder data_image.

    Attributes:
        task: whose label: "informative", "humanitarian" or "damage" (severity, of the picture).
        variant: "agreed" (official split, text and picture agree), "all" (official split), or "annotations" (a file
            an event, no split; the label stands where text and picture agree).
        images: the folder that holds data_image, where it is neither PATH nor above it.
        hashtags: "words" (default), "strip" or "keep".
    """

    kind: Literal["crisismmd"] = "crisismmd"
    modality: ClassVar[Modality] = "image"
    task: Task = "humanitarian"
    variant: Variant = "agreed"
    images: str | None = None
    hashtags: Hashtags = "words"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every tweet and picture; the id is the picture's, the group the tweet.

        `path` is a TSV file, or a folder that holds the files of the variant, itself or in a folder of it.

        Raises:
            InputError: no such files, no pictures, or a header without the release's columns.
        """
        files = self._files(path)
        pictures = PictureFolder(Path(self.images) if self.images is not None else _root(files[0]))

        def pair_of(record: Record) -> Pair:
            return self._pair(record, pictures)

        yield from rows_of((row for file in files for row in _records(file)), pair_of, modality=self.modality)

    def _files(self, path: Path) -> list[Path]:
        if not path.is_dir():
            return [path]
        pattern = _FILES[self.variant].format(task=self.task)
        found = sorted({*path.glob(pattern), *path.glob(f"*/{pattern}")})
        files = [file for file in found if self.variant == "agreed" or "_agreed_lab_" not in file.name]
        if not files:
            raise InputError(f"no file {pattern} in {path} or its folders; is --variant {self.variant} the one there?")
        return files

    def _pair(self, record: Record, pictures: PictureFolder) -> Pair:
        row: dict[str, str] = record.value
        picture = row.get("image") or row.get("image_path") or ""
        if not picture:
            raise RowFault("no picture is named")
        words, language = post_words(row.get("tweet_text"), hashtags=self.hashtags, what="tweet_text")
        label, facts = self._label(row)
        event = row.get("event_name") or record.path.name.partition("_final_data")[0]
        return Pair(
            id=row.get("image_id", ""),
            view=pictures.read(picture),
            caption=words,
            label=label,
            group=row.get("tweet_id") or row.get("image_id", "").rpartition("_")[0] or None,
            time=_day(picture),
            split=_split_of(record.path),
            meta={"source": "crisismmd", **known(event=event, **facts), **language},
        )

    def _label(self, row: dict[str, str]) -> tuple[str | None, dict[str, Any]]:
        if "label" in row:
            facts = {name: row.get(name) for name in ("label_text", "label_image")}
            return as_text(row["label"], what="label"), facts
        name = _COLUMNS[self.task]
        of_text, of_image = (as_text(row.get(f"{half}_{name}"), what=half) for half in ("text", "image"))
        if self.task == "damage":
            return of_image, {}
        return of_image if of_image == of_text else None, {"label_text": of_text, "label_image": of_image}


def _records(path: Path) -> Iterator[Record | BadRow]:
    """Yield the rows of a TSV file; the release quotes nothing, so that a quotation mark is one of the tweet."""
    header: list[str] | None = None
    for item in byte_lines(path):
        if isinstance(item, BadRow):
            yield item
            continue
        number, line = item
        try:
            fields = [field.strip() for field in line.decode("utf-8").rstrip("\r\n").split("\t")]
        except UnicodeDecodeError as error:
            yield BadRow(path=str(path), line=number, reason=f"not UTF-8 at byte {error.start} of the line")
            continue
        if header is None:
            header = [name.lower() for name in fields]
            if "image_id" not in header or not {"image", "image_path"} & set(header):
                raise InputError(f"{path} has no columns image_id and image or image_path; is it a file of CrisisMMD?")
        elif len(fields) != len(header):
            yield BadRow(path=str(path), line=number, reason=f"{len(fields)} fields, the header has {len(header)}")
        else:
            yield Record(path=path, line=number, value=dict(zip(header, fields, strict=True)))


def _root(file: Path) -> Path:
    folders = file.resolve().parents[:3]
    found = next((folder for folder in folders if (folder / "data_image").is_dir()), None)
    if found is None:
        raise InputError(f"no folder data_image beside or above {file}; name the folder that holds it with --images")
    return found


def _split_of(path: Path) -> str | None:
    name = path.name.removesuffix(".gz").removesuffix(".tsv").rpartition("_")[2]
    return as_split(name, what="split") if name in ("train", "dev", "test") else None


def _day(picture: str) -> datetime | None:
    """Return the day of the tweet: pictures lie in folders named for it, day first."""
    found = _DAY.search(picture)
    try:
        return datetime(int(found[3]), int(found[2]), int(found[1]), tzinfo=UTC) if found else None
    except ValueError:
        return None
