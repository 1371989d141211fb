"""`threatclip pairs` on pictures and posts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command

from encoded_pictures import encoded, smooth_picture
from threatclip.pairs.table import PairTable

PNG = encoded(smooth_picture(height=8, width=12))
WORDS = "The road to the harbor is closed #PortTown"


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    rows = [
        {"id": "a", "picture": PNG, "words": WORDS},
        {"id": "b", "picture": None, "words": "We need more sandbags at the old bridge"},
        {"id": "c", "picture": PNG, "words": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "posts.parquet")
    return tmp_path / "posts.parquet"


MAP = ["--map", "id=id", "--map", "view=picture", "--map", "caption=words"]


def test_posts_are_built_and_inspected(posts: Path, tmp_path: Path, threatclip: Command) -> None:
    out = tmp_path / "t.parquet"
    done = threatclip("pairs", "build", "--source", "image-parquet", posts, *MAP, "--hashtags", "words", "-o", out)
    assert done.code == 0
    assert "3 image pairs" in done.out
    table = PairTable.open(out)
    assert table.column("caption")[0] == "The road to the harbor is closed Port Town"
    assert [bool(view) for view in table.column("view")] == [True, False, True]
    told = threatclip("pairs", "inspect", out).out
    assert "pictures: 1 distinct (PNG 1)" in told
    assert "width 12 to 12 px, median 12" in told
    assert "without picture 1, without words 1" in told
    assert "languages: en 2" in told
    images = threatclip("pairs", "inspect", out, "--json").json["images"]
    assert (images["pictures"], images["without_picture"], images["languages"]) == (1, 1, {"en": 2})


def test_a_picture_that_does_not_decode_is_a_bad_row(tmp_path: Path, threatclip: Command) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "good.png").write_bytes(PNG)
    (tmp_path / "pictures" / "cut.png").write_bytes(PNG[:-60])
    command = ["pairs", "build", "--source", "image-folder", tmp_path / "pictures", "-o", tmp_path / "t.parquet"]
    refused = threatclip(*command)
    assert refused.code == 2
    assert "cut.png:1: the picture is truncated or broken" in refused.errors[-1]
    assert not (tmp_path / "t.parquet").exists()
    done = threatclip(*command, "--skip-bad", "--json")
    assert (done.code, done.json["rows"], done.json["bad"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--source", "image-parquet", *MAP, "--hashtags", "loud"],
            "'loud' of source image-parquet is not one",
        ),
        (["--source", "dmd", "--task", "damage"], "source dmd does not take --task; it takes --hashtags"),
        (["--source", "crisismmd", "--variant", "best"], "'best' of source crisismmd is not one of agreed, all"),
        (["--source", "cifar10", "--images", "x"], "source cifar10 does not take --images; it takes --seed"),
        (["--source", "flickr8k"], "no column 'image'"),
    ],
)
def test_options_that_a_source_does_not_take_are_refused(
    posts: Path, tmp_path: Path, threatclip: Command, arguments: list[str], message: str
) -> None:
    done = threatclip("pairs", "build", posts, *arguments, "-o", tmp_path / "t.parquet")
    assert done.code == 2
    assert message in done.error
