"""The folder of a sweep: what was asked, of which data, and which cells that makes; it can be read without the recipe.

`sweep.json` is written before any work starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_json
from threatclip.checks import distinct
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.cells import Cell, is_finished
from threatclip.experiments.config import as_plain
from threatclip.experiments.planned import PlanKind, environment_of, planned_folders, read_plan, stored_plan
from threatclip.experiments.poisoning.material import sweep_root
from threatclip.experiments.poisoning.plan import cells_of, name_of
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.run_folder import ENVIRONMENT, data_hashes, environment

PLAN = "sweep.json"
_KIND = PlanKind(name="sweep", file=PLAN, version=1, example="recipes/attack-backdoors.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFolder:
    """One sweep as its folder tells it.

    Attributes:
        path: the folder.
        sweep: the resolved recipe.
        keys: by name, the key of each cell that the recipe makes: a cell with another one is of another recipe.
        environment: versions, commit and device of the last work; empty where nothing was recorded.
    """

    path: Path
    sweep: Sweep
    keys: Mapping[str, str]
    environment: Mapping[str, Any]


def cells_in(sweep: Sweep, out: Path) -> list[Cell]:
    """Return all cells of a sweep.

    Raises:
        RecipeError: two of them would have one name.
    """
    cells = [Cell(name=name_of(asked), spec=asked, folder=out) for asked in cells_of(sweep)]
    distinct("a cell of the sweep (line, poisons, seed)", tuple(cell.name for cell in cells))
    return cells


def write_plan(sweep: Sweep, out: Path, cells: Sequence[Cell]) -> None:
    """Write what a folder is going to hold: recipe, cells, data, environment.

    Raises:
        InputError: an input file is missing, or the folder's finished cells were made from other data.
        StorageError: the disk refused.
    """
    data = data_hashes(sweep_root(sweep.rows), inputs_of(sweep))
    finished = [is_finished(cell) for cell in cells]
    if any(finished) and (out / PLAN).is_file():
        _same_data(out, data)
    if not all(finished) or not (out / ENVIRONMENT).is_file():
        write_json(out / ENVIRONMENT, environment())
    keys = {cell.name: cell.key for cell in cells}
    write_json(out / PLAN, {"version": _KIND.version, "recipe": as_plain(sweep), "cells": keys, "data": data})


def _same_data(out: Path, data: Mapping[str, str]) -> None:
    stored = stored_plan(_KIND, out).get("data")
    changed = sorted(name for name in data if not isinstance(stored, dict) or stored.get(name) != data[name])
    if changed:
        raise InputError(f"{changed[0]} is not what the finished cells in {out} were made from; choose another folder")


def inputs_of(sweep: Sweep) -> list[str]:
    """Return the paths under the root that a sweep reads; a hub id is none."""
    root, rows = sweep_root(sweep.rows), sweep.rows
    beside = [getattr(rows.file.source, "images", None), getattr(rows.split, "path", None)]
    beside += [getattr(tower, "source", None) for tower in (sweep.victim.view_tower, sweep.victim.text_tower)]
    return [rows.file.path, *(name for name in beside if isinstance(name, str) and (root / name).exists())]


def read_folders(paths: Sequence[Path]) -> list[SweepFolder]:
    """Return the sweeps in the folders given; one that holds no sweep itself may hold folders of sweeps.

    Raises:
        InputError: a folder is absent or no sweep, or a sweep is named twice.
        DamagedArtifactError: what was recorded about a sweep is not what was written.
    """
    return [read_folder(folder) for folder in planned_folders(_KIND, paths)]


def read_folder(path: Path) -> SweepFolder:
    """Return the sweep that a folder holds.

    Raises:
        InputError: it has no `sweep.json`, or that of another version.
        DamagedArtifactError: what is there is not what was written.
    """
    sweep, keys = read_plan(_KIND, Sweep, path)
    # not all of them at once: a strange recipe could make more cells than memory holds
    names = {name_of(asked) for asked in islice(cells_of(sweep), len(keys) + 1)}
    if names != set(keys):
        raise DamagedArtifactError(f"{path / PLAN} does not name the cells of its recipe; run the recipe again")
    return SweepFolder(path=path, sweep=sweep, keys=keys, environment=environment_of(path))
