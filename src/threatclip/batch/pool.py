"""Worker processes that may be killed: what they had in hand is done again, what they had finished is not."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from threatclip.errors import InputError

Item = TypeVar("Item")
Prepare = Callable[[], Callable[[Any], None]]

_MOST_DEATHS = 3  # of workers in a row, with nothing finished between them
_prepare: Prepare | None = None  # of this worker process
_work: Callable[[Any], None] | None = None  # likewise; made once, since it holds a model


def run_items(
    items: Sequence[Item],
    prepare: Prepare,
    *,
    jobs: int,
    is_done: Callable[[Item], bool],
    on_done: Callable[[int], None],
) -> None:
    """Do the work on every item that is not done yet, in `jobs` processes of one torch thread each.

    Args:
        items: what is to be done, each independent of the others, and harmless to do twice.
        prepare: picklable; called once in each worker, it returns the work on one item.
        jobs: workers; 1 works in this process.
        is_done: tells, by what lies on the disk, whether an item is done.
        on_done: told how many items are done, whenever one more is.

    Raises:
        InputError: workers die again and again, and nothing gets done.
        ThreatclipError: whatever the work raised.
    """
    waiting, deaths = [item for item in items if not is_done(item)], 0
    if waiting and jobs == 1:
        _here(waiting, prepare, done=len(items) - len(waiting), on_done=on_done)
        return
    while waiting:
        before = len(waiting)
        finished = _round(waiting, prepare, jobs, done=len(items) - before, on_done=on_done)
        waiting = [item for item in waiting if not is_done(item)]
        on_done(len(items) - len(waiting))
        if finished and waiting:
            raise InputError(f"{len(waiting)} of {len(items)} parts vanished after they were written; leave them alone")
        deaths = deaths + 1 if len(waiting) == before else 0
        if deaths == _MOST_DEATHS:
            raise InputError(
                f"workers were killed {deaths} times in a row and nothing got done; is the memory too small? use fewer "
                "--jobs, or fewer --shard-rows with another folder"
            )


def _here(waiting: Sequence[Any], prepare: Prepare, *, done: int, on_done: Callable[[int], None]) -> None:
    work = prepare()
    torch: Any = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch is not None else 1
    _hold_back()
    try:
        for count, item in enumerate(waiting, start=done + 1):
            work(item)
            on_done(count)
    finally:
        if torch is not None:
            torch.set_num_threads(threads)


def _round(waiting: Sequence[Any], prepare: Prepare, jobs: int, *, done: int, on_done: Callable[[int], None]) -> bool:
    """Work until everything is done (True) or a worker was killed (False), which ends the others as well."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(prepare,)) as pool:
        try:
            for future in as_completed([pool.submit(_do, item) for item in waiting]):
                future.result()
                done += 1
                on_done(done)
        except BrokenProcessPool:
            return False
        except BaseException:
            pool.shutdown(cancel_futures=True, wait=False)
            for worker in multiprocessing.active_children():  # a part is whole or absent: nobody waits for one
                worker.terminate()
            raise
    return True


def _begin(prepare: Prepare) -> None:
    global _prepare
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _prepare = prepare


def _do(item: Any) -> None:
    global _work
    if _work is None:  # not in `_begin`: what is raised there is lost
        if _prepare is None:
            raise RuntimeError("a worker was given work before it was begun")
        _work = _prepare()
        _hold_back()
    _work(item)


def _hold_back() -> None:
    """One thread, so that the same batch gives the same bits everywhere; work without torch has none to hold back."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers; they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
