"""`threatclip repair`: make a better bundle of a suspect one, with trusted pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.stopped import StoppedError
from threatclip.cli.terminal import progress, show, show_json, show_table
from threatclip.errors import InputError

DEFAULT_RATES = (3e-4, 1e-3, 3e-3)


def repair(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Dual encoder, or its run; it is left as it is.")],
    method: Annotated[
        str, typer.Option("--method", "-m", metavar="KIND", help="Repair; `threatclip list repairs` names all.")
    ],
    trusted: Annotated[
        Path, typer.Option(metavar="TABLE", help="Pair table of clean pairs that the model did not learn from.")
    ],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the new bundle.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A=VALUE", help="Set one parameter, as in --set tau=1.0; repeatable."),
    ] = None,
    rates: Annotated[
        list[float] | None,
        typer.Option(
            "--learning-rate",
            metavar="RATE",
            help="Learning rate; repeatable: of several, the largest that keeps held-out accuracy is chosen. "
            "Default: 3e-4, 1e-3 and 3e-3.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Times that every trusted view is seen.")] = 10,
    batch_rows: Annotated[int, typer.Option(min=2, help="Pairs of a batch.")] = 128,
    weight_decay: Annotated[float, typer.Option(min=0.0, help="Of AdamW.")] = 0.1,
    held_out: Annotated[
        float, typer.Option(help="Share of the trusted views to choose and measure on; nothing learns from them.")
    ] = 0.2,
    tolerance: Annotated[
        float, typer.Option(help="Loss of held-out accuracy that a learning rate may cost, as a fraction.")
    ] = 0.03,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Repair a suspect model with trusted pairs.

    The new bundle's card says what was done, and what it changed on trusted pairs that nothing learned from. A repair
    weakens backdoors; that it removed one cannot be seen from clean pairs.
    """
    from threatclip.defenses.repairs import REPAIRS
    from threatclip.experiments.config import overridden, parse
    from threatclip.experiments.repairing import RepairJob, repair_bundle
    from threatclip.training.dual.settings import Fit

    kind = method.replace("-", "_")
    if kind not in REPAIRS:
        raise InputError(f"unknown repair {method!r}; choose from {', '.join(REPAIRS)}")
    for name, value in (("--held-out", held_out), ("--tolerance", tolerance)):
        if not 0 < value < 1:
            raise InputError(f"{name} is {value:g}; it must be above 0 and below 1")
    chosen: Any = parse(REPAIRS[kind], {**overridden({}, settings or ()), "kind": kind}, where=f"repair {kind}")
    fit = Fit(epochs=epochs, batch_rows=batch_rows, weight_decay=weight_decay)
    given = tuple(rates or DEFAULT_RATES)
    if any(not 0 < rate < float("inf") for rate in given):
        raise InputError(f"--learning-rate {min(given):g} must be above 0")
    job = RepairJob(
        bundle=bundle,
        repair=chosen,
        trusted=trusted,
        out=out,
        fit=fit,
        rates=given,
        tolerance=tolerance,
        held_out=held_out,
        seed=seed,
    )
    try:
        with progress(quiet=quiet) as on_progress:
            report = repair_bundle(job, on_progress=on_progress)
    except KeyboardInterrupt as error:
        raise StoppedError("stopped; the same command goes on with the learning rates that are left") from error
    if as_json:
        show_json(report)
        return
    show_table(["held-out figure", "suspect", "repaired", "change"], _rows(report))
    show(f"learning rate: {report['learning_rate']:g} ({report['n_trusted']:,} pairs learned, seed {seed})")
    show(f"bundle: {out}, its card says what was done")


def _rows(report: dict[str, Any]) -> list[list[str]]:
    return [
        [name, *(f"{100 * report[what][name]['value']:.1f}" for what in ("before", "after")), _change(report, name)]
        for name in report["after"]
    ]


def _change(report: dict[str, Any], name: str) -> str:
    one = report["change"][name]
    return f"{100 * one['value']:+.1f} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"
