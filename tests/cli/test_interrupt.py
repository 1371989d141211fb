"""Ctrl-C and SIGTERM: one line, exit 2, no temporary file left, and training goes on where it was."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, outcome_of, spawn, visible_and_hidden

from small_run import write_recipe


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has come to a certain point."""
    until = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_build_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    pipe, out = tmp_path / "pipe", tmp_path / "out"
    os.mkfifo(pipe)
    out.mkdir()
    process = spawn(["pairs", "build", "--source", "payload-list", pipe, "-o", out / "t.parquet", "-q"])
    with pipe.open("wb", buffering=0) as writer:
        writer.write(b"GET / HTTP/1.1\n" * 100_000)  # more than every buffer on the way
        wait_for(lambda: bool(visible_and_hidden(out)), process)
        process.send_signal(number)
        done = outcome_of(process)
    assert done.code == 2
    assert done.error == "stopped; nothing was left half-written"
    assert visible_and_hidden(out) == []


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, spawned: Command) -> None:
    recipe = write_recipe(tmp_path)
    sets = ["--set", "stage2.steps=120", "--set", 'answer.members=["anchors"]', "--set", "answer.refit=false"]
    options = [*sets, "--quiet"]
    calm = spawned("train", recipe, "-o", tmp_path / "calm", *options)
    assert calm.code == 0, calm.errors
    run = tmp_path / "run"
    process = spawn(["train", recipe, "-o", run, *options])
    wait_for(lambda: any((run / "checkpoints").rglob("manifest.json")), process)
    process.send_signal(signal.SIGINT)
    stopped = outcome_of(process)
    assert stopped.code == 2
    again = shlex.join(["threatclip", "train", str(recipe), "-o", str(run), "--resume", *sets])
    assert stopped.error == f"stopped; go on with `{again}`"
    assert not (run / "bundle").exists()
    assert not [name for name in visible_and_hidden(run) if name.endswith(".part")]
    resumed = spawned("train", recipe, "-o", run, "--resume", *options)
    assert resumed.code == 0, resumed.errors
    for name in ("weights.safetensors", "config.json", "known.json"):
        assert (run / "bundle" / name).read_bytes() == (tmp_path / "calm" / "bundle" / name).read_bytes(), name


def test_a_run_stopped_before_it_began_leaves_no_advice_to_resume(tmp_path: Path) -> None:
    pipe = tmp_path / "recipe.toml"
    os.mkfifo(pipe)
    process = spawn(["train", pipe, "-o", tmp_path / "run"])
    with pipe.open("wb", buffering=0):  # opened by the command, and never written
        process.send_signal(signal.SIGINT)
        done = outcome_of(process)
    assert done.code == 2
    assert done.error == "stopped; nothing was left half-written"
    assert visible_and_hidden(tmp_path) == ["recipe.toml"]
