from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson

from threatclip.pairs.inspect import describe
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, with_split, write_pairs

LONG = bytes(range(200))


def table_of(path: Path, pairs: list[Pair]) -> PairTable:
    write_pairs(path, pairs, modality="payload")
    return PairTable.open(path)


def test_a_table_is_described(tmp_path: Path) -> None:
    pairs = [
        Pair(id="a", view=LONG, caption="word", label="xss", group="g", time=datetime(2020, 5, 1, tzinfo=UTC)),
        Pair(id="b", view=LONG, caption="words", label="ssrf", group="g", time=datetime(2019, 5, 1, tzinfo=UTC)),
        Pair(id="c", view=LONG[:-1], label="xss", group="h", time=datetime(2022, 5, 1, tzinfo=UTC)),
        Pair(id="d", view=LONG, label=None),
        Pair(id="e", view=b"x", label="xss"),
    ]
    table = table_of(tmp_path / "t.parquet", pairs)
    with_split(table, ["train", "train", "test", None, "train"], {"kind": "fixed"}, table.path)
    found = describe(PairTable.open(table.path))
    assert (found.rows, found.captions, found.labeled, found.groups) == (5, 2, 4, 2)
    assert found.classes == {"xss": 3, "ssrf": 1}
    assert (found.view_bytes["0"], found.view_bytes["0.5"], found.view_bytes["1"]) == (1, 200, 200)
    assert found.caption_characters["1"] == 5
    assert found.duplicates.exact_rows == 2
    assert found.duplicates.near_rows == 3
    assert found.duplicates.largest_cluster == 4
    assert found.duplicates.conflicting_rows == 2
    assert found.first_time == datetime(2019, 5, 1, tzinfo=UTC)
    assert found.last_time == datetime(2022, 5, 1, tzinfo=UTC)
    assert found.years == {"2019": 1, "2020": 1, "2022": 1}
    assert found.splits == {"test": {"xss": 1}, "train": {"xss": 2, "ssrf": 1}, "unused": {"(none)": 1}}
    assert found.leakage is not None
    assert found.leakage["sizes"] == {"train": 3, "validation": 0, "test": 1}
    assert [overlap["near_duplicates"] for overlap in found.leakage["overlaps"]] == [1]
    assert found.split_info == {"kind": "fixed"}
    values = orjson.loads(orjson.dumps(found.as_dict()))
    assert values["first_time"] == "2019-05-01T00:00:00+00:00"
    assert values["near_duplicate_threshold"] == 0.9


def test_a_bare_table_is_described_too(tmp_path: Path) -> None:
    found = describe(table_of(tmp_path / "t.parquet", [Pair(id="a", view=b"x")]), near_duplicates=False)
    assert found.caption_characters == {}
    assert found.first_time is None
    assert found.leakage is None
    assert found.duplicates.near_rows is None
    assert found.splits == {"unused": {"(none)": 1}}
    orjson.dumps(found.as_dict())
