"""`threatclip bench`: every cell of a study, and the document of its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.figures import MAIN_METRICS
from threatclip.cli.options import Json, Overrides, Quiet
from threatclip.cli.stopped import StoppedError
from threatclip.cli.terminal import progress, show, show_json, show_table

_METRICS = (*MAIN_METRICS, "clean_accuracy_1", "asr_1", "asr_floor_1", "hit_10", "clean_hit_10", "min_rank")


def bench(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="TOML file of a study; see recipes/.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the runs and the document.")],
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Cells to run at a time.")] = 1,
    overrides: Overrides = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run every cell of a study.

    Cells that are finished already are not run again.
    """
    from threatclip.experiments.tasks import run_bench

    try:
        with progress(quiet=quiet) as on_progress:
            report = run_bench(recipe, overrides or (), out, jobs=jobs, on_progress=on_progress)
    except KeyboardInterrupt as error:
        raise StoppedError("stopped; finished cells are kept: the same command goes on with the rest") from error
    if as_json:
        show_json(report)
        return
    facts = [
        name
        for name in ("task", "variation", "line", "attack", "rate", "defense", "seed")
        if any(name in c for c in report["cells"])
    ]
    metrics = [name for name in _METRICS if any(name in cell.get("metrics", {}) for cell in report["cells"])]
    rows = [
        [*(str(cell.get(name, "")) for name in facts), *(_value(cell, name) for name in metrics)]
        for cell in report["cells"]
    ]
    show_table([*facts, *metrics], rows)
    show(f"document: {report['document']}")


def _value(cell: dict[str, Any], name: str) -> str:
    metric = cell.get("metrics", {}).get(name)
    return "" if metric is None or metric.get("value") is None else f"{metric['value']:.3f}"
