"""`bench` of a defense matrix: the sweep's cells that it needs, then every defense on every attack; resumable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, assert_never

from threatclip.artifacts import read_json
from threatclip.experiments.cells import Cell, run_cells
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.matrix.choice import Tried, chosen_rate
from threatclip.experiments.matrix.desk import Desk
from threatclip.experiments.matrix.folder import read_folder, read_folders, write_plan
from threatclip.experiments.matrix.learning import encoder, guarded, judged, rebounded, repaired, retrained
from threatclip.experiments.matrix.material import keep_material, modality_of
from threatclip.experiments.matrix.methods import check_methods
from threatclip.experiments.matrix.plan import (
    Ask,
    Attacked,
    Bare,
    Detecting,
    Encoding,
    Filtering,
    Guarded,
    Rebounding,
    Repairing,
    Retraining,
    Scanning,
    ask_name,
    asks_of,
    attacked_models,
    models_needed,
)
from threatclip.experiments.matrix.published import publish
from threatclip.experiments.matrix.recipe import Matrices, Matrix
from threatclip.experiments.matrix.report import PAGE
from threatclip.experiments.matrix.summary import read_summary
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.poisoning.sweep import run_waves
from threatclip.experiments.progress import OnProgress


def read_matrix(path: Path, overrides: Sequence[str]) -> tuple[Matrix, Sweep]:
    """Read a matrix and its sweep, and check both.

    Raises:
        InputError: a recipe cannot be read.
        RecipeError: one of them is wrong, or they do not fit each other.
    """
    matrix: Matrix = parse(Matrix, read_recipe(path, overrides), where=str(path))
    place = path.parent / matrix.sweep
    sweep: Sweep = parse(Sweep, read_recipe(place), where=str(place))
    if matrix.pool is not None:
        sweep = replace(sweep, rows=replace(sweep.rows, pool=matrix.pool))
    check_methods(matrix, modality_of(sweep), where=str(path))
    for models in attacked_models(matrix, sweep):
        models_needed(matrix, sweep, models)
    return matrix, sweep


def run_cells_of(
    path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress
) -> list[dict[str, Any]]:
    """Run every cell of one matrix that `out` does not hold yet, seed by seed.

    The sweep's cells go into the folder beside the matrix's, or into the one that the recipe names.

    Raises:
        RecipeError: the matrix or its sweep is wrong.
        InputError: data is missing, or a defense does not fit it.
    """
    matrix, sweep = read_matrix(path, overrides)
    folder = matrix_folder(path, out)
    models_folder = _models_folder(matrix, out)
    keep_material(sweep, folder, trusted=matrix.trusted, held_out=matrix.held_out)
    models = attacked_models(matrix, sweep)
    asked = [_cells(asks_of(matrix, sweep, one), folder) for one in models]
    write_plan(matrix, folder, models_folder, [cell for cells in asked for cell in cells])
    results: list[dict[str, Any]] = []
    for one, cells in zip(models, asked, strict=True):
        needed = models_needed(matrix, sweep, one)
        run_waves(sweep, models_folder, jobs=jobs, on_progress=on_progress, only=needed)
        encoders = [cell for cell in cells if isinstance(cell.spec.work, Encoding)]
        run_cells(encoders, run_cell, jobs=jobs, on_progress=on_progress)
        results += run_cells(cells, run_cell, jobs=jobs, on_progress=on_progress)
        later = _cells(rebounds(matrix, one, cells), folder)
        write_plan(matrix, folder, models_folder, [*cells, *later])
        results += run_cells(later, run_cell, jobs=jobs, on_progress=on_progress)
    return results


def run_matrix(
    path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress
) -> dict[str, Any]:
    """Run every cell of one matrix that `out` does not hold yet, and write its tables and its page.

    Raises:
        RecipeError: the matrix or its sweep is wrong.
        InputError: data is missing, or a defense does not fit it.
    """
    results = run_cells_of(path, overrides, out, jobs=jobs, on_progress=on_progress)
    folder = read_folder(matrix_folder(path, out))
    matrix = folder.matrix
    places = publish(
        [read_summary(folder, on_progress=on_progress)],
        title=matrix.title,
        command=f"threatclip bench {path} -o {out}",
        document=Path(matrix.document) if matrix.document else folder.path / "results.md",
        page=folder.path / PAGE,
    )
    return {"cells": results, **places}


def run_matrices(
    path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress
) -> dict[str, Any]:
    """Run several matrices, each in a folder of its own, and write one document and one page.

    Raises:
        RecipeError: one of them is wrong; nothing has been run then.
        InputError: data is missing, or a defense does not fit it.
    """
    asked: Matrices = parse(Matrices, read_recipe(path), where=str(path))
    recipes = [path.parent / name for name in asked.matrices]
    for recipe in recipes:
        read_matrix(recipe, overrides)
    results: list[dict[str, Any]] = []
    for recipe in recipes:
        results += run_cells_of(recipe, overrides, out, jobs=jobs, on_progress=on_progress)
    folders = read_folders([matrix_folder(recipe, out) for recipe in recipes])
    places = publish(
        [read_summary(folder, on_progress=on_progress) for folder in folders],
        title=asked.title,
        command=f"threatclip bench {path} -o {out}",
        document=Path(asked.document) if asked.document else out / "defenses.md",
        page=out / PAGE,
    )
    return {"cells": results, **places}


def matrix_folder(path: Path, out: Path) -> Path:
    """Return the folder of a matrix: named like its recipe, so that several stand beside each other."""
    return out / path.stem


def _models_folder(matrix: Matrix, out: Path) -> Path:
    if matrix.models is not None:
        return Path(matrix.models)
    name = Path(matrix.sweep).stem
    return out / (name if matrix.pool is None else f"{name}-pool-{matrix.pool}")


def _cells(asks: Sequence[Ask], folder: Path) -> list[Cell]:
    return [Cell(name=ask_name(ask), spec=ask, folder=folder) for ask in asks]


def rebounds(matrix: Matrix, models: Attacked, cells: Sequence[Cell]) -> list[Ask]:
    """Return what is asked of the repaired models at their chosen learning rates; all of `cells` are finished."""
    if matrix.rebound is None:
        return []
    found = []
    for attacked in models.attacks:
        own = [cell for cell in cells if cell.spec.attacked == attacked]
        before = next(_accuracy(cell) for cell in own if isinstance(cell.spec.work, Bare))
        for line in matrix.repairs:
            tried = {
                cell.spec.work.fit.learning_rate: cell
                for cell in own
                if isinstance(cell.spec.work, Repairing) and cell.spec.work.defense == line.name
            }
            rate = chosen_rate(
                [Tried(rate=rate, accuracy=_accuracy(cell)) for rate, cell in tried.items()],
                before or 0.0,
                tolerance=matrix.tolerance,
            )
            if rate is not None:
                work = Rebounding(repairing=tried[rate].spec.work, later=matrix.rebound)
                found.append(replace(tried[rate].spec, work=work))
    return found


def _accuracy(cell: Cell) -> float | None:
    metric = read_json(cell.file(".json"))["metrics"].get("held_out_accuracy_1")
    return None if metric is None else float(metric["value"])


def run_cell(cell: Cell) -> dict[str, Any]:
    """Do what one cell is asked, and return its figures; its row scores and its model lie beside them."""
    desk = Desk.of(cell)
    match desk.ask.work:
        case Bare():
            return judged(desk)
        case Repairing() as work:
            return repaired(desk, work)
        case Rebounding() as work:
            return rebounded(desk, work)
        case Filtering() as work:
            from threatclip.experiments.matrix.filtering import filtered

            return filtered(desk, work)
        case Retraining() as work:
            from threatclip.experiments.matrix.filtering import kept_pairs

            return retrained(desk, work, kept_pairs)
        case Guarded() as work:
            return guarded(desk, work)
        case Detecting() as work:
            from threatclip.experiments.matrix.detecting import detected

            return detected(desk, work)
        case Scanning() as work:
            from threatclip.experiments.matrix.detecting import scanned

            return scanned(desk, work)
        case Encoding() as work:
            return encoder(desk, work)
        case unknown:
            assert_never(unknown)
