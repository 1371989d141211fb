"""Folders of pictures, with a captions file or with a folder for each class; picture files by strangers' names."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from encoded_pictures import encoded, smooth_picture
from threatclip.errors import BadRow, InputError
from threatclip.pairs.images import LIMITS
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import ImageFolder
from threatclip.pairs.sources.picture_files import PictureFolder
from threatclip.pairs.sources.rows import Row, RowFault, SkippedRow

PNG, GIF = (encoded(smooth_picture(height=6, width=7), name) for name in ("PNG", "GIF"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name, content in {"a.png": PNG, "fire/b.gif": GIF, "fire/c.PNG": PNG, "flood/d.png": PNG}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def told(rows: list[Row]) -> list[tuple[str, int, str]]:
    return [(Path(row.path).name, row.line, row.reason) for row in rows if not isinstance(row, Pair)]


def test_without_captions_the_folder_of_a_picture_is_its_class(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "flood" / "cut.png").write_bytes(PNG[:60])
    rows = list(ImageFolder().read(folder))
    assert [row for row in rows if isinstance(row, Pair)] == [
        Pair(id="a.png", view=PNG),
        Pair(id="fire/b.gif", view=GIF, label="fire"),
        Pair(id="fire/c.PNG", view=PNG, label="fire"),
        Pair(id="flood/d.png", view=PNG, label="flood"),
    ]
    assert [(name, reason[:20]) for name, _, reason in told(rows)] == [
        ("cut.png", "the picture is trunc"),
        ("notes.txt", "a file that is no pi"),
    ]
    rows = list(ImageFolder(labels=("fire",)).read(folder))
    assert [row.id for row in rows if isinstance(row, Pair)] == ["a.png", "fire/b.gif", "fire/c.PNG"]
    assert [row.reason for row in rows if isinstance(row, BadRow)] == ["unknown class 'flood'; known are fire"] * 2


def test_a_captions_file_names_pictures_and_posts_without_one(folder: Path) -> None:
    lines = ["file,caption", "a.png,one", "a.png,two", "fire/b.gif,", ",words alone", "gone.png,x", ","]
    (folder / "captions.csv").write_text("\n".join(lines))
    rows = list(ImageFolder().read(folder))
    assert [row for row in rows if isinstance(row, Pair)] == [
        Pair(id="captions:2", view=PNG, caption="one", group="a.png"),
        Pair(id="captions:3", view=PNG, caption="two", group="a.png"),
        Pair(id="captions:4", view=GIF, group="fire/b.gif"),
        Pair(id="captions:5", view=b"", caption="words alone"),
    ]
    assert [row.line for row in rows if isinstance(row, BadRow)] == [6, 7]
    skipped = [row for row in rows if isinstance(row, SkippedRow)]
    assert [Path(row.path).name for row in skipped] == ["c.PNG", "d.png"]


def test_a_map_an_own_captions_file_and_the_words_of_posts(folder: Path, tmp_path: Path) -> None:
    row = {"file_name": "a.png", "text": "Bridge closed #RoadWork https://t.co/x", "kind": "road", "n": 7}
    (tmp_path / "own.jsonl").write_bytes(orjson.dumps(row))
    source = ImageFolder(
        captions=str(tmp_path / "own.jsonl"),
        columns={"id": "n", "view": "file_name", "caption": "text", "label": "kind"},
        hashtags="words",
    )
    (pair,) = (row for row in source.read(folder) if isinstance(row, Pair))
    assert (pair.id, pair.view, pair.caption, pair.label) == ("7", PNG, "Bridge closed Road Work", "road")
    assert "language" in pair.meta


def test_what_cannot_be_meant_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        list(ImageFolder().read(folder / "a.png"))
    (folder / "captions.csv").write_text("picture,words\na.png,x\n")
    with pytest.raises(InputError, match=r"no column 'file' \(for view\) .* columns are picture, words"):
        list(ImageFolder().read(folder))
    (folder / "metadata.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"holds captions\.csv and metadata\.jsonl; name one with --captions"):
        list(ImageFolder().read(folder))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.png", "lies outside"),
        ("/etc/hostname", "lies outside"),
        ("fire/../../secret.png", "lies outside"),
        ("out.png", "lies outside"),
        ("pipe.png", "no picture"),
        ("fire", "no picture"),
        ("", "no picture"),
        ("nul\0.png", "cannot be read"),
        ("circle.png", "cannot be read|no picture"),
        ("x" * 5_000, "cannot be read|no picture"),
        ("lone\ud800.png", "cannot be read|no picture"),
        ("huge.png", "more than"),
    ],
)
def test_no_name_leads_out_of_the_folder_or_to_what_never_ends(folder: Path, name: str, reason: str) -> None:
    (folder.parent / "secret.png").write_bytes(PNG)
    (folder / "out.png").symlink_to(folder.parent / "secret.png")
    (folder / "circle.png").symlink_to(folder / "circle.png")
    os.mkfifo(folder / "pipe.png")
    with (folder / "huge.png").open("wb") as huge:
        huge.truncate(LIMITS.max_bytes + 1)
    with pytest.raises(RowFault, match=reason):
        PictureFolder(folder).read(name)


def test_a_picture_is_read_once_for_the_captions_that_follow(folder: Path) -> None:
    pictures = PictureFolder(folder)
    first = pictures.read("a.png")
    assert first == PNG
    assert pictures.read("a.png") is first
