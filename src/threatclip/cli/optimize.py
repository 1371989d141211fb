"""`threatclip optimize`: the same model on the fastest back end that answers as it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json, show_table


def optimize(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `threatclip train`, or a bundle.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the optimized bundle.")],
    backend: Annotated[str, typer.Option(help="auto, torch, onnx or openvino.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")] = "auto",
    min_agreement: Annotated[
        float, typer.Option(metavar="SHARE", help="Of rows with the original's best answer, and mean cosine, at least.")
    ] = 0.99,
    pairs: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Rows to measure on; default: the run's own.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Rows to measure on, spread over the table.")] = 512,
    single: Annotated[bool, typer.Option("--single", help="Time one row at a time instead of batches.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Choose the fastest back end for a model.

    Exports the towers of payloads and texts, measures each back end on this machine, and writes a bundle that
    `classify`, `score`, `watch` and `serve` load as any other. What does not agree with the original is refused.
    """
    from threatclip.experiments.optimizing import Wanted
    from threatclip.experiments.optimizing import optimize as run_optimize

    wanted = Wanted(backend=backend, precision=precision, min_agreement=min_agreement, rows=rows, single=single)
    with progress(quiet=quiet) as on_progress:
        report = run_optimize(run, out, wanted=wanted, pairs=pairs, on_progress=on_progress)
    if as_json:
        show_json(report)
        return
    for name, one in report["measured"].items():
        show(f"{name}: {one['chosen']}, chosen on {one['rows']:,} rows")
        show_table(
            ["back end", "rows per CPU second", "same best answer", "mean cosine", "least cosine", "left out"],
            [
                [
                    f"{trial['backend']} {trial['precision']}",
                    *(_figure(trial[key]) for key in ("rows_per_cpu_s", "agreement", "mean_cosine", "least_cosine")),
                    trial["reason"] or "",
                ]
                for trial in one["trials"]
            ],
        )
    for name, reason in report["left_out"].items():
        show(f"{name}: {reason}")
    show(f"bundle: {report['bundle']}")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if value <= 1.5 else f"{value:,.1f}"
