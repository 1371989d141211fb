"""CSV, JSON Lines and Parquet by a column map."""

from __future__ import annotations

import base64
import csv
import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import BadRow, InputError, ThreatclipError
from threatclip.pairs.images import encode_png
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Csv, Jsonl, Parquet, PayloadList
from threatclip.pairs.sources.mapping import parse_map

FULL = {
    "id": "name",
    "view": "payload",
    "caption": "words",
    "label": "class",
    "group": "case",
    "time": "seen",
    "meta.vendor": "maker",
}
fast = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
plain = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def reasons(rows: list[object]) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]


def test_every_field_is_mapped_by_every_source(tmp_path: Path) -> None:
    row = {
        "name": "a",
        "payload": "GET /\u00e9",
        "words": "a flaw",
        "class": "xss",
        "case": "C-1",
        "seen": "2021-02-03T04:05:06+01:00",
        "maker": "acme",
        "unused": "x",
    }
    want = Pair(
        id="a",
        view="GET /\u00e9".encode(),
        caption="a flaw",
        label="xss",
        group="C-1",
        time=datetime(2021, 2, 3, 3, 5, 6, tzinfo=UTC),
        meta={"vendor": "acme"},
    )
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(row))
        writer.writeheader()
        writer.writerow(row)
    write(tmp_path / "t.jsonl", gzip.compress(orjson.dumps(row)))
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "t.parquet")
    assert list(Csv(columns=FULL).read(tmp_path / "t.csv")) == [want]
    assert list(Jsonl(columns=FULL).read(tmp_path / "t.jsonl")) == [want]
    assert list(Parquet(columns=FULL).read(tmp_path / "t.parquet")) == [want]


@fast
@given(rows=st.lists(st.tuples(plain, plain), min_size=1, max_size=8, unique_by=lambda row: row[0]))
def test_any_text_survives_each_format(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        csv.writer(handle, quoting=csv.QUOTE_ALL).writerows([("id", "view"), *rows])
    dicts = [dict(zip(("id", "view"), row, strict=True)) for row in rows]
    write(tmp_path / "t.jsonl", b"\n".join(orjson.dumps(row) for row in dicts))
    pq.write_table(pa.Table.from_pylist(dicts), tmp_path / "t.parquet")
    want = [Pair(id=name, view=view.encode()) for name, view in rows]
    columns = {"id": "id", "view": "view"}
    assert list(Csv(columns=columns).read(tmp_path / "t.csv")) == want
    assert list(Jsonl(columns=columns).read(tmp_path / "t.jsonl")) == want
    assert list(Parquet(columns=columns).read(tmp_path / "t.parquet")) == want


@fast
@given(content=st.binary(max_size=80), source=st.sampled_from(["csv", "jsonl", "parquet", "list"]))
def test_random_bytes_never_raise_anything_but_our_errors(tmp_path: Path, content: bytes, source: str) -> None:
    columns = {"view": "view"}
    reader = {
        "csv": Csv(columns=columns),
        "jsonl": Jsonl(columns=columns),
        "parquet": Parquet(columns=columns),
        "list": PayloadList(),
    }[source]
    path = write(tmp_path / "f", b"view\n" + content if source == "csv" else content)
    try:
        rows = list(reader.read(path))
    except ThreatclipError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert all(isinstance(row, Pair | BadRow) for row in rows)


@fast
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
        max_leaves=5,
    ),
    field=st.sampled_from(list(FULL.values())),
)
def test_any_json_value_in_any_field_is_a_pair_or_a_bad_row(tmp_path: Path, value: object, field: str) -> None:
    row = {"name": "a", "payload": "p", "words": "", "class": "", "case": "", "seen": None, "maker": None, field: value}
    (outcome,) = Jsonl(columns=FULL).read(write(tmp_path / "f", orjson.dumps(row)))
    assert isinstance(outcome, Pair | BadRow)


