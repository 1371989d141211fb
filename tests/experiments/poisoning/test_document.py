"""The Markdown of a sweep: every table from what the cells wrote, gaps named, hostile words inert."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from swept_cases import LINES, made_sweep
from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.poisoning.document import sweep_sections
from threatclip.experiments.poisoning.recipe import Sweep


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_sweep(tmp_path_factory.mktemp("made"), without=("patch-10-1", "weak-30-0", "weak-30-1"))


def text_of(out: Path, recipe: Path | None = None) -> str:
    sweep: Sweep = parse(Sweep, read_recipe(recipe or out.parent / "recipe.toml"), where="made")
    return "\n\n".join(sweep_sections(sweep, out, command="threatclip bench made.toml -o out"))


def rows_of(text: str, title: str) -> list[list[str]]:
    """The cells of the table below a title, without its head."""
    below = text[text.index(f"**{title}") :].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in below.splitlines()[2:]]


def test_every_table_holds_its_doses(out: Path) -> None:
    text = text_of(out)
    assert "    threatclip bench made.toml -o out" in text
    assert "The pool holds 1,000 pairs; judged on 40 test views with 80 captions, 4 classes." in text
    assert "Cells that are missing: patch-10-1, weak-30-0, weak-30-1." in text
    assert [row[0] for row in rows_of(text, "Models without poison")] == ["victim", "clean"]
    triggers = rows_of(text, "Triggers")
    assert [row[:4] for row in triggers] == [
        ["patch, 1 of 2 seeds", "0", "10", "1%"],
        ["patch", "0, 1", "30", "3%"],
        ["patch", "0, 1", "100", "10%"],
    ]
    assert triggers[1][4].startswith("65.0 (")
    assert triggers[1][5].startswith("10.0 (")
    assert triggers[1][6] == "100.0"
    assert triggers[1][8].startswith("+5.0 (")
    assert [row[0] for row in rows_of(text, "The same triggers on other interfaces")] == [row[0] for row in triggers]
    targeted = rows_of(text, "Targeted queries")
    assert [row[0] for row in targeted] == [
        "queries, text tower only",
        "queries, text tower only",
        "both: cat to dog",
        "both: ship to truck",
    ]
    assert targeted[1][8:10] == ["30.0, 14.0", "5.0, 19.0"]
    assert {row[2] for row in rows_of(text, "Drift")} == {"0.250 (0.250–0.250)"}


def test_tables_without_rows_are_left_out(tmp_path: Path) -> None:
    clean = text_of(made_sweep(tmp_path, lines='[[lines]]\nname = "clean"\n'))
    for title in ("Triggers", "other interfaces", "Targeted", "Drift", "missing"):
        assert title not in clean


def test_environment_is_told_where_it_was_recorded(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    write_json(copy / "environment.json", {"commit": "0a1b", "device": "cpu"})
    assert "Commit 0a1b, device cpu." in text_of(copy, out.parent / "recipe.toml")
    (copy / "environment.json").unlink()
    assert "The environment was not recorded." in text_of(copy, out.parent / "recipe.toml")


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> | [x](http://x) \u202e\n# a"
    lines = LINES.replace('"dog"', json.dumps(hostile)).replace('"cat"', json.dumps(f"b{hostile}"))
    text = text_of(made_sweep(tmp_path, lines=lines))
    assert "<script>" not in text
    assert "](http" not in text
    assert "\u202e" not in text
    assert all(
        line.count(" | ") == rows.splitlines()[0].count(" | ") for rows in tables(text) for line in rows.splitlines()
    )


def tables(text: str) -> list[str]:
    return [block for block in text.split("\n\n") if block.startswith("| ")]


def test_a_damaged_cell_stops_the_document(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    file = copy / "cells" / "patch-30-0-rows.json"
    write_json(file, {**read_json(file), "groups": []})
    with pytest.raises(DamagedArtifactError, match=r"patch-30-0-rows\.json does not fit its scores"):
        text_of(copy, out.parent / "recipe.toml")
