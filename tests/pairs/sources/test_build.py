from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest

from threatclip.errors import BadRow, BadRowsError, InputError
from threatclip.pairs.sources import SOURCES, Csv, Eve, Jsonl
from threatclip.pairs.sources.build import build_pairs
from threatclip.pairs.sources.rows import SkippedRow
from threatclip.pairs.table import PairTable

SOURCE = Jsonl(columns={"id": "id", "view": "v"}, modality="text")


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


def test_a_clean_source_becomes_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", b'{"id": "a", "v": "x"}', b'{"id": "b", "v": "y"}')
    report = build_pairs(SOURCE, path, tmp_path / "t.parquet")
    table = PairTable.open(tmp_path / "t.parquet")
    table.verify()
    assert (len(table), table.modality) == (2, "text")
    assert orjson.loads(orjson.dumps(report.as_dict())) == {
        "path": str(tmp_path / "t.parquet"),
        "rows": 2,
        "modality": "text",
        "content_hash": table.content_hash,
        "bad": 0,
        "bad_rows": [],
        "skipped": {},
    }


def test_bad_rows_stop_the_build_with_all_of_them_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", b'{"id": "a", "v": "x"}', b"{", b'{"id": "b", "v": "y"}', b"[", b"]")
    seen: list[BadRow | SkippedRow] = []
    with pytest.raises(BadRowsError, match=r"f\.jsonl:2: not JSON.*\(and 2 more\); nothing was written") as caught:
        build_pairs(SOURCE, path, tmp_path / "t.parquet", on_bad=seen.append)
    assert [row.line for row in caught.value.rows] == [2, 4, 5]
    assert caught.value.total == 3
    assert seen == list(caught.value.rows)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["f.jsonl"]


def test_bad_rows_are_left_out_when_asked_for_and_still_counted(tmp_path: Path) -> None:
    lines = [b'{"id": "a", "v": "x"}', b"{", b'{"id": "a", "v": "twice"}', b'{"id": "b", "v": "y"}']
    report = build_pairs(SOURCE, write(tmp_path / "f", *lines), tmp_path / "t.parquet", skip_bad=True)
    assert (report.rows, report.bad) == (2, 2)
    assert [row.line for row in report.bad_rows] == [2, 3]


def test_skipped_rows_do_not_stop_a_build_and_are_counted_by_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "eve.json", b'{"event_type": "stats"}', b'{"payload_printable": "x"}', b"{}")
    report = build_pairs(Eve(), path, tmp_path / "t.parquet")
    assert (report.rows, report.bad) == (1, 0)
    assert report.skipped == {"the event has neither payload, payload_printable nor http.url": 2}


def test_a_truncated_gzip_gives_what_can_be_saved_only_when_asked_for(tmp_path: Path) -> None:
    rows = b"".join(b'{"id": "%d", "v": "%s"}\n' % (n, bytes(str(n**7), "ascii")) for n in range(5_000))
    (tmp_path / "f.gz").write_bytes(gzip.compress(rows)[:-2_000])
    with pytest.raises(BadRowsError, match="gzip stream is truncated"):
        build_pairs(SOURCE, tmp_path / "f.gz", tmp_path / "t.parquet")
    report = build_pairs(SOURCE, tmp_path / "f.gz", tmp_path / "t.parquet", skip_bad=True)
    assert 0 < report.rows < 5_000
    assert report.bad == 1


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00", b"\xff\xfei\x00d\x00"])
def test_an_unusable_file_is_an_input_error_either_way(tmp_path: Path, content: bytes, skip_bad: bool) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError):
        build_pairs(SOURCE, tmp_path / "f", tmp_path / "t.parquet", skip_bad=skip_bad)
    assert not (tmp_path / "t.parquet").exists()


def test_a_source_without_any_pair_says_why(tmp_path: Path) -> None:
    path = write(tmp_path / "eve.json", b"{}", b"{")
    with pytest.raises(InputError, match=r"holds no pair \(1 bad rows, the first: .*:2: .*; 1 skipped: the event"):
        build_pairs(Eve(), path, tmp_path / "t.parquet", skip_bad=True)
    path = write(tmp_path / "f.csv", b"id,v")
    with pytest.raises(InputError, match="holds no pair"):
        build_pairs(Csv(columns={"view": "v"}), path, tmp_path / "t.parquet")


def test_the_union_names_every_source_by_its_kind() -> None:
    assert list(SOURCES) == [
        *("csv", "jsonl", "parquet", "nuclei", "cve", "eve", "crs", "payload-list", "attack_procedures"),
        *("stix", "taxii", "report", "tram"),
        *("image-folder", "image-parquet", "webdataset", "crisismmd"),
        *("flickr8k", "dmd", "cifar10", "imagenette", "crisis-images", "tweets"),
    ]


@pytest.mark.data
@pytest.mark.parametrize(("name", "rows"), [("httpparams", 31_067), ("payloadsallthethings_intruder", 13_031)])
def test_the_real_payload_collections_are_read_by_a_map(tmp_path: Path, data_dir: Path, name: str, rows: int) -> None:
    source = Jsonl(columns={"view": "payload", "label": "threat_class"})
    report = build_pairs(source, data_dir / "payloads" / f"{name}.jsonl.gz", tmp_path / "t.parquet")
    assert (report.rows, report.bad) == (rows, 0)
