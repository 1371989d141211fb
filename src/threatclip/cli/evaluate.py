"""`threatclip evaluate`: figures with intervals, probes, baselines and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.figures import show_comparison, show_metrics
from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `threatclip train`.")],
    pairs: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Judge on this pair table instead of the run's own test rows.")
    ] = None,
    probes: Annotated[bool, typer.Option("--probes", help="Also judge with shortcuts removed or swapped.")] = False,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also fit and judge the built-in baselines on the same split.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of metrics.json and report.html (default in RUN)."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Judge a trained model and write a report.

    Every metric with its 95% interval; metrics.json and report.html go into the run, or where -o says.
    """
    from threatclip.experiments.tasks import evaluate_run

    with progress(quiet=quiet) as on_progress:
        report = evaluate_run(run, pairs=pairs, probes=probes, baselines=baselines, out=out, on_progress=on_progress)
    if as_json:
        show_json(report)
        return
    named = report.get("answered")
    show(f"{report['run']}: judged on {report['n']:,} {'pairs' if named is None else 'incidents'}")
    show_metrics(report["metrics"])
    if named is not None:
        show(f"a group is named for {named['named']:,} of them, rightly for {named['right']:,}; the others: don't know")
    if report.get("gallery"):
        sizes = report["gallery"]
        pools = f"matching in pools of {report['matching_pool']}"
        show(f"whole gallery: {sizes['views']:,} views, {sizes['captions']:,} captions; {pools}")
    if report.get("baselines"):
        show()
        show_comparison("model", {"this model": report["metrics"], **report["baselines"]})
    for stage, judged in report.get("tables", {}).items():
        show()
        show_comparison(f"rows of stage {stage}", {"this model": judged["metrics"], f"after {stage}": judged["then"]})
    if report.get("protocols"):
        show()
        show_comparison("protocol", {row["title"]: row["metrics"] for row in report["protocols"].values()})
    if report.get("probes"):
        show()
        show_comparison("probe", {"(none)": report["metrics"], **report["probes"]})
    show()
    show(f"report: {report['report']}")
