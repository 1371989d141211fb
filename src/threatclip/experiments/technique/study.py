"""`bench` of technique labelers: labeled sentences in folds by report and at random, and all techniques on later years.

A cell keeps what every method made of its judged rows, so that the document compares methods on the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from threatclip.artifacts import write_json, write_text
from threatclip.checks import at_least, check, distinct
from threatclip.errors import RecipeError
from threatclip.experiments.cells import Cell, run_cells
from threatclip.experiments.config import load_recipe, parse, read_recipe
from threatclip.experiments.progress import OnProgress
from threatclip.experiments.run_folder import environment
from threatclip.experiments.technique.recipe import Answer, Technique

Judgment = Literal["reports", "random", "years"]


def _in_folds_answer() -> Answer:
    return Answer(members=("words", "characters", "neighbors", "descriptions"), description_weight=0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class InFolds:
    """How labeled sentences are judged: out of fold, on the techniques that they have."""

    sentences: str = "tram"  # name of the sentences in the model's recipe
    folds: int = 5
    inner: float = 0.25  # share of a fold's training reports (or rows) that members are weighed on
    procedure_weight: float = 0.3  # of a procedure of ATT&CK as a training row, against 1 for a labeled sentence
    answer: Answer = field(default_factory=_in_folds_answer)

    def __post_init__(self) -> None:
        at_least(self, 2, "folds")
        check("inner", self.inner, 0 < self.inner < 1, "in (0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueStudy:
    """One model's recipe, judged in every way that its document tells."""

    task: Literal["attack-technique-study"]
    title: str
    recipe: str  # TOML file of the model, relative to the study's
    seeds: tuple[int, ...] = (0, 1, 2)
    judged: tuple[Judgment, ...] = ("reports", "random", "years")
    in_folds: InFolds = field(default_factory=InFolds)
    document: str | None = None

    def __post_init__(self) -> None:
        check("seeds", self.seeds, bool(self.seeds), "one or more")
        distinct("a seed", tuple(map(str, self.seeds)))
        check("judged", self.judged, bool(self.judged), "one or more")
        distinct("a judgment", self.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What decides one cell."""

    judged: Judgment
    recipe: Technique
    in_folds: InFolds


def run_technique_study(
    path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress
) -> dict[str, Any]:
    """Run every cell that `out` does not hold yet, and write the document.

    Args:
        path: the study's TOML.
        overrides: `a.b=c` for the study.
        out: folder of the cells.
        jobs: worker processes, one torch thread each.
        on_progress: told of every finished cell.

    Raises:
        RecipeError: the study or its recipe is wrong; nothing has been run then.
        InputError: data is missing.
    """
    from threatclip.experiments.technique.study_document import study_text

    study: TechniqueStudy = parse(TechniqueStudy, read_recipe(path, overrides), where=str(path))
    recipe = load_recipe(path.parent / study.recipe)
    if not isinstance(recipe, Technique):
        raise RecipeError(f"{study.recipe} is of task {recipe.task!r}; the study judges 'attack-technique'")
    cells = study_cells(study, recipe, out)
    results = run_cells(cells, run_cell, jobs=jobs, on_progress=on_progress)
    write_json(out / "environment.json", environment())
    target = Path(study.document) if study.document else out / "results.md"
    write_text(target, study_text(study, recipe, cells, results, command=f"threatclip bench {path} -o {out}"))
    return {"cells": results, "document": str(target)}


def study_cells(study: TechniqueStudy, recipe: Technique, out: Path) -> list[Cell]:
    """Return the cells: every judgment with every seed, the first seed of all judgments first."""
    return [
        Cell(
            name=f"{judged}-{seed}",
            spec=Asked(judged=judged, recipe=replace(recipe, seed=seed), in_folds=study.in_folds),
            folder=out,
        )
        for seed in study.seeds
        for judged in study.judged
    ]


def run_cell(cell: Cell) -> dict[str, Any]:
    """Fit and judge, keep what was answered, and return the figures."""
    from threatclip.experiments.technique.study_cells import judged_in_folds, judged_on_years

    asked: Asked = cell.spec
    if asked.judged == "years":
        answers = judged_on_years(asked.recipe)
    else:
        answers = judged_in_folds(asked.recipe, asked.in_folds, by_report=asked.judged == "reports")
    answers.write(cell)
    return _facts(asked, answers.facts, answers.metrics())


def _facts(asked: Asked, facts: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": asked.recipe.task,
        "line": asked.judged,
        "attack": "none",
        "rate": 0.0,
        "defense": "none",
        "seed": asked.recipe.seed,
        "metrics": dict(metrics),
        **facts,
    }
