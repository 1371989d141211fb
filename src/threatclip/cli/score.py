"""`threatclip score`: answers for whole Parquet files, on one machine or many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.stopped import StoppedError
from threatclip.cli.terminal import progress, show, show_json
from threatclip.errors import InputError

_ENGINES = ("local", "ray")


def score(
    table: Annotated[str, typer.Argument(metavar="TABLE_OR_GLOB", help="Parquet file, or several by a quoted glob.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the parts.")],
    model: Annotated[Path, typer.Option(metavar="RUN", help="Run folder of `threatclip train`, or a bundle.")],
    engine: Annotated[
        str, typer.Option(help="local: processes of this machine; ray: actors of a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Of the Ray cluster, as ray.init takes it; default: one of its own on this machine."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Workers, of one thread and one model each.")] = 1,
    shard_rows: Annotated[int, typer.Option(min=1, help="Rows of a part: what a killed worker loses at most.")] = 4096,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Of files that are no pair tables, as in --map view=payload; default: view, and id if there.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Answer every row of Parquet files.

    One output row an input row, in parts that are there whole or not at all: killed or stopped, the same command goes
    on with the rest. Every engine writes the same answers.
    """
    from threatclip.batch.score import Machines
    from threatclip.batch.score import score as run
    from threatclip.pairs.sources.mapping import parse_map

    if engine not in _ENGINES:
        raise InputError(f"--engine {engine!r} is not one of {', '.join(_ENGINES)}")
    machines = Machines(engine="ray" if engine == "ray" else "local", jobs=jobs, address=address)
    try:
        with progress(quiet=quiet) as on_progress:
            report = run(
                table,
                out,
                run=model,
                machines=machines,
                columns=parse_map(columns or ()),
                shard_rows=shard_rows,
                on_progress=on_progress,
            )
    except KeyboardInterrupt as error:
        raise StoppedError("stopped; finished parts are kept: the same command goes on with the rest") from error
    if as_json:
        show_json(report)
        return
    show(f"{report['rows']:,} rows in {report['parts']:,} parts: {report['scores']}")
    show(f"don't know: {report['abstained']:,}; rows that could not be read (column fault): {report['faults']:,}")
