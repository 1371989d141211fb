"""`bench` of group attribution: cells of splits H and K that are not there yet, and the document of their figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_json, write_text
from threatclip.errors import RecipeError
from threatclip.experiments.attribution.recipe import Attribution, AttributionStudy
from threatclip.experiments.attribution.study_cells import cells_of, run_cell
from threatclip.experiments.attribution.study_document import study_text
from threatclip.experiments.cells import run_cells
from threatclip.experiments.config import load_recipe, parse, read_recipe
from threatclip.experiments.progress import OnProgress
from threatclip.experiments.run_folder import environment


def run_attribution(
    path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress
) -> dict[str, Any]:
    """Run the study of `path`.

    Args:
        path: its TOML.
        overrides: `a.b=c` for the study.
        out: folder of the cells, and of the document where the study names none.
        jobs: worker processes, one torch thread each.
        on_progress: told of every finished cell.

    Raises:
        RecipeError: the study, or the recipe that it names, is wrong.
        InputError: data is missing.
    """
    study: AttributionStudy = parse(AttributionStudy, read_recipe(path, overrides), where=str(path))
    recipe = load_recipe(path.parent / study.recipe)
    if not isinstance(recipe, Attribution):
        raise RecipeError(f"{path}: recipe {study.recipe!r} is of task {recipe.task!r}; name one of 'attack-group'")
    results = run_cells(list(cells_of(study, recipe, out)), run_cell, jobs=jobs, on_progress=on_progress)
    write_json(out / "environment.json", environment())
    target = Path(study.document) if study.document else out / "results.md"
    write_text(target, study_text(study, out, command=f"threatclip bench {path} -o {out}"))
    return {"cells": results, "document": str(target)}
