"""Work that kills its own worker, for the tests of the pool."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from pathlib import Path

from threatclip.errors import InputError


def prepare(folder: Path, kind: str) -> Callable[[int], None]:
    """Return work that writes a file an item; items 2 and 5 kill their worker once, or ever again."""
    return functools.partial(_work, folder, kind)


def _work(folder: Path, kind: str, item: int) -> None:
    if kind == "refuses" and item == 2:
        raise InputError("item 2 is not to be had")
    mark = folder / f"{item}.tried"
    if item in (2, 5) and (kind == "always" or not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / f"{item}.done").write_text(str(os.getpid()))
