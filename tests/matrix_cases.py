"""Matrices for tests: one small enough to be run, and one whose cells nobody trained, with figures made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from swept_cases import LINES, RECIPE, N, first, groups_of
from threatclip.artifacts import write_json
from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.cells import Cell
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.matrix.folder import write_plan
from threatclip.experiments.matrix.plan import (
    Ask,
    Bare,
    Guarded,
    Rebounding,
    Repairing,
    Retraining,
    ask_name,
    asks_of,
    attacked_models,
)
from threatclip.experiments.matrix.recipe import Matrix
from threatclip.experiments.matrix.run import rebounds
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.poisoning.row_scores import RowScores, keep_scores
from threatclip.seeds import rng

TINY_MATRIX = """
task = "defense-matrix"
title = "Four shapes, defended"
sweep = "sweep.toml"
lines = ["patch"]
trusted = 20
held_out = 8
rates = [1e-2, 1e-3]
tolerance = 0.5
budget = { epochs = 1, batch_rows = 8, precision = "fp32" }
rebound = { epochs = 1, batch_rows = 8, precision = "fp32" }

[[repairs]]
name = "fine-tuning"
repair = { kind = "fine_tuning" }

[[filters]]
name = "relevance"
filter = { kind = "relevance" }
by = ["poisoned", "trusted"]
remove = [0.1]

[[trainings]]
name = "roclip"
training = { kind = "roclip" }

[[detectors]]
name = "outlier"
detector = { kind = "outlier", k = 4 }
"""
MADE_MATRIX = """
task = "defense-matrix"
title = "Made up"
sweep = "recipe.toml"
lines = ["patch", "both"]
counts = { patch = 30 }
rates = [3e-3, 1e-3]
tolerance = 0.05
rebound = { epochs = 1 }

[[repairs]]
name = "plain"
repair = { kind = "fine_tuning" }

[[repairs]]
name = "better"
repair = { kind = "clean_clip" }

[[filters]]
name = "far"
filter = { kind = "relevance" }
by = ["poisoned", "independent"]
remove = [0.1]

[[trainings]]
name = "careful"
training = { kind = "roclip" }

[[detectors]]
name = "odd"
detector = { kind = "outlier" }

[[scanners]]
name = "scan"
scanner = { kind = "decree" }
"""
LEFT = {("plain", 1e-3): 0.6, ("plain", 3e-3): 0.4, ("better", 1e-3): 0.5, ("better", 3e-3): 0.0}
"""Success that each repair leaves at each learning rate."""
COST = {1e-3: 0.0, 3e-3: 0.05}
"""Loss of clean accuracy at each learning rate: the larger one is just allowed."""


def write_matrix(folder: Path, *, text: str = TINY_MATRIX) -> Path:
    """Write the recipe of the matrix beside the sweep's and return it."""
    recipe = folder / "matrix.toml"
    recipe.write_text(text)
    return recipe


def made_matrix(folder: Path, *, text: str = MADE_MATRIX, lines: str = LINES, without: tuple[str, ...] = ()) -> Path:
    """Write the folder of a matrix and return it; cells named in `without` are not run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE.replace("ROOT", str(folder)) + lines)
    (folder / "matrix.toml").write_text(text)
    sweep: Sweep = parse(Sweep, read_recipe(folder / "recipe.toml"), where="made")
    matrix: Matrix = parse(Matrix, read_recipe(folder / "matrix.toml"), where="made")
    out = folder / "out" / "matrix"
    cells: list[Cell] = []
    for models in attacked_models(matrix, sweep):
        own = [Cell(name=ask_name(ask), spec=ask, folder=out) for ask in asks_of(matrix, sweep, models)]
        for cell in own:
            _write(cell)
        later = [Cell(name=ask_name(ask), spec=ask, folder=out) for ask in rebounds(matrix, models, own)]
        for cell in later:
            _write(cell)
        cells += [*own, *later]
    write_plan(matrix, out, folder / "out" / "recipe", cells)
    for name in without:
        (out / "cells" / f"{name}.json").unlink()
    return out


def _write(cell: Cell) -> None:
    ask: Ask = cell.spec
    line = ask.attacked.line
    attack: Any = None if line is None else line.attack
    told: dict[str, Any] = {
        "task": "defense-matrix",
        "attack": "none" if attack is None else attack.kind,
        "line": "victim" if line is None else line.name,
        "rate": ask.attacked.count / 1000,
        "count": ask.attacked.count,
        "seed": ask.attacked.seed,
        "work": ask.work.work,
        "defense": getattr(ask.work, "defense", "none"),
        "method": "made",
        "n_pool": 1000,
        "n_views": N,
        "n_trusted": 100,
        "n_held_out": 20,
        "seconds": 2.5,
        "peak_mib": 100.0,
        "defense_seconds": 1.5,
        "key": cell.key,
        "metrics": {},
    }
    work: Any = ask.work
    match ask.work:
        case Repairing() | Guarded():
            told["learning_rate"] = work.fit.learning_rate
        case Rebounding():
            told |= {"defense": work.repairing.defense, "learning_rate": work.repairing.fit.learning_rate}
        case Retraining():
            told |= {"defense": work.filtering.defense, "by": work.filtering.by, "without": work.without}
    if work.work == "filter":
        told["by"] = work.by
    if work.work in ("none", "repair", "rebound", "training", "retrain"):
        scores = scores_of(ask)
        keep_scores(cell, scores)
        told["metrics"] = _plain(scores)
    elif work.work in ("filter", "detector"):
        told["metrics"] = {"auroc": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 30}, "auprc": {"value": 0.5}}
    elif work.work == "scanner":
        told |= {"score": 3.25, "facts": {}}
    write_json(cell.file(".json"), told)


def _plain(scores: RowScores) -> dict[str, Any]:
    found = mean_over_groups(scores, rng=rng(0, "bootstrap"), n_resamples=20)
    return {name: metric.as_dict() for name, metric in found.items()}


def scores_of(ask: Ask) -> RowScores:
    """Return what a judge could have said: rows are reached from the first on."""
    views, left, cost = groups_of(N), 0.9, 0.0
    work = ask.work
    if isinstance(work, Rebounding):
        left, cost = LEFT[work.repairing.defense, work.repairing.fit.learning_rate] + 0.1, 0.0
    elif isinstance(work, Repairing):
        left, cost = LEFT[work.defense, work.fit.learning_rate], COST[work.fit.learning_rate]
    elif not isinstance(work, Bare):
        left = 0.3
    found = {
        "clean_accuracy_1": (first(N, 0.75 - cost), views),
        "held_out_accuracy_1": (first(20, 0.75 - cost), groups_of(20, name="h")),
        "i2t_r_10": (first(N, 0.5), views),
    }
    attack: Any = None if ask.attacked.line is None else ask.attacked.line.attack
    if attack.kind == "badnets":
        return found | {
            "asr_1": (first(30, left), groups_of(30)),
            "asr_3": (first(30, 1.0), groups_of(30)),
            "asr_floor_1": (first(30, 0.1), groups_of(30)),
        }
    for before in ("", "goal2."):
        for name, share in (("hit_1", left / 2), ("hit_5", left), ("hit_10", left), ("clean_hit_10", 0.05)):
            found[f"{before}{name}"] = (first(20, share), groups_of(20))
    return found
