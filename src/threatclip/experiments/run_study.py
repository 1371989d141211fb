"""`bench` of whole runs: recipes with overrides, each trained and judged over seeds, and one document of tables."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from threatclip.artifacts import read_json, write_json, write_text
from threatclip.checks import check, distinct
from threatclip.errors import InputError, RecipeError
from threatclip.evaluation.intervals import Metric
from threatclip.experiments.cells import Cell, run_cells
from threatclip.experiments.config import load_recipe, parse, read_recipe
from threatclip.experiments.progress import OnProgress, ignore
from threatclip.experiments.recipes import Recipe
from threatclip.experiments.run_folder import SUMMARY, environment
from threatclip.experiments.study_markdown import code, difference, document, escape, percent, table, with_interval

_PARTS = ("baselines", "probes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One recipe of the study, run once for each seed.

    Attributes:
        name: unique; of its runs.
        title: what it is, for readers.
        recipe: TOML file, relative to the study's.
        set: overrides.
        seeds: one run each.
        baselines: judge beside the built-in baselines too.
        probes: judge under probes too.
        parts: names of baselines and probes that the table shows; empty: all.
    """

    name: str
    title: str
    recipe: str
    set: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    baselines: bool = True
    probes: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table of the document.

    Attributes:
        title: its heading.
        text: what a reader has to know first.
        metrics: the columns.
        lines: names of lines, in order.
    """

    title: str
    text: str = ""
    metrics: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStudy:
    """Recipes to run and the tables to make of them."""

    task: Literal["run-study"]
    title: str
    lines: tuple[Line, ...]
    sections: tuple[Section, ...]
    document: str | None = None

    def __post_init__(self) -> None:
        distinct("a line", tuple(line.name for line in self.lines))
        known = {line.name for line in self.lines}
        for section in self.sections:
            stranger = next((name for name in section.lines if name not in known), None)
            check(f"lines of {section.title!r}", stranger, stranger is None, f"among {', '.join(sorted(known))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What decides one cell."""

    name: str
    recipe: Recipe
    baselines: bool
    probes: bool


def run_runs(path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress) -> dict[str, Any]:
    """Train and judge every run that `out` does not hold yet, and write the document.

    Args:
        path: the study's TOML.
        overrides: `a.b=c` for every recipe.
        out: folder of cells and runs.
        jobs: worker processes, one torch thread each.
        on_progress: told of every finished cell.

    Raises:
        RecipeError: the study or one of its recipes is wrong; nothing has been run then.
        InputError: data is missing.
    """
    study: RunStudy = parse(RunStudy, read_recipe(path), where=str(path))
    results = run_cells(list(_cells(study, path, overrides, out)), run_cell, jobs=jobs, on_progress=on_progress)
    write_json(out / "environment.json", environment())
    target = Path(study.document) if study.document else out / "results.md"
    write_text(target, study_text(study, results, out, command=f"threatclip bench {path} -o {out}"))
    return {"cells": results, "document": str(target)}


def _cells(study: RunStudy, path: Path, overrides: Sequence[str], out: Path) -> Iterator[Cell]:
    for line in study.lines:
        for seed in line.seeds:
            sets = [*overrides, *line.set, f"seed={seed}"]
            recipe = load_recipe(path.parent / line.recipe, sets)
            asked = Asked(name=line.name, recipe=recipe, baselines=line.baselines, probes=line.probes)
            yield Cell(name=f"{line.name}-{seed}", spec=asked, folder=out)


