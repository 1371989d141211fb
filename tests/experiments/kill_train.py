"""Trains a run in processes that die by SIGKILL at stated steps; `kill_train.py RECIPE RUN`, prints one JSON object.

One process imports torch and forks the trainers, so that a death costs no second import.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import torch

from threatclip.experiments.config import load_recipe
from threatclip.experiments.progress import Progress
from threatclip.experiments.run import train_run

DEATHS = (("first/stage1", 1), ("first/stage2", 8), ("final/stage2", 12))


def trainer(recipe: Path, out: Path, *, resume: bool, death: tuple[str, int] | None) -> None:
    """Train, and die at the stated step if there is one."""

    def on_progress(progress: Progress) -> None:
        if (progress.stage, progress.done) == death:
            os.kill(os.getpid(), signal.SIGKILL)

    train_run(load_recipe(recipe), out, resume=resume, on_progress=on_progress)


def status_of_child(recipe: Path, out: Path, *, resume: bool, death: tuple[str, int] | None) -> int:
    """Return the wait status of one trainer."""
    child = os.fork()
    if not child:
        status = 1
        try:
            trainer(recipe, out, resume=resume, death=death)
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitpid(child, 0)[1]


def left(out: Path) -> dict[str, object]:
    """Return what a dead trainer left."""
    return {
        "checkpoints": sorted(str(path.relative_to(out)) for path in (out / "checkpoints").glob("*/*/step-*")),
        "bundle": (out / "bundle").exists(),
        "summary": (out / "summary.json").exists(),
    }


def main() -> None:
    """Die as often as stated, then come through."""
    recipe, out = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    report = []
    for place, death in enumerate((*DEATHS, None)):
        status = status_of_child(recipe, out, resume=place > 0, death=death)
        report.append({"status": status, "left": left(out)})
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
