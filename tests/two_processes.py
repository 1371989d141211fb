"""Launches of two processes, tried anew where the launcher's own library aborts one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

_TRIES = 3
_ABORTED = "exitcode: -6"


def launched(
    launch: Callable[[Path], subprocess.CompletedProcess[str]], folder: Path
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return the folder that a launch worked in, and how it ended.

    On a busy machine gloo now and then ends a process with "terminate called without an active exception": one of its
    threads is still there when the process goes. That says nothing of our code, so it is tried again, in a new folder;
    any other end stands.
    """
    for number in range(_TRIES):
        place = folder / f"try-{number}"
        place.mkdir()
        done = launch(place)
        if _ABORTED not in done.stderr or "terminate called without an active exception" not in done.stderr:
            break
    return place, done
