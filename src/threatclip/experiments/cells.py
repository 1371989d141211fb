"""Cells: the independent pieces of a long table, run in parallel, one JSON each, never run twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.artifacts import read_json, write_json
from threatclip.errors import RecipeError, ThreatclipError
from threatclip.experiments.config import as_plain
from threatclip.experiments.progress import OnProgress, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One piece of work: what a worker process is handed.

    Attributes:
        name: what its files start with, unique in its folder.
        spec: all that decides its result but the code and the data's bytes; picklable, plain dataclasses.
        folder: folder of the table; the cell's files lie in `cells/`.
    """

    name: str
    spec: Any
    folder: Path

    def file(self, ending: str) -> Path:
        """Return one of the cell's files."""
        return self.folder / "cells" / f"{self.name}{ending}"

    @property
    def key(self) -> str:
        """The hash of the spec: a finished cell is run again only where this has changed."""
        return hashlib.sha256(json.dumps(as_plain(self.spec), sort_keys=True).encode()).hexdigest()


Work = Callable[[Cell], dict[str, Any]]


def run_cells(cells: Sequence[Cell], work: Work, *, jobs: int, on_progress: OnProgress) -> list[dict[str, Any]]:
    """Run every cell that has not finished with its present key; return the results of all, in order.

    Args:
        cells: the table.
        work: a module-level function from a cell to its result (JSON-able); it may write further files of the cell,
            all of them before it returns: the JSON comes last.
        jobs: worker processes, one torch thread each.
        on_progress: told of every finished cell.

    Raises:
        RecipeError: two cells have one name.
        ThreatclipError: whatever `work` raised; the other cells' results are kept.
    """
    names = [cell.name for cell in cells]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RecipeError(f"two cells are named {twice!r}; give each its own name")
    waiting = [cell for cell in cells if not is_finished(cell)]
    done = len(cells) - len(waiting)
    on_progress(Progress(stage="cells", done=done, total=len(cells)))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context, initializer=_one_thread) as pool:
        futures = [pool.submit(_run, cell, work) for cell in waiting]
        try:
            for future in as_completed(futures):
                future.result()
                done += 1
                on_progress(Progress(stage="cells", done=done, total=len(cells)))
        except BaseException:
            pool.shutdown(cancel_futures=True, wait=False)
            for worker in multiprocessing.active_children():  # a cell takes minutes: nobody waits for a lost one
                worker.terminate()
            raise
    return [read_json(cell.file(".json")) for cell in cells]


def is_finished(cell: Cell) -> bool:
    """Return whether the cell's result is there and belongs to its present spec."""
    try:
        return bool(read_json(cell.file(".json"))["key"] == cell.key)
    except (ThreatclipError, KeyError, TypeError):
        return False


def _run(cell: Cell, work: Work) -> None:
    began = time.monotonic()
    forget_peak()
    result = work(cell)
    facts = {"seconds": time.monotonic() - began, "peak_mib": peak_mib(), "key": cell.key}
    write_json(cell.file(".json"), {**result, **facts})


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def forget_peak() -> None:
    """Start the peak of memory anew: one worker process runs many cells. Only Linux can; elsewhere peaks add up."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mib() -> float:
    """Return the most memory this process held since `forget_peak`, in MiB."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
