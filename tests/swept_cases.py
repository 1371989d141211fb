"""The folder of a sweep whose cells nobody trained: the exact files that `bench` writes, with figures made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import write_json
from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.cells import Cell
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.poisoning.folder import cells_in, write_plan
from threatclip.experiments.poisoning.plan import Asked
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.poisoning.row_scores import RowScores, keep_scores
from threatclip.seeds import rng

N = 40  # test views, two to a group
LINES = """
[[lines]]
name = "clean"

[[lines]]
name = "patch"
attack = { kind = "badnets", target = "dog" }
counts = [10, 30, 100]

[[lines]]
name = "weak"
attack = { kind = "wanet", target = "dog" }
counts = [30]

[[lines]]
name = "queries"
attack = { kind = "single_label", queries = "cat", target = "dog" }
counts = [10, 30]
trains = "text"

[[lines]]
name = "both"
attack = { kind = "multi_label", queries = ["cat", "ship"], targets = ["dog", "truck"] }
counts = [30]
"""
RECIPE = """
task = "attack-sweep"
title = "Made up"
seeds = [0, 1]

[rows]
file = { path = "pictures.parquet" }
root = "ROOT"

[victim]
view_tower = { kind = "resnet", side = 16, width = 4, dim = 16 }
text_tower = { kind = "bpe", dim = 16, width = 16 }
"""
REACHED = {10: 0.2, 30: 0.7, 100: 1.0}
"""Share of rows that the patch takes, and of queries that find a target, at each dose."""


def made_sweep(folder: Path, *, lines: str = LINES, without: tuple[str, ...] = ()) -> Path:
    """Write the folder of a sweep and return it; cells named in `without` are not run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pictures.parquet").write_bytes(b"anything")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.replace("ROOT", str(folder)) + lines)
    sweep: Sweep = parse(Sweep, read_recipe(recipe), where="made")
    out = folder / "out"
    cells = cells_in(sweep, out)
    write_plan(sweep, out, cells)
    for cell in cells:
        if cell.name not in without:
            _write(cell)
    return out


def _write(cell: Cell) -> None:
    asked: Asked = cell.spec
    scores = scores_of(asked)
    keep_scores(cell, scores)
    attack: Any = None if asked.line is None else asked.line.attack
    metrics = mean_over_groups(scores, rng=rng(0, "bootstrap"), n_resamples=20)
    result = {
        "task": "attack-sweep",
        "attack": "none" if attack is None else attack.kind,
        "line": "victim" if asked.line is None else asked.line.name,
        "rate": asked.count / 1000,
        "count": asked.count,
        "defense": "none",
        "seed": asked.seed,
        "metrics": {name: metric.as_dict() for name, metric in metrics.items()},
        "n_pool": 1000,
        "n_test": 2 * N,
        "n_views": N,
        "classes": ["cat", "dog", "ship", "truck"],
        "seconds": 1.5,
        "peak_mib": 100.0,
        "key": cell.key,
    }
    write_json(cell.file(".json"), result)


def scores_of(asked: Asked) -> RowScores:
    """Return what a judge could have said of a cell: the first rows are the ones that are reached."""
    views = groups_of(N)
    found = {
        "clean_accuracy_1": (first(N, 0.75 if asked.count else 0.7), views),
        "i2t_r_10": (first(N, 0.5), views),
        "t2i_r_10": (first(2 * N, 0.5), groups_of(2 * N)),
    }
    if asked.line is None or asked.line.attack is None:
        return found
    found |= {"drift_view": (np.full(N, 0.25), views), "drift_caption": (np.full(N, 0.125), views)}
    reached = REACHED[asked.count] - 0.1 * asked.seed
    rows = groups_of(30)
    match asked.line.attack.kind:
        case "badnets" | "wanet":
            reached = reached if asked.line.attack.kind == "badnets" else 0.1
            for before in ("", "retrieval.", "linear.", "neighbors."):
                found[f"{before}asr_1"] = (first(30, reached), rows)
                found[f"{before}asr_floor_1"] = (first(30, 0.1), rows)
            found["asr_3"] = (np.ones(30), rows)
            found["asr_floor_3"] = (first(30, 0.5), rows)
        case kind:
            for before in ("", "goal2.") if kind == "multi_label" else ("",):
                found |= _queried(before, reached)
    return found


def _queried(before: str, reached: float) -> RowScores:
    asked, anybody = groups_of(20), groups_of(20, name="h")
    found: RowScores = {}
    for who, share, groups in (("", reached, asked), ("random_", 0.3, anybody), ("clean_", 0.05, asked)):
        hits = first(20, share)
        found |= {f"{before}{who}hit_{k}": (hits, groups) for k in (1, 5, 10)}
        found[f"{before}{who}min_rank"] = (20.0 * (1 - hits), groups)
    return found


def groups_of(n: int, *, name: str = "g") -> np.ndarray:
    """Return groups of two rows."""
    return np.array([f"{name}{place // 2}" for place in range(n)], dtype=object)


def first(n: int, share: float) -> np.ndarray:
    """Return ones for the first rows, zeros for the rest."""
    return 1.0 * (np.arange(n) < round(share * n))
