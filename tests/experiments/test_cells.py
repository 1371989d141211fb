"""Cells: each is run once, in its own process, and again only when what it was asked has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from threatclip.artifacts import read_json
from threatclip.errors import InputError, RecipeError
from threatclip.experiments.cells import Cell, is_finished, run_cells
from threatclip.experiments.progress import Progress, ignore


def square(cell: Cell) -> dict[str, Any]:
    """Return the square of the spec; refuse 13."""
    if cell.spec == 13:
        raise InputError("13 is refused")
    return {"square": cell.spec**2, "process": os.getpid()}


def cells_of(folder: Path, *values: int) -> list[Cell]:
    return [Cell(name=f"c{place}", spec=value, folder=folder) for place, value in enumerate(values)]


def test_results_come_in_order_and_are_kept(tmp_path: Path) -> None:
    told: list[Progress] = []
    found = run_cells(cells_of(tmp_path, 5, 3, 4), square, jobs=2, on_progress=told.append)
    assert [one["square"] for one in found] == [25, 9, 16]
    assert all(one["process"] != os.getpid() and one["seconds"] >= 0 and one["peak_mib"] > 1 for one in found)
    assert [(one.done, one.total) for one in told] == [(n, 3) for n in range(4)]
    assert run_cells(cells_of(tmp_path, 5, 3, 4), square, jobs=1, on_progress=ignore) == found
    changed = run_cells(cells_of(tmp_path, 5, 6, 4), square, jobs=1, on_progress=ignore)
    assert [one["square"] for one in changed] == [25, 36, 16]
    assert changed[::2] == found[::2]


def test_a_failing_cell_keeps_the_others(tmp_path: Path) -> None:
    cells = cells_of(tmp_path, 2, 13)
    with pytest.raises(InputError, match="13 is refused"):
        run_cells(cells, square, jobs=1, on_progress=ignore)
    assert [is_finished(cell) for cell in cells] == [True, False]
    assert read_json(cells[0].file(".json"))["square"] == 4


def test_two_cells_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="two cells are named 'a'"):
        run_cells([Cell(name="a", spec=1, folder=tmp_path)] * 2, square, jobs=1, on_progress=ignore)
