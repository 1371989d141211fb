"""What two launched processes find, for test_distributed.py; `many_processes.py FOLDER CASE` run by a launcher.

Each process writes FOLDER/CASE-<index>.json, and the main one the final weights of a whole run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn
from toy_run import Toy, ToyObjective, toy_batches, toy_settings

from threatclip.training.distributed import World, gather_rows, sum_gradients, this_accelerator, world_of
from threatclip.training.gradcache import Passes, accumulate_gradients
from threatclip.training.loop import train
from threatclip.training.precision import autocast
from threatclip.training.randomness import drawing_from


def gradients(world: World, *, rows: int, chunk_rows: int | None, dropout: float) -> dict[str, Any]:
    """Return the loss terms and every gradient of one batch of `rows` rows."""
    module = Toy(dropout=dropout)
    module.spare = nn.Parameter(torch.ones(2))  # used by no process: it must keep no gradient
    passes = Passes(
        world=world,
        chunk_rows=chunk_rows,
        autocast=partial(autocast, device=world.device, bf16=False),
        drawing=lambda name: drawing_from(1, name, device=world.device),
    )
    batch = toy_batches(batch_rows=rows).batch(0, 0)
    terms = accumulate_gradients(module=module, objective=ToyObjective(module), batch=batch, passes=passes)
    sum_gradients(module.parameters(), world=world)
    found = {name: value.grad.flatten().tolist() for name, value in module.named_parameters() if value.grad is not None}
    return {"terms": terms, "gradients": found}


def farthest(left: dict[str, Any], right: dict[str, Any]) -> float:
    """Return the largest difference of two results of the same form; infinite if the forms differ."""
    far = 0.0
    for part in ("terms", "gradients"):
        if left[part].keys() != right[part].keys():
            return float("inf")
        for name, value in left[part].items():
            far = max(far, float((torch.tensor(value) - torch.tensor(right[part][name])).abs().max()))
    return far


def compare(world: World) -> dict[str, Any]:
    """Compare this world's gradients with those of a world of one, in every way a batch can be cut."""
    alone = World(device=world.device)
    cases = [(rows, chunk_rows) for rows in (1, 2, 7, 12, 48) for chunk_rows in (None, 2, 5)]
    found = {
        f"{rows} rows in chunks of {chunk_rows}": farthest(
            gradients(world, rows=rows, chunk_rows=chunk_rows, dropout=0.0),
            gradients(alone, rows=rows, chunk_rows=None, dropout=0.0),
        )
        for rows, chunk_rows in cases
    }
    found["dropout"] = farthest(
        gradients(world, rows=12, chunk_rows=3, dropout=0.5), gradients(alone, rows=12, chunk_rows=3, dropout=0.5)
    )
    return found


def gathered(world: World) -> bool:
    """Say whether rows of several types and uneven shares come back whole and in order."""
    same = True
    for rows in (torch.arange(7), torch.rand(5, 2, generator=torch.Generator().manual_seed(1)), torch.arange(3) > 1):
        mine = rows[world.rows(len(rows))]
        same &= torch.equal(gather_rows(mine, n_rows=len(rows), world=world), rows)
    return same


def whole_run(world: World, folder: Path, *, die_at: int | None = None) -> dict[str, Any]:
    """Train with a checkpoint to resume, from weights that differ between processes unless the main's are copied."""
    module = Toy(dropout=0.0)
    with torch.no_grad():
        module.log_scale += world.index
    steps = train(
        module=module,
        objective=ToyObjective(module),
        batches=toy_batches(batch_rows=7, drop_last=False),
        settings=toy_settings(),
        checkpoints=folder,
        resume=True,
    )
    losses = []
    for step in steps:
        losses.append(step.losses["loss"])
        if step.step == die_at and world.index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    weights = module.state_dict()
    if world.index == 0:
        safetensors.torch.save_file(weights, folder.parent / f"{folder.name}.safetensors")
    return {"losses": losses, "sum": float(sum(value.double().sum() for value in weights.values()))}


def main() -> None:
    folder, case = Path(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    world = world_of(this_accelerator())
    if case == "die":
        result = whole_run(world, folder / "die", die_at=5)
    else:
        result = {
            "count": world.count,
            "far": compare(world),
            "gathered": gathered(world),
            "fresh": whole_run(world, folder / "fresh"),
            "resumed": whole_run(world, folder / "resumed"),
        }
    (folder / f"{case}-{world.index}.json").write_text(json.dumps(result))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
