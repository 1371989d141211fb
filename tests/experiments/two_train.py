"""One of two processes that train one run together: `two_train.py RECIPE RUN OVERRIDE...` run by a launcher.

The second process may not write: whatever would is replaced by an error there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch

from threatclip.experiments import run
from threatclip.experiments.config import load_recipe
from threatclip.experiments.progress import ignore
from threatclip.training import loop


def refuse(*_: Any, **__: Any) -> None:
    """Stand in for a function that writes."""
    raise AssertionError("the second process wrote")


def main() -> None:
    """Train, as main process or as the other."""
    torch.set_num_threads(1)
    if os.environ["RANK"] != "0":
        for name in ("open_run", "write_pairs", "write_json", "StepLog", "model_card"):
            setattr(run, name, refuse)
        run.PayloadClassifier.save = refuse
        loop.save_checkpoint = refuse
        loop.remove_leftovers = refuse
    recipe = load_recipe(Path(sys.argv[1]), sys.argv[3:])
    run.train_run(recipe, Path(sys.argv[2]), resume=False, on_progress=ignore)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
