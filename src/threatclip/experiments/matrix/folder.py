"""The folder of a matrix: what was asked, where the sweep's models lie, and which cells that makes.

`matrix.json` is written before any work starts. It remembers the cells of earlier calls with other lines, seeds, rates
or defenses, as long as what all cells share and the defenses of one name are the same: a matrix may grow call by call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.cells import Cell, is_finished
from threatclip.experiments.config import as_plain
from threatclip.experiments.matrix.plan import REBOUND
from threatclip.experiments.matrix.recipe import Matrix
from threatclip.experiments.planned import PlanKind, environment_of, planned_folders, read_plan, stored_plan
from threatclip.experiments.run_folder import ENVIRONMENT, environment

PLAN = "matrix.json"
_KIND = PlanKind(name="matrix", file=PLAN, version=1, example="recipes/backdoor-matrix.toml")
_GROWING = ("title", "document", "lines", "seeds", "rates", "tolerance", "models", "rebound")
_DEFENSES = ("repairs", "filters", "trainings", "detectors", "scanners")
_GROWING_OF_DEFENSE = ("rates", "lines", "seeds", "by", "remove")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixFolder:
    """One matrix as its folder tells it.

    Attributes:
        path: the folder.
        matrix: the resolved recipe of the last call.
        sweep: folder of the sweep.
        keys: by name, the key of each cell that was ever asked for: a cell with another one is of another recipe.
        environment: versions, commit and device of the last work; empty where nothing was recorded.
    """

    path: Path
    matrix: Matrix
    sweep: Path
    keys: Mapping[str, str]
    environment: Mapping[str, Any]


def write_plan(matrix: Matrix, out: Path, sweep: Path, cells: Sequence[Cell]) -> None:
    """Write what a folder is going to hold, beside what it holds already.

    Raises:
        StorageError: the disk refused.
    """
    recipe = as_plain(matrix)
    keys = {**_earlier(out / PLAN, recipe), **{cell.name: cell.key for cell in cells}}
    if not (out / ENVIRONMENT).is_file() or not all(is_finished(cell) for cell in cells):
        write_json(out / ENVIRONMENT, environment())
    place = os.path.relpath(sweep.resolve(), out.resolve())
    write_json(out / PLAN, {"version": _KIND.version, "recipe": recipe, "sweep": place, "cells": keys})


def _earlier(plan: Path, recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return the cells of earlier calls that stand beside those of this one."""
    stored = read_json(plan) if plan.is_file() else {}
    before, keys = (stored.get(name) if isinstance(stored, dict) else None for name in ("recipe", "cells"))
    if not isinstance(before, dict) or not isinstance(keys, dict) or _shared(before) != _shared(recipe):
        return {}
    was, is_now = _definitions(before), _definitions(recipe)
    changed = {name for name in was if name in is_now and was[name] != is_now[name]}
    # PLAN--DEFENSE--RATE: no name of a defense holds two hyphens
    kept = {name: key for name, key in keys.items() if changed.isdisjoint(str(name).split("--")[1:2])}
    if recipe["rebound"] in (None, before.get("rebound")):
        return kept
    return {name: key for name, key in kept.items() if not str(name).endswith(REBOUND)}


def _shared(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in (*_GROWING, *_DEFENSES)}


def _definitions(recipe: Mapping[str, Any]) -> dict[str, Any]:
    lines = [line for room in _DEFENSES for line in recipe.get(room) or ()]
    return {
        line["name"]: {name: value for name, value in line.items() if name not in _GROWING_OF_DEFENSE} for line in lines
    }


def sweep_folder(out: Path) -> Path:
    """Return where the sweep's models lie.

    Raises:
        InputError: no matrix has been begun here.
        DamagedArtifactError: its plan is not what was written.
    """
    place = stored_plan(_KIND, out).get("sweep")
    if not isinstance(place, str):
        raise DamagedArtifactError(f"{out / PLAN} names no sweep; run the recipe into the folder again")
    return Path(os.path.normpath(out / place))


def read_folders(paths: Sequence[Path]) -> list[MatrixFolder]:
    """Return the matrices in the folders given; one that holds no matrix itself may hold folders of matrices.

    Raises:
        InputError: a folder is absent or no matrix, or a matrix is named twice.
        DamagedArtifactError: what was recorded about a matrix is not what was written.
    """
    return [read_folder(folder) for folder in planned_folders(_KIND, paths)]


def read_folder(path: Path) -> MatrixFolder:
    """Return the matrix that a folder holds.

    Raises:
        InputError: it has no `matrix.json`, or that of another version.
        DamagedArtifactError: what is there is not what was written.
    """
    matrix, keys = read_plan(_KIND, Matrix, path)
    return MatrixFolder(path=path, matrix=matrix, sweep=sweep_folder(path), keys=keys, environment=environment_of(path))
