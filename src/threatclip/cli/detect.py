"""`threatclip detect`: which views look as if they carried a trigger."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import json_line, progress, show, show_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from threatclip.experiments.detecting.calibrated import Verdict

FINDINGS = 1  # exit code


def detect(
    views: Annotated[
        Path,
        typer.Argument(metavar="VIEWS", help="Pair table (.parquet), a folder of pictures or payloads, or one file."),
    ],
    model: Annotated[Path, typer.Option(metavar="RUN", help="Run or bundle of the dual encoder that is to read them.")],
    trusted: Annotated[Path, typer.Option(metavar="TABLE", help="Pair table that somebody vouches for.")],
    fpr: Annotated[
        float, typer.Option(help="Share of clean views that may be flagged, by all detectors together.")
    ] = 0.01,
    detectors: Annotated[
        str | None,
        typer.Option(
            "--detectors",
            metavar="A,B",
            help="Detectors to run; default: masking,outlier. `threatclip list detectors`.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="A.B=VALUE", help="Set one parameter of a detector, as in --set outlier.k=8; repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write verdicts here as JSON Lines.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find triggers in single views.

    One line a view: whether it is flagged, its score beside the threshold, and why. Thresholds are set on half of the
    trusted views, so that clean views are flagged no more often than told. Exit code 1: some are flagged.
    """
    from threatclip.experiments.config import overridden
    from threatclip.experiments.detecting.detect import watch

    with progress(quiet=quiet) as on_progress:
        watching = watch(
            model,
            trusted,
            kinds=None if detectors is None else detectors.split(","),
            settings=overridden({}, settings or ()),
            fpr=fpr,
            seed=seed,
            on_progress=on_progress,
        )
        n = flagged = 0
        shown: list[dict[str, Any]] = []
        with _written(out) as write:
            for verdict in watching.verdicts(views, on_progress):
                n, flagged = n + 1, flagged + verdict.flagged
                if out is not None:
                    write(json_line(dataclasses.asdict(verdict)))
                elif as_json:
                    shown.append(dataclasses.asdict(verdict))
                else:
                    show(_line(verdict))
    counts = {"n": n, "flagged": flagged, **watching.about()}
    if as_json:
        show_json({**counts, "views": shown} if out is None else {**counts, "path": str(out)})
    else:
        show(f"{flagged:,} of {n:,} views flagged; {fpr:.2%} of clean ones may be")
    if flagged:
        raise typer.Exit(FINDINGS)


def _line(verdict: Verdict) -> str:
    state = "FLAGGED" if verdict.flagged else "fine"
    sign = ">" if verdict.flagged else "<="
    figures = f"{verdict.detector} {verdict.score:.4g} {sign} {verdict.threshold:.4g}"
    return f"{verdict.id}: {state}, {figures}: {verdict.reason}"


@contextmanager
def _written(out: Path | None) -> Iterator[Callable[[str], object]]:
    if out is None:
        yield lambda _: None
        return
    from threatclip.artifacts import atomic_path

    with atomic_path(out) as part, part.open("w", encoding="utf-8") as handle:
        yield handle.write
