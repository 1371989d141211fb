"""`threatclip poison`: a poisoned copy of a pair table, and the truth about it in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.options import Json, OutTable, Quiet
from threatclip.cli.terminal import progress, show, show_json
from threatclip.errors import InputError


def poison(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Clean pair table; it is left as it is.")],
    attack: Annotated[
        str, typer.Option("--attack", metavar="KIND", help="Attack; `threatclip list attacks` names all.")
    ],
    out: OutTable,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A=VALUE", help="Set one parameter, as in --set target=dog; repeatable."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Share of the training rows to poison, as 0.003.")] = None,
    count: Annotated[int | None, typer.Option(metavar="N", help="Rows to poison, in place of --rate.")] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice: the same seed gives the same bytes.")] = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the truth goes; default: the output's name with .truth.json. Never overwritten."
        ),
    ] = None,
    surrogate: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Run or bundle of a dual encoder, for attacks that look into a model."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Poison a pair table on purpose.

    Only rows that a victim trains on are poisoned; order and ids stay. A table of pictures is encoded anew as a whole,
    so that files do not tell. Which rows are poisoned goes to the truth, for the judge alone.
    """
    from threatclip.attacks import ATTACKS, Attack
    from threatclip.experiments.config import overridden, parse
    from threatclip.experiments.poison_table import poison_table

    if attack not in ATTACKS:
        raise InputError(f"unknown attack {attack!r}; choose from {', '.join(ATTACKS)}")
    values = overridden({}, settings or ())
    chosen: Any = parse(Attack, {**values, "kind": attack}, where=f"attack {attack}")
    with progress(quiet=quiet) as on_progress:
        report = poison_table(
            chosen,
            table,
            out,
            count=count,
            rate=rate,
            seed=seed,
            truth=truth,
            surrogate=surrogate,
            on_progress=on_progress,
        )
    if as_json:
        show_json(report)
        return
    changed = f"{report['poisoned']:,} of {report['rows']:,} rows poisoned ({report['rate']:.3%})"
    show(f"{out}: {changed} by {attack}, seed {seed}, content hash {report['content_hash'][:16]}")
    for name in ("added", "dropped"):
        if report[name]:
            show(f"rows {name}: {report[name]:,}")
    for name, value in report["facts"].items():
        show(f"{name}: {value:g}")
    show(f"truth, for the judge alone: {report['truth']}")
