"""Scores in child processes and kills each with SIGKILL at a random moment, until one comes through.

Run as `kill_score.py FOLDER KILLS SEED`; prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from score_cases import scored


def attempt(folder: Path, kill_after_parts: int | None) -> int:
    """Return the wait status of one scoring."""
    out = folder / "stormy"
    before = len(list(out.glob("part-*")))
    child = os.fork()
    if not child:
        status = 1
        try:
            scored(folder / "t.parquet", out, run=folder / "run" / "bundle", shard_rows=20)
            status = 0
        finally:
            os._exit(status)
    while kill_after_parts is not None and len(list(out.glob("part-*"))) < before + kill_after_parts:
        time.sleep(0.0005)
        if os.waitpid(child, os.WNOHANG)[0]:
            return 0
    if kill_after_parts is not None:
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main() -> None:
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    killed = sum(attempt(folder, chance.randrange(12)) == signal.SIGKILL for _ in range(kills))
    status = attempt(folder, None)
    json.dump({"killed": killed}, sys.stdout)
    sys.exit(status != 0)


if __name__ == "__main__":
    main()
