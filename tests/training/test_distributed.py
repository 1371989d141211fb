"""Two real processes find what one finds; a dead one ends the other; a launch that was not joined is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from accelerate import Accelerator
from toy_run import Toy, ToyObjective, toy_batches, toy_settings

from threatclip.errors import InputError
from threatclip.training.checkpoint import latest_valid
from threatclip.training.distributed import World, this_accelerator, world_of
from threatclip.training.loop import train
from two_processes import launched

SCRIPT = Path(__file__).with_name("many_processes.py")
# port 0: the launcher takes a free one, so that tests may run side by side
ACCELERATE = [
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"),
    *("--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"),
]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]


def launch(launcher: list[str], folder: Path, case: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *launcher, str(SCRIPT), str(folder), case]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


def alone(folder: Path | None, *, stop_after: int | None = None) -> tuple[dict[str, torch.Tensor], list[float]]:
    module = Toy(dropout=0.0)
    steps = train(
        module=module,
        objective=ToyObjective(module),
        batches=toy_batches(batch_rows=7, drop_last=False),
        settings=toy_settings(),
        checkpoints=folder,
    )
    losses = []
    for step in steps:
        losses.append(step.losses["loss"])
        if step.step == stop_after:
            steps.close()
    return module.state_dict(), losses


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """One launch by `accelerate launch` that does everything; launching costs seconds."""

    def compare(folder: Path) -> subprocess.CompletedProcess[str]:
        alone(folder / "resumed", stop_after=10)
        return launch(ACCELERATE, folder, "compare")

    folder, done = launched(compare, tmp_path_factory.mktemp("two"))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, [json.loads((folder / f"compare-{index}.json").read_text()) for index in range(2)]


def test_gradients_equal_the_single_process(two: tuple[Path, list[dict[str, Any]]]) -> None:
    for result in two[1]:
        assert result["count"] == 2
        assert result["gathered"]
        assert len(result["far"]) == 16
        assert {name: far for name, far in result["far"].items() if not far <= 1e-5} == {}


@pytest.mark.parametrize(("case", "first"), [("fresh", 0), ("resumed", 10)])
def test_whole_runs_equal_the_single_process(two: tuple[Path, list[dict[str, Any]]], case: str, first: int) -> None:
    folder, results = two
    weights, losses = alone(None)
    for result in results:
        assert result[case]["losses"] == pytest.approx(losses[first:], abs=1e-5)
    assert results[0][case]["sum"] == results[1][case]["sum"]
    for name, value in safetensors.torch.load_file(folder / f"{case}.safetensors").items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=1e-5)


def test_only_the_main_process_writes(two: tuple[Path, list[dict[str, Any]]]) -> None:
    for case in ("fresh", "resumed"):
        names = sorted(path.name for path in (two[0] / case).iterdir())
        assert names == ["step-00000020", "step-00000021"]
        assert not latest_valid(two[0] / case).skipped


def test_a_killed_process_ends_the_other(tmp_path: Path) -> None:
    began = time.monotonic()
    done = launch(TORCHRUN, tmp_path, "die")
    assert done.returncode != 0
    assert time.monotonic() - began < 60
    assert latest_valid(tmp_path / "die").step == 4
    assert not list(tmp_path.glob("die-*.json"))


@pytest.mark.parametrize("n_rows", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_shares_cover_every_row_once(n_rows: int, count: int) -> None:
    shares = [World(device=torch.device("cpu"), index=index, count=count).rows(n_rows) for index in range(count)]
    assert [row for share in shares for row in range(n_rows)[share]] == list(range(n_rows))
    sizes = [share.stop - share.start for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_processes_that_accelerate_did_not_join_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator = this_accelerator()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="2 processes were launched but accelerate joined 1"):
        world_of(accelerator)


@pytest.mark.parametrize("kind", ["FSDP", "DEEPSPEED", "MEGATRON_LM", "XLA"])
def test_sharded_engines_are_refused(kind: str) -> None:
    class Kind:
        value = kind

    class Other:
        distributed_type = Kind()

    accelerator: Any = Other()
    with pytest.raises(InputError, match=kind):
        world_of(accelerator)


def test_one_process_is_the_whole_world() -> None:
    world = world_of(Accelerator(cpu=True))
    assert (world.index, world.count, world.device.type) == (0, 1, "cpu")