def test_broken_json_lines_are_told_by_line(tmp_path: Path) -> None:
    lines = [
        b'{"id": "a", "v": "ok"}',
        b'{"id": "b", "v": ',
        b"",
        b"[1, 2]",
        b'{"id": "c"}',
        b'{"id": "a", "v": "again"}',
        b'{"id": "d", "v": "\xff"}',
        b'{"id": "e", "v": {"x": 1}}',
        b'{"id": "f", "v": ""}',
        b'{"id": "g", "v": "\\ud800"}',
        b'{"id": "h", "v": "nul \\u0000 is legal"}',
        b'{"id": "", "v": "x"}',
        b'{"id": "i", "v": "x", "t": "yesterday"}',
        b'{"id": "j", "v": "cut',
    ]
    columns = {"id": "id", "view": "v", "time": "t"}
    rows = list(Jsonl(columns=columns).read(write(tmp_path / "f.jsonl", b"\n".join(lines))))
    assert [row.id for row in rows if isinstance(row, Pair)] == ["a", "h"]
    found = dict(reasons(rows))
    assert list(found) == [2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14]
    assert found[2].startswith("not JSON")
    assert found[4] == "a JSON list, not an object"
    assert found[5] == "no column 'v' for the view"
    assert found[6] == "the id 'a' occurs twice"
    assert found[7].startswith("not JSON")
    assert found[8] == "the view is a dict, not text"
    assert found[9] == "the view is empty"
    assert found[12] == "the id is empty"
    assert "is no time: want ISO 8601" in found[13]
    assert found[14].startswith("the last line is cut off or not JSON")
    assert all(row.path == str(tmp_path / "f.jsonl") for row in rows if isinstance(row, BadRow))


def test_broken_csv_rows_are_told_by_line_and_the_rest_is_read(tmp_path: Path) -> None:
    content = b'id,v\na,"two\nlines"\nb\nc,x,y\nd,"bad"quote\n\ne,\xff\nf,ok\na,twice\ng,nul \x00 is legal\nh,"open\n'
    rows = list(Csv(columns={"id": "id", "view": "v"}).read(write(tmp_path / "f.csv", content)))
    assert [(row.id, row.view) for row in rows if isinstance(row, Pair)] == [
        ("a", b"two\nlines"),
        ("f", b"ok"),
        ("g", b"nul \x00 is legal"),
    ]
    found = dict(reasons(rows))
    assert list(found) == [4, 5, 6, 8, 10, 12]
    assert found[4] == "1 fields, the header has 2"
    assert found[5] == "3 fields, the header has 2"
    assert found[6].startswith("not CSV")
    assert found[8] == "not UTF-8 at byte 2 of the line"
    assert found[10] == "the id 'a' occurs twice"
    assert "unexpected end of data" in found[12]


@pytest.mark.parametrize("source", [Csv, Jsonl, Parquet])
def test_a_column_that_is_not_there_is_an_input_error_that_names_the_others(
    tmp_path: Path, source: type[Csv | Jsonl | Parquet]
) -> None:
    write(tmp_path / "Csv", "id,text\n1,x\n")
    write(tmp_path / "Jsonl", '{"id": 1, "text": "x"}')
    pq.write_table(pa.table({"id": [1], "text": ["x"]}), tmp_path / "Parquet")
    with pytest.raises(InputError, match=r"no column 'label' \(for label\) .* columns are id, text"):
        list(source(columns={"view": "text", "label": "label"}).read(tmp_path / source.__name__))


