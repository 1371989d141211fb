"""`threatclip pairs`: what it writes, what it says, what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from commands import Command

from threatclip.pairs.sources import SOURCES
from threatclip.pairs.table import PairTable

ROWS = [
    {"key": f"r{n}", "request": f"GET /{n}?q={'<script>' if n % 2 else '../../' * n} HTTP/1.1", "kind": kind, "y": year}
    for n, (kind, year) in enumerate([("xss", 2019), ("path-traversal", 2020), ("xss", 2021), ("xss", 2023)] * 6, 1)
]
MAP = ["--map", "id=key", "--map", "view=request", "--map", "label=kind", "--map", "time=y"]


@pytest.fixture
def table(tmp_path: Path, threatclip: Command) -> Path:
    """A table of 24 rows."""
    lines = tmp_path / "rows.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert threatclip("pairs", "build", "--source", "jsonl", lines, *MAP, "-o", tmp_path / "t.parquet").code == 0
    return tmp_path / "t.parquet"


def test_build_says_and_writes_the_same(tmp_path: Path, threatclip: Command) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
    out = tmp_path / "new" / "t.parquet"
    done = threatclip("pairs", "build", "--source", "jsonl", path, *MAP, "-o", out, "--json")
    assert done.code == 0
    opened = PairTable.open(out)
    assert done.json == {
        "path": str(out),
        "rows": 24,
        "modality": "payload",
        "content_hash": opened.content_hash,
        "bad": 0,
        "bad_rows": [],
        "skipped": {},
    }
    assert opened.column("id") == [row["key"] for row in ROWS]


def test_build_keeps_good_rows_with_skip_bad_and_tells_the_others(tmp_path: Path, threatclip: Command) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"v": "a"}\nnope\n{"v": "b"}\n{"w": 1}\n')
    out = tmp_path / "t.parquet"
    arguments = ["pairs", "build", "--source", "jsonl", path, "--map", "view=v", "-o", out]
    refused = threatclip(*arguments)
    assert refused.code == 2
    assert not out.exists()
    assert [line.split(": ")[0] for line in refused.errors] == [f"{path}:2", f"{path}:4", "threatclip"]
    assert refused.errors[-1] == "threatclip: 2 bad rows; nothing was written; mend them or pass --skip-bad"
    done = threatclip(*arguments, "--skip-bad")
    assert done.code == 0
    assert "bad rows left out: 2" in done.out
    assert [line.split(": ")[0] for line in done.errors] == [f"bad row {path}:2", f"bad row {path}:4"]
    assert len(PairTable.open(out)) == 2


def test_build_shows_twenty_bad_rows_of_many(tmp_path: Path, threatclip: Command) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"v": "a"}\n' + "nope\n" * 50)
    done = threatclip("pairs", "build", "--source", "jsonl", path, "--map", "view=v", "-o", tmp_path / "t.parquet")
    assert len(done.errors) == 21
    assert done.errors[-1].startswith("threatclip: 50 bad rows, the first 20 of them above; nothing was written")


def test_build_counts_skipped_rows(tmp_path: Path, threatclip: Command) -> None:
    path = tmp_path / "eve.json"
    path.write_text('{"event_type": "dns"}\n{"payload": "R0VUIC8="}\n')
    done = threatclip("pairs", "build", "--source", "eve", path, "-o", tmp_path / "t.parquet")
    assert done.code == 0
    assert "skipped 1: the event has neither payload, payload_printable nor http.url" in done.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--source", "jsom"], f"unknown source 'jsom'; choose from {', '.join(SOURCES)}"),
        (["--source", "jsonl"], "source jsonl needs --map"),
        (["--source", "eve", "--map", "view=v"], "source eve does not take --map; it takes none"),
        (["--source", "nuclei", "--class", "xss"], "source nuclei does not take --class; it takes none"),
        (["--source", "jsonl", "--map", "view"], "--map 'view' is not FIELD=COLUMN"),
        (
            ["--source", "jsonl", "--map", "view=v", "--modality", "sound"],
            "--modality 'sound' of source jsonl is not one of image, payload, text",
        ),
        (["--source", "csv", "--map", "view=v", "--delimiter", ";;"], "the delimiter ';;' is not one character"),
        (["--source", "jsonl", "--map", "view=w"], "no column 'w' (for view) in"),
    ],
)
def test_build_refuses_options_that_do_not_fit(
    tmp_path: Path, threatclip: Command, options: list[str], says: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"v": "a"}\n')
    done = threatclip("pairs", "build", path, "-o", tmp_path / "t.parquet", *options)
    assert done.code == 2
    assert says in done.error
    assert not (tmp_path / "t.parquet").exists()


def test_inspect_tells_people_and_scripts_the_same(table: Path, threatclip: Command) -> None:
    told = threatclip("pairs", "inspect", table, "--json").json
    assert (told["rows"], told["classes"]) == (24, {"xss": 18, "path-traversal": 6})
    shown = threatclip("pairs", "inspect", table).out
    assert "24 payload pairs" in shown
    assert "from 2019-01-01 to 2023-01-01" in shown
    assert "xss" in shown


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (["--kind", "temporal", "--train-until", "2020", "--validation-until", "2021"], (12, 6, 6)),
        (["--kind", "temporal", "--train-until", "2020", "--validation-until", "2021", "--class", "xss"], (6, 6, 6)),
        (["--kind", "random", "--train", "0.5", "--validation", "0.25", "--seed", "3"], None),
        (["--kind", "group", "--by", "label", "--train", "0.7", "--validation", "0"], None),
    ],
)
def test_split_stores_the_split_and_its_account(
    table: Path, tmp_path: Path, threatclip: Command, options: list[str], sizes: tuple[int, ...] | None
) -> None:
    out = tmp_path / "split.parquet"
    told = threatclip("pairs", "split", table, "-o", out, *options, "--json").json
    opened = PairTable.open(out)
    counted = [opened.column("split").count(name) for name in ("train", "validation", "test")]
    assert counted == [told["leakage"]["sizes"][name] for name in ("train", "validation", "test")]
    assert sizes is None or tuple(counted) == sizes
    assert opened.split_info == {name: told[name] for name in ("spec", "seed", "leakage")}
    opened.verify()
    shown = threatclip("pairs", "inspect", out).out
    assert f"split: train {counted[0]}, validation {counted[1]}, test {counted[2]}" in shown


def test_split_may_write_over_its_own_table(table: Path, threatclip: Command) -> None:
    done = threatclip("pairs", "split", table, "--kind", "random", "-o", table)
    assert done.code == 0
    assert "leakage" in done.out
    assert PairTable.open(table).split_info is not None


def test_fixed_split_reads_lists_of_ids(table: Path, tmp_path: Path, threatclip: Command) -> None:
    lists: dict[str, Any] = {"temporal": {"train": ["r1", "r2"], "val": ["r3"], "test": ["r4", "elsewhere"]}}
    (tmp_path / "splits.json").write_text(json.dumps(lists))
    options = ["--kind", "fixed", "--file", tmp_path / "splits.json", "--name", "temporal"]
    done = threatclip("pairs", "split", table, "-o", tmp_path / "s.parquet", *options)
    assert done.code == 0
    assert "split: train 2, validation 1, test 1, unused 20, ids not in the table 1" in done.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--kind", "alphabetical"], "unknown kind of split 'alphabetical'; choose from random, group"),
        (["--kind", "random", "--by", "label"], "a random split does not take --by; it takes --"),
        (["--kind", "temporal"], "a temporal split needs --train-until"),
        (["--kind", "fixed"], "a fixed split needs --file"),
        (["--kind", "random", "--train", "2"], "split shares train=2.0"),
        (["--kind", "group", "--by", "meta.vendor"], "no pair has one"),
        (
            ["--kind", "temporal", "--train-until", "1", "--validation-until", "2", "--near-duplicates", "eat"],
            "--near-duplicates 'eat' of a temporal split is not one of report, drop",
        ),
    ],
)
def test_split_refuses_what_cannot_work(
    table: Path, tmp_path: Path, threatclip: Command, options: list[str], says: str
) -> None:
    done = threatclip("pairs", "split", table, "-o", tmp_path / "s.parquet", *options)
    assert done.code == 2
    assert says in done.error
    assert not (tmp_path / "s.parquet").exists()


def test_samples_are_the_same_bytes_for_the_same_seed(tmp_path: Path, threatclip: Command) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        done = threatclip("pairs", "samples", "-n", "60", "--seed", str(seed), "-o", tmp_path / name, "--json")
        assert done.json["rows"] == 60
    contents = {name: (tmp_path / name).read_bytes() for name in "abc"}
    assert contents["a"] == contents["b"] != contents["c"]
    benign = threatclip("pairs", "samples", "-n", "60", "--benign", "0.5", "-o", tmp_path / "d")
    assert "60 sample pairs of seed 0" in benign.out
    assert PairTable.open(tmp_path / "d").column("label").count(None) > 10


@pytest.mark.parametrize(("modality", "label"), [("image", "red-star"), ("post", "floodwater")])
def test_samples_of_pictures_and_posts(tmp_path: Path, threatclip: Command, modality: str, label: str) -> None:
    options = ["--modality", modality, "-n", "40", "--side", "16"]
    for name in "ab":
        assert threatclip("pairs", "samples", *options, "-o", tmp_path / name).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert PairTable.open(tmp_path / "a").modality == "image"
    assert threatclip("pairs", "samples", *options, "--class", label, "-o", tmp_path / "c").code == 0
    assert set(PairTable.open(tmp_path / "c").column("label")) == {label}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--modality", "sound"], "payload, image, post"),
        (["--modality", "image", "--benign", "0.5"], "--benign is not an option of image samples"),
        (["--side", "32"], "--side is not an option of payload samples"),
        (["--modality", "post", "--hashtags", "drop"], "words, strip, keep"),
        (["--modality", "post", "--class", "picnic"], "floodwater"),
        (["--modality", "image", "--side", "5"], "16 and 512"),
    ],
)
def test_samples_refuse_what_they_cannot_make(
    tmp_path: Path, threatclip: Command, options: list[str], says: str
) -> None:
    done = threatclip("pairs", "samples", "-n", "5", "-o", tmp_path / "s.parquet", *options)
    assert (done.code, says in done.error) == (2, True)
    assert not (tmp_path / "s.parquet").exists()


@pytest.mark.data
def test_the_real_payloads_become_a_table(data_dir: Path, tmp_path: Path, threatclip: Command) -> None:
    source = data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz"
    built = threatclip("pairs", "build", "--source", "nuclei", source, "-o", tmp_path / "p.parquet", "--json").json
    assert (built["rows"], built["bad"]) == (3448, 0)
    options = ["--kind", "fixed", "--file", data_dir / "splits" / "payload_splits.json.gz", "--name", "temporal"]
    told = threatclip("pairs", "split", tmp_path / "p.parquet", *options, "-o", tmp_path / "s.parquet", "--json").json
    assert told["leakage"]["sizes"] == {"train": 1617, "validation": 503, "test": 958}
