"""`threatclip defense-report`: a table, a page, a document, one JSON object; one line where there is no matrix."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Command

from matrix_cases import made_matrix

LOST = "patch-30-1--better--0.003"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_matrix(tmp_path_factory.mktemp("made"), without=(LOST,))


def test_it_prints_a_table_and_writes_page_and_document(out: Path, tmp_path: Path, threatclip: Command) -> None:
    done = threatclip("defense-report", out, "--document", tmp_path / "defenses.md", "-o", tmp_path)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["attack", "poisons", "defense"]
    assert [line.split()[:3] for line in lines[1:3]] == [["patch", "30", "none"], ["patch", "30", "plain"]]
    assert any(line.startswith(f"{out}: 1 of ") and LOST in line for line in lines)
    assert lines[-2:] == [f"report: {tmp_path / 'defenses.html'}", f"document: {tmp_path / 'defenses.md'}"]
    assert (tmp_path / "defenses.html").read_text().startswith("<!DOCTYPE html>")
    text = (tmp_path / "defenses.md").read_text()
    assert text.startswith("# Defenses\n")
    assert f"    threatclip defense-report {out} --document {tmp_path / 'defenses.md'}\n" in text
    assert done.errors[-1] == "attacks: 3/3 (100%)"


def test_json_is_one_object(out: Path, tmp_path: Path, threatclip: Command) -> None:
    done = threatclip("defense-report", out.parent, "-o", tmp_path, "--json", "-q")
    assert (done.code, done.errors) == (0, [])
    assert done.json.keys() == {"cells", "chosen", "frontiers", "missing", "report"}
    assert done.json["missing"] == [{"matrix": str(out), "cell": LOST}]


def test_what_is_no_matrix_is_one_line(tmp_path: Path, threatclip: Command) -> None:
    for arguments, says in (
        ([tmp_path / "none"], f"no folder {tmp_path / 'none'}; make one with"),
        ([tmp_path], f"{tmp_path} is no matrix: it has no matrix.json; make one with"),
        ([], "Missing argument"),
    ):
        done = threatclip("defense-report", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.error.startswith(says)
