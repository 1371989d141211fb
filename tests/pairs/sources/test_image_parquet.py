"""Parquet of encoded pictures by a column map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoded_pictures import encoded, smooth_picture
from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import ImageParquet
from threatclip.pairs.sources.rows import Row

PNG, GIF = (encoded(smooth_picture(height=6, width=7), name) for name in ("PNG", "GIF"))


def read(tmp_path: Path, columns: Mapping[str, str], *rows: dict[str, Any], **options: Any) -> list[Row]:
    pq.write_table(pa.Table.from_pylist(list(rows)), tmp_path / "f.parquet")
    return list(ImageParquet(columns=columns, **options).read(tmp_path / "f.parquet"))


def test_a_list_of_captions_is_a_pair_each(tmp_path: Path) -> None:
    columns = {"id": "name", "view": "jpeg", "caption": "captions", "label": "kind", "split": "part", "meta.by": "by"}
    row = {"name": "a", "jpeg": PNG, "captions": ["one", "two"], "kind": "x", "part": "test", "by": "me"}
    bare = {**row, "name": "b", "captions": [], "jpeg": GIF}
    shared = {"label": "x", "split": "test", "meta": {"by": "me"}}
    assert read(tmp_path, columns, row, bare) == [
        Pair(id="a#0", view=PNG, caption="one", group="a", **shared),  # type: ignore[arg-type]
        Pair(id="a#1", view=PNG, caption="two", group="a", **shared),  # type: ignore[arg-type]
        Pair(id="b", view=GIF, **shared),  # type: ignore[arg-type]
    ]


def test_a_picture_may_be_a_struct_and_a_caption_lie_in_one(tmp_path: Path) -> None:
    rows = [
        {"image": {"bytes": PNG, "path": "a.png"}, "words": {"en": "one"}},
        {"image": {"bytes": None, "path": "b.png"}, "words": {"en": "words alone"}},
        {"image": None, "words": None},
    ]
    found = read(tmp_path, {"view": "image", "caption": "words.en"}, *rows)
    assert [row for row in found if isinstance(row, Pair)] == [
        Pair(id="f:1", view=PNG, caption="one"),
        Pair(id="f:2", view=b"", caption="words alone"),
    ]
    assert [(row.line, row.reason) for row in found if isinstance(row, BadRow)] == [(3, "neither a picture nor words")]


def test_captions_are_posts_only_when_asked_for(tmp_path: Path) -> None:
    row = {"p": PNG, "c": ["Road closed #NoWay &amp; flooded", "#NoWay"], "k": "x"}
    plain = read(tmp_path, {"view": "p", "caption": "c"}, row)
    assert [pair.caption for pair in plain if isinstance(pair, Pair)] == row["c"]
    posts = read(tmp_path, {"view": "p", "caption": "c"}, row, hashtags="strip")
    assert [pair.caption for pair in posts if isinstance(pair, Pair)] == ["Road closed & flooded", None]
    named = read(tmp_path, {"view": "p", "label": "k"}, row, labels=("y",))
    assert [row.reason for row in named if isinstance(row, BadRow)] == ["unknown class 'x'; known are y"]


def test_a_map_that_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must name the view's column"):
        read(tmp_path, {"caption": "c"}, {"c": "x"})
    with pytest.raises(InputError, match=r"no column 'd' \(for caption\)"):
        read(tmp_path, {"view": "p", "caption": "d"}, {"p": PNG})
