"""`threatclip attack-report`: a table, a report, one JSON object; and one line where there is no sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Command

from swept_cases import made_sweep

LINES = """
[[lines]]
name = "clean"

[[lines]]
name = "patch"
attack = { kind = "badnets", target = "dog" }
counts = [10, 100]
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_sweep(tmp_path_factory.mktemp("made"), lines=LINES, without=("patch-10-1",))


def test_it_prints_a_table_and_writes_a_report(out: Path, threatclip: Command) -> None:
    done = threatclip("attack-report", out)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["line", "attack", "towers"]
    assert "ASR@1" in lines[0]
    assert "Hit@1" not in lines[0]
    assert [line.split()[0] for line in lines[1:5]] == ["victim", "clean", "patch", "patch"]
    assert "95.0 (" in lines[4]
    assert f"{out}: cells missing, or of another recipe: patch-10-1" in lines
    assert lines[-1] == f"report: {out / 'report.html'}"
    assert (out / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert done.errors[-1] == "doses: 4/4 (100%)"


def test_json_is_one_object_with_the_cells(out: Path, tmp_path: Path, threatclip: Command) -> None:
    done = threatclip("attack-report", out, "-o", tmp_path / "new", "--json", "-q")
    assert (done.code, done.errors) == (0, [])
    told = done.json
    assert told.keys() == {"cells", "lines", "missing", "report"}
    assert {"task", "attack", "rate", "defense", "seed", "metrics", "seconds", "peak_mib"} <= told["cells"][0].keys()
    assert told["missing"] == [{"sweep": str(out), "cell": "patch-10-1"}]
    assert told["report"] == str(tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").is_file()


def test_several_folders_stand_in_one_table(out: Path, tmp_path: Path, threatclip: Command) -> None:
    other = made_sweep(tmp_path / "other", lines=LINES)
    done = threatclip("attack-report", out, other.parent, "-o", tmp_path)
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("sweep")
    assert "<h1>Attacks: 2 attack sweeps</h1>" in (tmp_path / "report.html").read_text()


def test_what_is_no_sweep_is_one_line(tmp_path: Path, threatclip: Command) -> None:
    for arguments, says in (
        ([tmp_path / "none"], f"no folder {tmp_path / 'none'}; make one with"),
        ([tmp_path], f"{tmp_path} is no sweep: it has no sweep.json; make one with"),
        ([], "Missing argument"),
    ):
        done = threatclip("attack-report", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.error.startswith(says)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_cell_is_exit_code_3(tmp_path: Path, threatclip: Command) -> None:
    out = made_sweep(tmp_path, lines=LINES)
    (out / "cells" / "patch-10-0.safetensors").write_bytes(b"\x80\x04.")
    done = threatclip("attack-report", out, "-q")
    assert (done.code, done.out) == (3, "")
    assert "patch-10-0.safetensors is not safetensors" in done.error
    assert not (out / "report.html").exists()