def test_a_key_missing_from_some_lines_only_is_none_there(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", '{"v": "x", "l": "xss"}\n{"v": "y"}\n{"v": "z", "l": null}')
    rows = list(Jsonl(columns={"view": "v", "label": "l"}).read(path))
    assert [(row.id, row.label) for row in rows if isinstance(row, Pair)] == [
        ("f:1", "xss"),
        ("f:2", None),
        ("f:3", None),
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"veiw": "x"}, "unknown field 'veiw'"),
        ({"view": "x", "meta.": "y"}, "unknown field 'meta.'"),
        ({"id": "x"}, "must name the view's column once"),
        ({"view": "x", "view:base64": "y"}, "must name the view's column once"),
    ],
)
def test_a_map_that_cannot_work_is_refused(tmp_path: Path, columns: Mapping[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(Jsonl(columns=columns).read(write(tmp_path / "f", "{}")))


def test_the_map_is_parsed_from_the_command_line() -> None:
    assert parse_map(["view:base64=a=b", "meta.x=y"]) == {"view:base64": "a=b", "meta.x": "y"}
    for items in (["view"], ["view="], ["view=a", "view=b"]):
        with pytest.raises(InputError, match=r"--map"):
            parse_map(items)


def test_a_view_may_be_base64_or_binary(tmp_path: Path) -> None:
    raw = bytes(range(256))
    coded = base64.encodebytes(raw).decode()
    path = write(tmp_path / "f.jsonl", orjson.dumps({"p": coded}) + b'\n{"p": "no base64!"}')
    rows = list(Jsonl(columns={"view:base64": "p"}).read(path))
    assert isinstance(rows[0], Pair)
    assert rows[0].view == raw
    assert reasons(rows)[0][1].startswith("the view is not base64")
    pq.write_table(pa.table({"payload": [{"bytes": raw, "path": "x.bin"}]}), tmp_path / "f.parquet")
    (pair,) = Parquet(columns={"view": "payload.bytes"}).read(tmp_path / "f.parquet")
    assert isinstance(pair, Pair)
    assert pair.view == raw


def test_every_picture_of_an_image_table_must_decode_and_a_post_may_lack_it(tmp_path: Path) -> None:
    picture = encode_png(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8))
    rows = [
        {"v": picture, "c": None},
        {"v": picture[:-60], "c": "words"},
        {"v": b"", "c": "words alone"},
        {"v": b"", "c": " "},
        {"v": None, "c": "words alone"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "f.parquet")
    found = list(Parquet(columns={"view": "v", "caption": "c"}, modality="image").read(tmp_path / "f.parquet"))
    assert [(row.view, row.caption) for row in found if isinstance(row, Pair)] == [
        (picture, None),
        (b"", "words alone"),
        (b"", "words alone"),
    ]
    assert [(line, reason[:35]) for line, reason in reasons(found)] == [
        (2, "the picture is truncated or broken "),
        (4, "neither a picture nor words"),
    ]


def test_an_unknown_class_is_refused_when_the_classes_are_given(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", '{"v": "x", "l": "xss"}\n{"v": "y", "l": "xxs"}\n{"v": "z", "l": null}')
    rows = list(Jsonl(columns={"view": "v", "label": "l"}, labels=("xss", "ssrf")).read(path))
    assert reasons(rows) == [(2, "unknown class 'xxs'; known are xss, ssrf")]


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (2021, datetime(2021, 1, 1, tzinfo=UTC)),
        ("2021", datetime(2021, 1, 1, tzinfo=UTC)),
        ("20210203", datetime(2021, 2, 3, tzinfo=UTC)),
        ("2021-02-03", datetime(2021, 2, 3, tzinfo=UTC)),
        ("2021-02-03T04:05:06.789+0000", datetime(2021, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)),
        ("2021-02-03 04:05:06Z", datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)),
        (1_612_325_106, datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_time_is_read_from_the_usual_ways_to_write_it(tmp_path: Path, value: object, want: datetime | None) -> None:
    path = write(tmp_path / "f.jsonl", orjson.dumps({"v": "x", "t": value}))
    (pair,) = Jsonl(columns={"view": "v", "time": "t"}).read(path)
    assert isinstance(pair, Pair)
    assert pair.time == want


def test_parquet_that_is_none_or_breaks_off_is_told(tmp_path: Path) -> None:
    columns = {"view": "v"}
    with pytest.raises(InputError, match="is not readable Parquet"):
        list(Parquet(columns=columns).read(write(tmp_path / "text", "no parquet")))
    pq.write_table(pa.table({"v": [f"value {n}" * 50 for n in range(2_000)]}), tmp_path / "f", row_group_size=500)
    content = bytearray((tmp_path / "f").read_bytes())
    middle = pq.read_metadata(tmp_path / "f").row_group(2).column(0).dictionary_page_offset
    content[middle : middle + 40] = b"\xff" * 40
    rows = list(Parquet(columns=columns).read(write(tmp_path / "broken", bytes(content))))
    assert isinstance(rows[0], Pair)
    assert "damaged from here on" in reasons(rows)[-1][1]


def test_a_payload_list_keeps_raw_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "list.txt", b"' OR 1=1\r\n\n\x00\xff raw \r\r\nlast")
    rows = list(PayloadList(label="sql-injection").read(path))
    assert [(row.id, row.view, row.label) for row in rows if isinstance(row, Pair)] == [
        ("list:1", b"' OR 1=1", "sql-injection"),
        ("list:3", b"\x00\xff raw \r", "sql-injection"),
        ("list:4", b"last", "sql-injection"),
    ]


def test_a_csv_delimiter_is_one_character(tmp_path: Path) -> None:
    path = write(tmp_path / "f.tsv", "a\tv\n1\tx\n")
    (pair,) = Csv(columns={"view": "v"}, delimiter="\t").read(path)
    assert isinstance(pair, Pair)
    with pytest.raises(InputError, match="is not one character"):
        list(Csv(columns={"view": "v"}, delimiter="||").read(path))
