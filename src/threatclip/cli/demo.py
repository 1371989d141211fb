"""`threatclip demo`: the main job on sample pairs, offline, in minutes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.answer_lines import for_people
from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json, show_table


def demo(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write.")] = Path("runs/demo"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the main job on sample pairs, offline.

    Makes pairs, trains a classifier, judges it beside baselines, and answers a payload. Then plants a backdoor, shows
    the damage, filters the pairs, trains again, and repairs.
    """
    from threatclip.experiments.demo import run_demo

    with progress(quiet=quiet) as on_progress:
        report = run_demo(out, on_progress)
    if as_json:
        show_json(report)
        return
    names = list(dict.fromkeys(name for row in report["table"] for name in row))
    show_table(names, [[_cell(row.get(name)) for name in names] for row in report["table"]])
    if "example" in report:
        show()
        sys.stdout.write(for_people(report["example"]))
    show()
    show(f"report: {report['report']}")


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