def run_cell(cell: Cell) -> dict[str, Any]:
    """Train one run, judge it, and return its figures."""
    from threatclip.experiments.tasks import evaluate_run, train_run

    asked: Asked = cell.spec
    run = cell.folder / "runs" / cell.name
    if (run / SUMMARY).is_file() or not run.exists():
        resume = run.exists()
    else:
        shutil.rmtree(run)  # an unfinished run of another spec, or of this one: begin anew
        resume = False
    try:
        train_run(asked.recipe, run, resume=resume, on_progress=ignore)
    except InputError:
        if not resume:
            raise
        shutil.rmtree(run)  # a finished run of another spec
        train_run(asked.recipe, run, resume=False, on_progress=ignore)
    judged = evaluate_run(run, pairs=None, probes=asked.probes, baselines=asked.baselines, out=None, on_progress=ignore)
    kept = {name: judged[name] for name in ("n", "metrics", *_PARTS) if name in judged}
    gains = {f"{half} alone": gain for half, gain in judged.get("halves", {}).get("gain", {}).items()}
    kept["comparisons"] = {**gains, **judged.get("comparisons", {})}
    return {
        "task": asked.recipe.task,
        "line": asked.name,
        "attack": "none",
        "rate": 0.0,
        "defense": "none",
        "seed": asked.recipe.seed,
        **kept,
    }


def study_text(study: RunStudy, results: Sequence[Mapping[str, Any]], out: Path, *, command: str) -> str:
    """Return the document of a study as Markdown.

    Raises:
        RecipeError: a section asks for a metric that no run has.
    """
    where = read_json(out / "environment.json")
    blocks = [
        f"# {escape(study.title)}",
        "All figures come from one command:",
        code(command),
        f"Commit {escape(str(where.get('commit')))}, {escape(str(where.get('device')))}. Figures in percent with 95% "
        "bootstrap intervals. Over several seeds a figure is the mean of the seeds' figures, and its interval the mean "
        "of their intervals' ends: it speaks of the rows; the seeds' own figures stand beside it. Differences are "
        "paired: both sides on the same resamples of the same rows.",
    ]
    for section in study.sections:
        blocks += _section(section, study, results)
    costs = [
        (str(one["line"]), str(one["seed"]), f"{one['seconds']:,.0f}", f"{one['peak_mib']:,.0f}") for one in results
    ]
    blocks += ["## Costs", table(("run", "seed", "seconds, training and judging", "peak MiB"), costs)]
    return document(blocks)


def _section(section: Section, study: RunStudy, results: Sequence[Mapping[str, Any]]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    compared: list[tuple[str, ...]] = []
    sizes: list[str] = []
    for line in (one for name in section.lines for one in study.lines if one.name == name):
        own = [one for one in results if one["line"] == line.name]
        sizes.append(f"{line.name}: n = {own[0]['n']:,}, seeds {', '.join(str(one['seed']) for one in own)}")
        rows.append(_row(line.title, [one["metrics"] for one in own], section.metrics))
        for part in _PARTS:
            names = [name for name in own[0].get(part, {}) if not line.parts or name in line.parts]
            rows += [_row(f"{line.name}: {name}", [one[part][name] for one in own], section.metrics) for name in names]
        for name in own[0].get("comparisons", {}):
            if not line.parts or name in line.parts:
                both = [one["comparisons"][name] for one in own]
                compared.append((f"{line.name} minus {name}", *(difference(_mean(both, m)) for m in section.metrics)))
    missing = [name for number, name in enumerate(section.metrics, start=1) if all(row[number] == "–" for row in rows)]
    if missing and len(missing) == len(section.metrics):
        raise RecipeError(f"section {section.title!r}: no run has a metric of {', '.join(section.metrics)}")
    blocks = [f"## {escape(section.title)}", section.text, escape("; ".join(sizes)) + "."]
    blocks.append(table(("model", *section.metrics, f"{section.metrics[0]} by seed"), rows))
    if compared:
        blocks += ["Paired differences, in points:", table(("difference", *section.metrics), compared)]
    return blocks


def _row(title: str, by_seed: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> tuple[str, ...]:
    first = [one.get(metrics[0], {}).get("value") for one in by_seed]
    return (title, *(with_interval(_mean(by_seed, name)) for name in metrics), ", ".join(percent(one) for one in first))


def _mean(by_seed: Sequence[Mapping[str, Any]], name: str) -> Metric | None:
    found = [one[name] for one in by_seed if name in one]
    if len(found) < len(by_seed) or any(one.get("value") is None for one in found):
        return None
    ends = {
        end: math.fsum(math.nan if one.get(end) is None else one[end] for one in found) / len(found)
        for end in ("value", "low", "high")
    }
    return Metric(**ends, n=int(found[0].get("n") or 0))
