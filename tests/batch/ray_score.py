"""Scores on a Ray of its own with two actors, one of which is killed. Run as `ray_score.py TABLE RUN FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil

from threatclip.batch.score import Machines, score


def kill_one_actor(out: Path) -> None:
    """End an actor with SIGKILL once the first part is there."""
    while not list(out.glob("part-*")):
        time.sleep(0.01)
    for process in psutil.process_iter(["name", "cmdline"]):
        if "ShardActor" in " ".join(process.info["cmdline"] or ()) and process.pid != os.getpid():
            process.send_signal(signal.SIGKILL)
            return


if __name__ == "__main__":
    table, run, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    threading.Thread(target=kill_one_actor, args=(out,), daemon=True).start()
    machines = Machines(engine="ray", jobs=2)
    score(table, out, run=run, machines=machines, columns={}, shard_rows=8, on_progress=lambda _: None)
