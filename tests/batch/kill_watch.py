"""Watches a log in child processes and kills each with SIGKILL at a random moment, while the log is written to.

Run as `kill_watch.py FOLDER KILLS SEED`; prints one JSON object. The writer appends, cuts lines in two, renames, packs.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from watch_cases import Echo, append, asked, event, read_once

from threatclip.batch.watch import Watching, state_path, watch


def watcher(log: Path, answers: Path) -> None:
    """Follow the log until killed."""
    watch(
        Watching(log=log, answers=answers, poll_s=0.001, grace_s=0.0),
        Echo(),
        stopping=lambda: False,
        on_notice=lambda _: None,
        on_progress=lambda _: None,
    )


def started(log: Path, answers: Path) -> int:
    child = os.fork()
    if not child:
        try:
            watcher(log, answers)
        finally:
            os._exit(1)
    return child


def stored(state: Path) -> bytes:
    return state.read_bytes() if state.exists() else b""


class Writer:
    """What writes the log."""

    def __init__(self, log: Path, chance: random.Random) -> None:
        self.log, self.chance, self.n, self.n_rotated = log, chance, 0, 0

    def step(self) -> None:
        """Do one thing that a log's writer does."""
        what = self.chance.random()
        if what < 0.15 and self.log.exists():
            self.rotate(packed=self.chance.random() < 0.3)
        elif what < 0.3:
            line = event(self.n)
            cut = self.chance.randrange(len(line))
            with self.log.open("ab", buffering=0) as handle:
                handle.write(line[:cut])
                time.sleep(0.002)
                handle.write(line[cut:])
            self.n += 1
        else:
            many = self.chance.randrange(1, 100)
            append(self.log, *range(self.n, self.n + many))
            self.n += many

    def rotate(self, *, packed: bool) -> None:
        """Rename the log; or pack it, as a rotation without a delay does."""
        self.n_rotated += 1
        target = self.log.with_name(f"{self.log.name}.{10_000 - self.n_rotated}")
        self.log.rename(target)
        if packed:
            facts = target.stat()
            part = target.with_name("packing")
            with target.open("rb") as source, gzip.open(part, "wb") as packing:
                shutil.copyfileobj(source, packing)
            os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            part.rename(f"{target}.gz")
            target.unlink()
        time.sleep(0.01)  # so that two logs are never written to within one tick of the clock


def main() -> None:
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    log, answers = folder / "eve.json", folder / "answers.jsonl"
    state = state_path(answers)
    writer = Writer(log, chance)
    killed = 0
    append(log, *range(50))
    writer.n = 50
    for _ in range(kills):
        before = stored(state)
        child = started(log, answers)
        while (
            stored(state) == before or not answers.stat().st_size
        ):  # on a busy machine a watcher may take long to come to its first answer
            time.sleep(0.001)
        for _ in range(chance.randrange(8)):
            writer.step()
            time.sleep(chance.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
        for _ in range(chance.randrange(1, 4)):
            writer.step()
    seen_before_the_end = len(asked(answers))
    read_once(log, answers)
    found = asked(answers)
    report = {
        "killed": killed,
        "events": writer.n,
        "rotations": writer.n_rotated,
        "answered_before_the_end": seen_before_the_end,
        "same": found == list(range(writer.n)),
        "lost": len(set(range(writer.n)) - set(found)),
        "repeated": len(found) - len(set(found)),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
