"""`threatclip train`: one recipe, one run folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.figures import show_comparison, show_metrics
from threatclip.cli.options import Json, Overrides, Quiet
from threatclip.cli.stopped import StoppedError
from threatclip.cli.terminal import progress, show, show_json


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="TOML file; see recipes/.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder to write.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")] = False,
    overrides: Overrides = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model as a recipe says.

    A run that was stopped, or killed, goes on from its last whole checkpoint with --resume.
    """
    from threatclip.experiments.config import load_recipe
    from threatclip.experiments.tasks import train_run

    loaded = load_recipe(recipe, overrides or ())
    # of several processes, as torchrun and accelerate start them, one speaks
    speaks = os.environ.get("RANK", "0") == "0"
    try:
        with progress(quiet=quiet or not speaks) as on_progress:
            report = train_run(loaded, out, resume=resume, on_progress=on_progress)
    except KeyboardInterrupt as error:
        if not (out / "recipe.json").is_file():
            raise
        sets = [word for override in overrides or () for word in ("--set", override)]
        again = shlex.join(["threatclip", "train", str(recipe), "-o", str(out), "--resume", *sets])
        raise StoppedError(f"stopped; go on with `{again}`") from error
    if not speaks:
        return
    if as_json:
        show_json(report)
        return
    judged = report.get("judged", "validation")
    show(f"{report['run']}: trained on {report['n_train']:,} pairs in {report['seconds']:,.0f} s; on {judged}:")
    show_metrics(report["metrics"])
    if report.get("protocols"):
        show_comparison("protocol", {row["title"]: row["metrics"] for row in report["protocols"].values()})
    show(f"next: threatclip evaluate {out}")
