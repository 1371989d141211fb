"""Posts as people keep them, and as strangers send them."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import BadRow, InputError
from threatclip.pairs.images import encode_png
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.post_files import post_rows
from threatclip.pairs.table import write_pairs

PICTURE = encode_png(np.full((4, 4, 3), 99, dtype=np.uint8))
CODED = base64.b64encode(PICTURE).decode()


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def only(path: Path) -> Pair:
    (row,) = post_rows(path)
    assert isinstance(row, Pair), row
    return row


def test_a_post_names_its_picture_or_holds_it(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(PICTURE)
    for picture in ("p.png", "./p.png", CODED, f"data:image/png;base64,{CODED}"):
        post = only(write(tmp_path / "post.json", {"id": "a", "text": "smoke", "picture": picture}))
        assert (post.id, post.caption, post.view) == ("a", "smoke", PICTURE)


def test_either_half_may_be_missing_and_the_id_too(tmp_path: Path) -> None:
    assert only(write(tmp_path / "w.json", {"text": "smoke"})) == Pair(id="w", view=b"", caption="smoke")
    assert only(write(tmp_path / "p.json", {"picture": CODED, "text": None})).view == PICTURE
    (row,) = post_rows(write(tmp_path / "n.json", {"id": "n"}))
    assert isinstance(row, BadRow)
    assert "neither a picture nor words" in row.reason


def test_many_posts_come_as_a_list_as_lines_or_as_a_folder(tmp_path: Path) -> None:
    several = [{"id": "a", "text": "one"}, {"text": "two"}]
    assert [row.id for row in post_rows(write(tmp_path / "list.json", several))] == ["a", "list:2"]  # type: ignore[union-attr]
    lines = "".join(json.dumps(one) + "\n" for one in several)
    (tmp_path / "posts.jsonl").write_text(lines)
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    for name in ("posts.jsonl", "posts.jsonl.gz"):
        assert [row.id for row in post_rows(tmp_path / name)] == ["a", "posts:2"]  # type: ignore[union-attr]
    folder = tmp_path / "folder"
    write(folder / "b.json", {"text": "b"})
    write(folder / "a.json", {"text": "a"})
    write(folder / ".hidden.json", {"text": "c"})
    assert [row.id for row in post_rows(folder)] == ["a", "b"]  # type: ignore[union-attr]


def test_a_file_of_a_folder_that_cannot_be_read_is_one_bad_row(tmp_path: Path) -> None:
    write(tmp_path / "good.json", {"text": "good"})
    (tmp_path / "wide.json").write_text('{"text": "a"}', encoding="utf-16")
    (tmp_path / "empty.json").write_bytes(b"")
    rows = list(post_rows(tmp_path))
    assert [row.id for row in rows if isinstance(row, Pair)] == ["good"]
    assert sum(isinstance(row, BadRow) for row in rows) == 2


def test_a_folder_of_pictures_is_posts_without_words(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(PICTURE)
    (tmp_path / "two.png").write_bytes(PICTURE)
    assert [(row.id, row.caption) for row in post_rows(tmp_path)] == [("one.png", None), ("two.png", None)]  # type: ignore[union-attr]


@pytest.mark.parametrize("names", [("id", "text", "picture"), ("post_id", "caption", "jpeg"), ("id", "text", "image")])
def test_parquet_of_usual_names_is_read(tmp_path: Path, names: tuple[str, str, str]) -> None:
    columns = {names[0]: ["a", "b"], names[1]: ["smoke", None], names[2]: [None, PICTURE]}
    if names[2] == "image":
        columns["image"] = [None, {"bytes": PICTURE, "path": "x"}]
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    first, second = post_rows(tmp_path / "t.parquet")
    assert first == Pair(id="a", view=b"", caption="smoke")
    assert isinstance(second, Pair)
    assert (second.view, second.caption) == (PICTURE, None)


def test_a_pair_table_is_read_if_it_holds_pictures(tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", [Pair(id="a", view=PICTURE, caption="smoke")], modality="image")
    assert only(tmp_path / "t.parquet").view == PICTURE
    write_pairs(tmp_path / "p.parquet", [Pair(id="a", view=b"GET /")], modality="payload")
    with pytest.raises(InputError, match="holds payload pairs"):
        list(post_rows(tmp_path / "p.parquet"))


def test_parquet_without_a_picture_or_text_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "sound": ["b"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="no column of"):
        list(post_rows(tmp_path / "t.parquet"))


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        ("../secret.png", "lies outside"),
        ("/etc/passwd.png", "lies outside"),
        ("absent.png", "no picture"),
        ("data:image/png,xx", "not base64"),
        ("!!", "not base64"),
        (base64.b64encode(b"no picture at all").decode(), "not one of JPEG"),
        (3, "picture"),
        ({"a": 1}, "not text"),
    ],
)
def test_a_picture_that_cannot_be_read_is_a_bad_row(tmp_path: Path, picture: object, says: str) -> None:
    (tmp_path / "secret.png").write_bytes(PICTURE)
    (row,) = post_rows(write(tmp_path / "inner" / "post.json", {"text": "a", "picture": picture}))
    assert isinstance(row, BadRow)
    assert says in row.reason


def test_what_is_no_post_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no post"):
        list(post_rows(tmp_path / "post.txt"))
    with pytest.raises(InputError):
        list(post_rows(tmp_path / "absent.json"))
    (row,) = post_rows(write(tmp_path / "a.json", 3))
    assert isinstance(row, BadRow)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_rows_never_a_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.json"
    path.write_bytes(content or b" ")
    with contextlib.suppress(InputError):  # a whole file may be unusable: UTF-16, say
        for row in post_rows(path):
            assert isinstance(row, Pair | BadRow)
