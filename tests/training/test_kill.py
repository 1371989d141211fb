"""SIGKILL at random moments: the resumed run ends in the same bits and loses less than one interval."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("kill_run.py")


def test_killed_runs_end_in_the_same_bits(tmp_path: Path) -> None:
    """Twenty kills; THREATCLIP_KILLS=200 for the full figure."""
    kills = int(os.environ.get("THREATCLIP_KILLS", "20"))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), str(kills), "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=60 + 2 * kills,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["calm"] == 0
    assert report["steps"] == 40
    assert report["killed"] == kills
    assert report["equal"] == [True] * report["rounds"]
    assert report["skipped"] == []
    assert report["lost"] < 3
    assert report["left"] == ["step-00000039", "step-00000040"]
