"""`bench` of an attack sweep: the victims first, then the clean lines, then every attack x dose x seed; resumable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_text
from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.cells import Cell, run_cells
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.poisoning.document import sweep_sections
from threatclip.experiments.poisoning.folder import cells_in, write_plan
from threatclip.experiments.poisoning.judge import Judge
from threatclip.experiments.poisoning.material import load_pairs
from threatclip.experiments.poisoning.plan import Asked
from threatclip.experiments.poisoning.planted import Planted, plant, write_truth_anew
from threatclip.experiments.poisoning.recipe import Sweep, Sweeps
from threatclip.experiments.poisoning.row_scores import keep_scores
from threatclip.experiments.poisoning.victim import class_texts, line_model, new_towers, save_model, trained
from threatclip.experiments.progress import OnProgress
from threatclip.pairs.pair import Modality
from threatclip.seeds import rng

JUDGE_SEED = 0  # one for every seed of the sweep: all models are asked the same, so that figures pair


def run_sweep(path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress) -> dict[str, Any]:
    """Run every cell of one sweep that `out` does not hold yet, and write its tables.

    Raises:
        RecipeError: the sweep is wrong.
        InputError: data is missing, or an attack does not fit it.
    """
    sweep: Sweep = parse(Sweep, read_recipe(path, overrides), where=str(path))
    results = run_waves(sweep, out, jobs=jobs, on_progress=on_progress)
    command = f"threatclip bench {path} -o {out}"
    lines = [f"# {sweep.title}", *sweep_sections(sweep, out, command=command)]
    return {"cells": results, "document": _written(sweep.document, out, lines)}


def run_sweeps(
    path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress
) -> dict[str, Any]:
    """Run several sweeps, each in a folder of its own, and write one document.

    Raises:
        RecipeError: one of them is wrong; nothing has been run then.
        InputError: data is missing, or an attack does not fit it.
    """
    asked: Sweeps = parse(Sweeps, read_recipe(path), where=str(path))
    sweeps: dict[Path, Sweep] = {
        Path(name): parse(Sweep, read_recipe(path.parent / name, overrides), where=name) for name in asked.sweeps
    }
    results: list[dict[str, Any]] = []
    lines = [f"# {asked.title}"]
    command = f"threatclip bench {path} -o {out}"
    for name, sweep in sweeps.items():
        results += run_waves(sweep, out / name.stem, jobs=jobs, on_progress=on_progress)
        lines += [f"## {sweep.title}", *sweep_sections(sweep, out / name.stem, command=command)]
    return {"cells": results, "document": _written(asked.document, out, lines)}


def _written(document: str | None, out: Path, lines: Sequence[str]) -> str:
    target = Path(document) if document else out / "results.md"
    write_text(target, "\n\n".join(lines) + "\n")
    return str(target)


def run_waves(
    sweep: Sweep, out: Path, *, jobs: int, on_progress: OnProgress, only: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """Run all cells of a sweep: every wave needs the models of the one before it.

    Args:
        sweep: the recipe.
        out: its folder.
        jobs: worker processes.
        on_progress: told of every finished cell.
        only: names of the cells that are run; None: all.

    Raises:
        InputError: data is missing, or the folder holds cells that were made from other data.
    """
    cells = cells_in(sweep, out)
    write_plan(sweep, out, cells)
    waves: list[list[Cell]] = [[], [], []]
    for cell in cells:
        if only is not None and cell.name not in only:
            continue
        line = cell.spec.line
        waves[0 if line is None else 1 if line.attack is None else 2].append(cell)
    return [result for wave in waves for result in run_cells(wave, run_cell, jobs=jobs, on_progress=on_progress)]


def model_folder(out: Path, name: str) -> Path:
    """Return where the model of a cell is kept."""
    return out / "models" / name


def run_cell(cell: Cell) -> dict[str, Any]:
    """Train one model, judge it, and return its figures; its row scores and its bundle lie beside them."""
    asked: Asked = cell.spec
    sweep, line, seed = asked.sweep, asked.line, asked.seed
    pairs = load_pairs(sweep.rows)
    prompts = class_texts(sweep, pairs.pool, pairs.classes)
    source = sweep.rows.file.source
    modality: Modality = "image" if source is None else source.modality
    judge = Judge(pairs=pairs, prompts=prompts, seed=JUDGE_SEED, heads=sweep.linear)
    planted: Planted | None = None
    if line is None:
        dual = trained(new_towers(sweep, pairs.pool, seed=seed), pairs.pool, sweep.victim.fit, seed=seed)
    else:
        victim = model_folder(cell.folder, f"victim-{seed}")
        if line.attack is not None:
            planted = plant(line.attack, [*pairs.pool, *pairs.test], victim, count=asked.count, seed=seed)
            judge.check(planted.attack, planted.truth)
            write_truth_anew(cell.file("-truth.json"), planted.truth)
        learned = pairs.pool if planted is None else planted.pairs
        dual = line_model(sweep, line, pairs.pool, learned, victim, seed=seed)
    bundle = DualBundle(dual=dual, modality=modality, prompts=prompts)
    scores = judge.utility(bundle)
    if planted is not None:
        clean = DualBundle.load(model_folder(cell.folder, f"{asked.clean}-{seed}"))
        scores |= judge.drift(bundle, clean) | judge.damage(bundle, clean, planted.attack, planted.truth)
    save_model(dual, model_folder(cell.folder, cell.name), modality=modality, prompts=prompts, about=cell.name)
    keep_scores(cell, scores)
    return {
        "task": sweep.task,
        "attack": "none" if planted is None else planted.truth.attack["kind"],
        "line": "victim" if line is None else line.name,
        "rate": asked.count / len(pairs.pool),
        "count": asked.count,
        "defense": "none",
        "seed": seed,
        "metrics": {
            name: metric.as_dict() for name, metric in mean_over_groups(scores, rng=rng(seed, "bootstrap")).items()
        },
        "n_pool": len(pairs.pool),
        "n_test": len(pairs.test),
        "n_views": len(judge.rows),
        "classes": list(pairs.classes),
        "poisoned": 0 if planted is None else len(planted.truth.ids),
        "facts": {} if planted is None else dict(planted.truth.facts),
    }
