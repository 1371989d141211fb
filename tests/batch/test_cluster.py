"""A Ray of two processes writes what one process does; actors never hold every CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from threatclip.batch.cluster import actor_cpus
from threatclip.batch.score import Machines, score

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("cluster", "jobs", "each"), [(2, 2, 0.5), (2, 1, 1.0), (1, 1, 0.5), (1, 2, 0.25), (16, 4, 1.0), (4, 4, 0.75)]
)
def test_a_cpu_is_left_for_reading(cluster: float, jobs: int, each: float) -> None:
    assert actor_cpus(cluster, jobs) == each
    assert actor_cpus(cluster, jobs) * jobs < cluster


@pytest.mark.slow
def test_a_ray_of_two_processes_writes_the_same_answers(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    sys.path.insert(0, str(HERE.parent / "cli"))
    try:
        from small_run import write_recipe
    finally:
        sys.path.pop(0)
    from threatclip.cli.main import main

    recipe = write_recipe(tmp_path)
    run, table = tmp_path / "run", tmp_path / "pairs.parquet"
    assert main(["train", str(recipe), "-o", str(run), "--quiet"]) == 0
    score(
        str(table),
        tmp_path / "local",
        run=run,
        machines=Machines(),
        columns={},
        shard_rows=8,
        on_progress=lambda _: None,
    )
    done = subprocess.run(
        [sys.executable, str(HERE / "ray_score.py"), str(table), str(run), str(tmp_path / "ray")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    local, ray = tmp_path / "local", tmp_path / "ray"
    assert sorted(path.name for path in local.iterdir()) == sorted(path.name for path in ray.iterdir())
    assert {path.name: path.read_bytes() for path in local.iterdir()} == {
        path.name: path.read_bytes() for path in ray.iterdir()
    }
