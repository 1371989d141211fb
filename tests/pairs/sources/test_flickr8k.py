"""Flickr8k: its own folder, and Parquet with lists of captions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoded_pictures import encoded, smooth_picture
from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Flickr8k
from threatclip.pairs.sources.build import build_pairs
from threatclip.pairs.sources.rows import Row, SkippedRow
from threatclip.pairs.table import PairTable

JPEGS = [encoded(smooth_picture(height=8, width=9, seed=seed), "JPEG") for seed in range(4)]


def rows_of(path: Path, *rows: dict[str, Any], **options: Any) -> list[Row]:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return list(Flickr8k(**options).read(path))


def release(folder: Path) -> Path:
    """Write a folder as the release has it: three pictures, one of them without a split, one that is missing."""
    (folder / "Flicker8k_Dataset").mkdir(parents=True)
    for number in range(3):
        (folder / "Flicker8k_Dataset" / f"{number}.jpg").write_bytes(JPEGS[number])
    tokens = [f"{number}.jpg#{caption}\tpicture {number} .\n" for number in range(3) for caption in range(2)]
    tokens += ["9.jpg.1#0\ta slip\n", "7.jpg#0\ta lost one\n", "no tab\n", "\n"]
    (folder / "Flickr8k.token.txt").write_text("".join(tokens))
    for name, pictures in (("train", "0.jpg\n"), ("dev", "1.jpg\n"), ("test", "")):
        (folder / f"Flickr_8k.{name}Images.txt").write_text(pictures or "8.jpg\n")
    return folder


def test_every_caption_is_a_pair_and_the_picture_their_group(tmp_path: Path) -> None:
    found = rows_of(
        tmp_path / "f.parquet",
        {"image": "a.jpg", "split": "dev", "captions": ["one", "two"], "jpeg": JPEGS[0]},
        {"image": "b.jpg", "split": "none", "captions": ["three"], "jpeg": JPEGS[1]},
    )
    meta = {"source": "flickr8k"}
    assert found == [
        Pair(id="a.jpg#0", view=JPEGS[0], caption="one", group="a.jpg", split="validation", meta=meta),
        Pair(id="a.jpg#1", view=JPEGS[0], caption="two", group="a.jpg", split="validation", meta=meta),
        Pair(id="b.jpg#0", view=JPEGS[1], caption="three", group="b.jpg", meta=meta),
    ]


def test_broken_rows_are_told_with_their_place(tmp_path: Path) -> None:
    good = {"image": "a.jpg", "split": "train", "captions": ["one"], "jpeg": JPEGS[0]}
    found = rows_of(
        tmp_path / "f.parquet",
        good,
        {**good, "image": "b.jpg", "jpeg": JPEGS[0][:-30]},
        {**good, "image": "c.jpg", "jpeg": None},
        {**good, "image": "d.jpg", "split": "half"},
        {**good, "image": None},
        good,
    )
    reasons = {row.line: row.reason for row in found if isinstance(row, BadRow)}
    assert list(reasons) == [2, 3, 4, 5, 6]
    assert reasons[2].startswith("the picture is truncated")
    assert reasons[3] == "the picture 'c.jpg' is empty"
    assert reasons[4].startswith("split 'half' is not one of")
    assert reasons[5] == "the id is empty"
    assert "occurs twice" in reasons[6]


def test_names_of_pictures_that_are_no_text_are_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [["a.jpg"]], "jpeg": [JPEGS[0]]}), tmp_path / "large.parquet")
    row = {"image": ["a.jpg"], "split": "train", "captions": ["one"], "jpeg": JPEGS[0]}
    (found,) = rows_of(tmp_path / "f.parquet", row, images=str(tmp_path / "large.parquet"))
    assert isinstance(found, BadRow)


def test_pictures_of_another_size_come_from_another_parquet(tmp_path: Path) -> None:
    larger = [{"image": "b.jpg", "split": "test", "jpeg": JPEGS[2]}, {"image": "a.jpg", "split": "x", "jpeg": JPEGS[3]}]
    pq.write_table(pa.Table.from_pylist(larger), tmp_path / "large.parquet")
    found = rows_of(
        tmp_path / "f.parquet",
        {"image": "a.jpg", "split": "train", "captions": ["one"], "jpeg": JPEGS[0]},
        {"image": "c.jpg", "split": "train", "captions": ["two"], "jpeg": JPEGS[0]},
        images=str(tmp_path / "large.parquet"),
    )
    assert isinstance(found[0], Pair)
    assert found[0].view == JPEGS[3]
    assert isinstance(found[1], BadRow)
    assert "'c.jpg' is empty" in found[1].reason


@pytest.mark.parametrize("place", [".", "Flickr8k_text"])
def test_the_folder_of_the_release_is_read(tmp_path: Path, place: str) -> None:
    folder = release(tmp_path / "flickr8k")
    if place != ".":
        (folder / place).mkdir()
        for file in folder.glob("*.txt"):
            file.rename(folder / place / file.name)
    found = list(Flickr8k().read(folder))
    pairs = [row for row in found if isinstance(row, Pair)]
    assert [(pair.id, pair.caption, pair.group, pair.split) for pair in pairs] == [
        ("0.jpg#0", "picture 0 .", "0.jpg", "train"),
        ("0.jpg#1", "picture 0 .", "0.jpg", "train"),
        ("1.jpg#0", "picture 1 .", "1.jpg", "validation"),
        ("1.jpg#1", "picture 1 .", "1.jpg", "validation"),
        ("2.jpg#0", "picture 2 .", "2.jpg", None),
        ("2.jpg#1", "picture 2 .", "2.jpg", None),
    ]
    assert [pair.view for pair in pairs[::2]] == JPEGS[:3]
    assert [row.line for row in found if isinstance(row, SkippedRow)] == [7]
    bad = [(row.line, row.reason) for row in found if isinstance(row, BadRow)]
    assert [line for line, _ in bad] == [8, 9]
    assert bad[0][1].startswith("no picture '7.jpg' in ")
    assert bad[1][1] == "want PICTURE#N, a tab, and the caption"


def test_a_folder_that_is_not_the_release_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file Flickr8k\.token\.txt"):
        list(Flickr8k().read(tmp_path))
    folder = release(tmp_path / "flickr8k")
    (folder / "Flicker8k_Dataset").rename(folder / "elsewhere")
    with pytest.raises(InputError, match=r"no folder of pictures .* --images"):
        list(Flickr8k().read(folder))
    assert len([row for row in Flickr8k(images=str(folder / "elsewhere")).read(folder) if isinstance(row, Pair)]) == 6
    (folder / "Flickr_8k.devImages.txt").unlink()
    with pytest.raises(InputError, match=r"no file .*devImages"):
        list(Flickr8k(images=str(folder / "elsewhere")).read(folder))


@pytest.mark.data
@pytest.mark.parametrize("size", [64, 128])
def test_the_real_set_is_whole(tmp_path: Path, data_dir: Path, size: int) -> None:
    images = str(data_dir / "images" / "flickr8k_128px_images.parquet") if size == 128 else None
    report = build_pairs(Flickr8k(images=images), data_dir / "images" / "flickr8k_64px.parquet", tmp_path / "t.parquet")
    assert (report.rows, report.bad, report.skipped) == (8_091 * 5, 0, {})
    table = PairTable.open(tmp_path / "t.parquet")
    assert Counter(table.column("split")) == {"train": 30_000, "validation": 5_000, "test": 5_000, None: 455}
    groups = table.column("group")
    assert set(Counter(groups).values()) == {5}
    split_of = dict(zip(groups, table.column("split"), strict=True))
    assert Counter(split_of.values()) == {"train": 6_000, "validation": 1_000, "test": 1_000, None: 91}
    assert len(set(table.column("view"))) >= 8_090
    assert (tmp_path / "t.parquet").stat().st_size < 1.1 * (20e6 if size == 64 else 31e6)  # five captions, one picture
