"""One of two processes that train one contrastive run together: `two_fit.py RECIPE RUN OVERRIDE...` by a launcher.

The second process may not write: whatever would is replaced by an error there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch

from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.contrastive import train
from threatclip.experiments.contrastive.recipe import Contrastive
from threatclip.experiments.progress import ignore
from threatclip.training import loop


def refuse(*_: Any, **__: Any) -> None:
    """Stand in for a function that writes."""
    raise AssertionError("the second process wrote")


def main() -> None:
    """Train, as main process or as the other."""
    torch.set_num_threads(1)
    if os.environ["RANK"] != "0":
        for name in ("open_run", "write_pairs", "write_json"):
            setattr(train, name, refuse)
        train.DualBundle.save = refuse  # type: ignore[method-assign]
        train.StepLog.__call__ = refuse  # type: ignore[method-assign, assignment]
        loop.save_checkpoint = refuse  # type: ignore[assignment]
    recipe = parse(Contrastive, read_recipe(Path(sys.argv[1]), sys.argv[3:]), where="recipe")
    train.train_contrastive(recipe, Path(sys.argv[2]), resume=False, on_progress=ignore)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
