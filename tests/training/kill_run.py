"""Trains in child processes and kills each of them with SIGKILL at a random moment, until one comes through.

Run as `kill_run.py FOLDER KILLS SEED`; prints one JSON object. One process imports torch and forks the trainers, so
that a kill costs milliseconds instead of the seconds of an import.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import safetensors.torch
import torch
from toy_run import Toy, ToyObjective, toy_batches, toy_settings

from threatclip.training.loop import train

SETTINGS = {"epochs": 10, "checkpoint_every_steps": 3, "ema_decay": 0.9, "chunk_rows": 5}


def trainer(folder: Path, told: int) -> None:
    """Resume and finish; tell each step's number, and what was passed over, down the pipe."""
    module = Toy()
    steps = train(
        module=module,
        objective=ToyObjective(module),
        batches=toy_batches(),
        settings=toy_settings(**SETTINGS),
        checkpoints=folder / "checkpoints",
        resume=True,
    )
    for step in steps:
        os.write(told, f"{json.dumps([step.step, step.notes])}\n".encode())
    safetensors.torch.save_file(module.state_dict(), folder / "final.safetensors")


def attempt(folder: Path, kill_after: float | None) -> tuple[list[list[object]], int]:
    """Return what one trainer told, and its wait status."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        status = 1
        try:
            trainer(folder, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    return [json.loads(line) for line in lines], os.waitpid(child, 0)[1]


def warm_up(folder: Path) -> None:
    """Import before the fork what torch imports at its first step."""
    module = Toy()
    steps = train(
        module=module,
        objective=ToyObjective(module),
        batches=toy_batches(),
        settings=toy_settings(**SETTINGS),
        checkpoints=folder,
    )
    next(steps)
    steps.close()


def main() -> None:
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    torch.set_num_threads(1)
    warm_up(folder / "warm")
    began = time.perf_counter()
    calm, status = attempt(folder / "calm", None)
    seconds = time.perf_counter() - began
    report = {
        "seconds": seconds,
        "calm": status,
        "steps": len(calm),
        "killed": 0,
        "rounds": 0,
        "skipped": [],
        "lost": 0,
        "equal": [],
    }
    while report["killed"] < kills:
        stormy = folder / f"stormy-{report['rounds']}"
        last = 0
        while True:
            told, status = attempt(stormy, chance.uniform(0, seconds / 3) if report["killed"] < kills else None)
            if told:
                report["lost"] = max(report["lost"], last + 1 - told[0][0])
                report["skipped"] += [note for note in told[0][1] if "passed over" in note]
                last = told[-1][0]
            if status == 0:
                break
            if status != signal.SIGKILL:
                sys.exit(f"a resumed trainer failed with status {status} after {report}")
            report["killed"] += 1
        ours, theirs = (safetensors.torch.load_file(run / "final.safetensors") for run in (stormy, folder / "calm"))
        report["equal"].append(all(torch.equal(value, theirs[name]) for name, value in ours.items()))
        report["rounds"] += 1
    report["left"] = sorted(path.name for path in (stormy / "checkpoints").iterdir())
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    for part in ("calm", *(f"stormy-{number}" for number in range(int(sys.argv[2]) + 1))):
        (Path(sys.argv[1]) / part).mkdir(parents=True)
    main()
