"""`threatclip defense-report`: what defense matrices found, as one table, one HTML page and one Markdown document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json, show_table


def defense_report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER", help="Folders of defense matrices, or one that holds several."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of defenses.html (default: the first FOLDER)."),
    ] = None,
    document: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables as a Markdown document, too.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what defenses leave of attacks.

    Reads what `threatclip bench recipes/backdoor-*.toml -o DIR` wrote, finished or not, and runs nothing. Shares are in
    percent with their 95% intervals, means over seeds, at the learning rate that a defender chooses.
    """
    from threatclip.experiments.matrix.document import missing_text
    from threatclip.experiments.matrix.published import write_document
    from threatclip.experiments.matrix.report import PAGE, report_json, write_report
    from threatclip.experiments.matrix.report_table import report_table
    from threatclip.experiments.matrix.summary import read_summaries

    with progress(quiet=quiet) as on_progress:
        summaries = read_summaries(folders, on_progress=on_progress)
    page = (out or folders[0]) / PAGE
    write_report(page, summaries)
    if document is not None:
        named = " ".join(map(str, folders))
        command = f"threatclip defense-report {named} --document {document}"
        write_document(document, summaries, title="Defenses", command=command)
    if as_json:
        found = {**report_json(summaries), "report": str(page)}
        show_json(found if document is None else {**found, "document": str(document)})
        return
    header, rows = report_table(summaries)
    show_table(header, rows)
    for one in summaries:
        if one.missing:
            show()
            show(f"{one.folder.path}: {missing_text(one)}")
    show()
    show(f"report: {page}")
    if document is not None:
        show(f"document: {document}")
