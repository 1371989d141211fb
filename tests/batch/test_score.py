"""Scores of Parquet files: each row once, whatever is killed; parts of another plan are never mixed in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from score_cases import make_bundle, make_table, rows_of, scored

from threatclip.artifacts import MANIFEST, read_json, verify_manifest
from threatclip.batch.plan import Plan, ScoredInput, input_paths
from threatclip.batch.score import Machines
from threatclip.errors import InputError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "run")


def test_every_row_has_its_answer_in_order(tmp_path: Path, run: Path) -> None:
    table = make_table(tmp_path / "t.parquet", 30)
    report = scored(table, tmp_path / "out", run=run)
    assert (report["rows"], report["parts"], report["faults"], report["inputs"]) == (30, 5, 0, ["t.parquet"])
    rows = rows_of(tmp_path / "out")
    assert [row["label"] for row in rows] == [f"GET /{number}" for number in range(30)]
    assert [(row["input"], row["row"], row["id"]) for row in rows[:2]] == [
        ("t.parquet", 0, "row-0"),
        ("t.parquet", 1, "row-1"),
    ]
    assert json.loads(rows[0]["evidence"]) == []
    manifest = verify_manifest(tmp_path / "out")
    assert (manifest["kind"], manifest["rows"]) == ("scores", 30)
    assert manifest["plan"]["inputs"][0]["sha256"]


def test_a_glob_names_many_files(tmp_path: Path, run: Path) -> None:
    (tmp_path / "in" / "b").mkdir(parents=True)
    make_table(tmp_path / "in" / "b" / "x.parquet", 5, start=10)
    make_table(tmp_path / "in" / "a.parquet", 10)
    report = scored(tmp_path / "in" / "**" / "*.parquet", tmp_path / "out", run=run)
    assert report["inputs"] == ["a.parquet", "b/x.parquet"]
    assert [row["label"] for row in rows_of(tmp_path / "out")] == [f"GET /{number}" for number in range(15)]


def test_plain_columns_and_rows_that_are_none(tmp_path: Path, run: Path) -> None:
    views = [b"GET /0", None, b"GET /2", b"", *(f"GET /{number}".encode() for number in range(4, 20))]
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"payload": pa.array(views, pa.binary()), "n": range(20)}), plain, row_group_size=3)
    report = scored(plain, tmp_path / "out", run=run, columns={"view": "payload", "id": "n"})
    rows = rows_of(tmp_path / "out")
    assert report["faults"] == 2
    assert [row["row"] for row in rows] == list(range(20))
    assert {row["row"]: row["fault"] for row in rows if row["fault"]} == {
        1: "the view is empty",
        3: "the view is empty",
    }
    assert all(row["label"] == f"GET /{row['row']}" and row["id"] == str(row["row"]) for row in rows if row["label"])


def test_a_missing_column_is_named(tmp_path: Path, run: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "plain.parquet")
    with pytest.raises(InputError, match=r"no column 'view' .* columns are body"):
        scored(tmp_path / "plain.parquet", tmp_path / "out", run=run)


def test_what_is_done_is_not_done_again(tmp_path: Path, run: Path) -> None:
    table = make_table(tmp_path / "t.parquet", 30)
    out = tmp_path / "out"
    scored(table, out, run=run)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "part-00002.parquet").unlink()
    (out / "part-00003.parquet").write_bytes(b"PAR1torn")
    (out / MANIFEST).unlink()
    (out / ".part-00001.parquet.x.part").write_bytes(b"left by a kill")
    report = scored(table, out, run=run)
    assert report["parts_before"] == 3
    assert {path.name: path.read_bytes() for path in out.iterdir()} == whole
    after = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert {name for name in before if before[name] != after[name]} == {"part-00002.parquet", "part-00003.parquet"}


@pytest.mark.parametrize("what", ["input", "model", "number of rows a shard"])
def test_another_plan_is_refused(tmp_path: Path, run: Path, what: str) -> None:
    table = make_table(tmp_path / "t.parquet", 8)
    scored(table, tmp_path / "out", run=run)
    if what == "input":
        make_table(table, 9)
    elif what == "model":
        (run / "config.json").write_text("{ }")
        from threatclip.artifacts import write_manifest

        write_manifest(run)
    with pytest.raises(InputError, match=f"begun with another {what}"):
        scored(table, tmp_path / "out", run=run, shard_rows=3 if what.startswith("number") else 7)


def test_what_is_not_ours_is_left_alone(tmp_path: Path, run: Path) -> None:
    table = make_table(tmp_path / "t.parquet", 8)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="holds something else"):
        scored(table, tmp_path / "out", run=run)
    with pytest.raises(InputError, match="--address"):
        scored(table, tmp_path / "new", run=run, machines=Machines(address="ray://x"))
    for pattern, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "*.none", "no file"),
        (run / "config.json", "Parquet"),
    ):
        with pytest.raises(InputError, match=said):
            scored(pattern, tmp_path / "new", run=run)


def test_shards_cover_every_row_once() -> None:
    inputs = tuple(ScoredInput(name=str(n), sha256="", rows=n, form="pairs") for n in (0, 1, 6, 7, 8, 15))
    shards = Plan(inputs=inputs, model="", columns={}, shard_rows=7).shards
    covered = [(shard.source, row) for shard in shards for row in range(shard.start, shard.stop)]
    assert covered == [(source, row) for source, item in enumerate(inputs) for row in range(item.rows)]
    assert [shard.number for shard in shards] == list(range(len(shards)))
    assert max(shard.stop - shard.start for shard in shards) == 7


def test_files_come_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.parquet"):
        (tmp_path / name).touch()
    assert [path.name for path in input_paths(str(tmp_path / "*.parquet"))] == ["a.parquet", "b.parquet"]


def test_killed_scorings_lose_and_double_no_row(tmp_path: Path, run: Path) -> None:
    """Six kills; THREATCLIP_KILLS=100 for the full figure."""
    table = make_table(tmp_path / "t.parquet", 2000)
    scored(table, tmp_path / "calm", run=run, shard_rows=20)
    kills = int(os.environ.get("THREATCLIP_KILLS", "6"))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kill_score.py")), str(tmp_path), str(kills), "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=120 + 10 * kills,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["killed"] > 0
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    assert sorted(path.name for path in calm.iterdir()) == sorted(path.name for path in stormy.iterdir())
    assert [row["row"] for row in rows_of(stormy)] == list(range(2000))
    assert read_json(stormy / MANIFEST) == read_json(calm / MANIFEST)
