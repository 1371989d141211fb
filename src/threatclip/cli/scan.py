"""`threatclip scan`: whether a model holds a backdoor, and towards which class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json, show_table

FINDINGS = 1  # exit code
_SHOWN_WORDS = 2


def scan(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="Run or bundle of a dual encoder.")],
    trusted: Annotated[Path, typer.Option(metavar="TABLE", help="Pair table that somebody vouches for.")],
    scanner: Annotated[
        str | None,
        typer.Option(
            metavar="KIND", help="Scanner; default: the one for the model's views. `threatclip list scanners`."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="A.B=VALUE",
            help="Set one parameter of the scanner, as in --set decree.search.steps=500; repeatable.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search a model for a backdoor.

    A class that takes a far smaller one than the others is the suspected target of a backdoor. Exit code 1: there is
    one.
    """
    from threatclip.experiments.config import overridden
    from threatclip.experiments.detecting.scan import scan_model
    from threatclip.experiments.progress import Progress

    with progress(quiet=quiet) as on_progress:
        on_progress(Progress(stage="scan", done=0, total=1))
        report = scan_model(model, trusted, kind=scanner, settings=overridden({}, settings or ()), seed=seed)
        on_progress(Progress(stage="scan", done=1, total=1))
    if as_json:
        show_json(report)
    else:
        _show(report)
    if report["finding"]:
        raise typer.Exit(FINDINGS)


def _show(report: dict[str, Any]) -> None:
    if report["classes"]:
        columns = [name for name in ("size", "reached", "index") if name in report["classes"][0]]
        words = any("words" in one for one in report["classes"])
        rows = [
            [one["label"], *(f"{one[name]:.4f}" for name in columns), *([_words(one)] if words else [])]
            for one in report["classes"]
        ]
        show_table(["class", *columns, *(["words"] if words else [])], rows)
        show()
    else:
        show(", ".join(f"{name} {value:.4f}" for name, value in report["facts"].items()))
    sign, limit = ("above" if report["finding"] else "not above"), report["limit"]
    verdict = "backdoor suspected" if report["finding"] else "no backdoor found"
    target = f", target {report['suspect']}" if report["suspect"] is not None else ""
    show(f"{verdict}{target}: score {report['score']:.2f}, {sign} {limit:g} ({report['scanner']['kind']})")


def _words(one: dict[str, Any]) -> str:
    return ", ".join(f"{word!a} {share:.0%}" for word, share in list(one.get("words", {}).items())[:_SHOWN_WORDS])
