"""`threatclip attack-report`: what attack sweeps found, as one table and one HTML report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json, show_table


def attack_report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER", help="Folders of attack sweeps, or one that holds several."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of report.html (default: the first FOLDER)."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what attacks did to a model.

    Reads what `threatclip bench recipes/attack-*.toml -o FOLDER` wrote, finished or not, and runs nothing. Shares are
    in percent with their 95% intervals, means over seeds.
    """
    from threatclip.experiments.poisoning.report import REPORT, read_sweeps, report_json, write_report
    from threatclip.experiments.poisoning.report_table import report_table

    with progress(quiet=quiet) as on_progress:
        swept = read_sweeps(folders, on_progress=on_progress)
    path = (out or folders[0]) / REPORT
    write_report(path, swept)
    if as_json:
        show_json({**report_json(swept), "report": str(path)})
        return
    header, rows = report_table(swept)
    show_table(header, rows)
    for one in swept:
        if one.found.missing:
            show()
            show(f"{one.folder.path}: cells missing, or of another recipe: {', '.join(one.found.missing)}")
    show()
    show(f"report: {path}")
