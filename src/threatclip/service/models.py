"""Models in memory: loaded when first asked, in a thread of their own, a few at a time, anew after a new training."""

from __future__ import annotations

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from threatclip.artifacts import MANIFEST
from threatclip.errors import InputError
from threatclip.experiments.tasks import Classifier, load_classifier
from threatclip.pairs.pair import Pair
from threatclip.service.batching import Answers, Batcher, out_of_time, stopping
from threatclip.service.metrics import Metrics
from threatclip.service.problems import Problem
from threatclip.service.runs import RunCard, Runs, stamp_of
from threatclip.service.settings import Limits

T = TypeVar("T")
_MAX_SEARCHING = 64  # searches that wait; each may carry many queries


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A run in memory, and the queue before it."""

    card: RunCard
    stamp: tuple[int, ...]
    classifier: Classifier
    batcher: Batcher

    def is_current(self) -> bool:
        """Whether the bundle on disk is still the one that was read."""
        return stamp_of(self.card.bundle / MANIFEST) == self.stamp


class Models:
    """What answers requests; it lives in one event loop, models work in one thread."""

    def __init__(self, runs: Runs, *, limits: Limits, metrics: Metrics) -> None:
        self._runs = runs
        self._limits = limits
        self._metrics = metrics
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._loading = asyncio.Lock()
        self._stopping = False
        self._working = set[asyncio.Future[Any]]()  # what the thread was asked for beside batches, until it has ended
        self._searching = 0
        # one thread: two models at once would share the same cores, and each answer would take twice as long
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def names(self) -> tuple[str, ...]:
        """The runs that are in memory."""
        return tuple(self._loaded)

    async def classify(self, run: str, pairs: Sequence[Pair]) -> Answers:
        """Return the answers of a run to `pairs`, as `threatclip classify --json` prints them.

        Raises:
            Problem: see `Batcher.ask`.
            ThreatclipError: no such run, one that does not classify, a damaged one, or an input it refuses.
        """
        loaded = await self.load(run)
        while loaded.batcher.is_closed and not self._stopping:  # forgotten between the two lines
            loaded = await self.load(run)
        return await loaded.batcher.ask(pairs)

    async def load(self, run: str) -> Loaded:
        """Return a run, loading it where it is not in memory or was trained anew.

        Raises:
            Problem: 503 while the service stops, or when a file of the model was changed.
            InputError: no such run, or one that does not classify.
        """
        async with self._loading:
            if self._stopping:
                raise stopping()
            held = self._loaded.get(run)
            if held is not None and held.is_current():
                self._loaded.move_to_end(run)
                return held
            card = await asyncio.to_thread(self._runs.find, run)
            loaded = await self._read(card)
            if self._stopping:  # nobody would end its queue
                raise stopping()
            self._loaded[run] = loaded
            self._loaded.move_to_end(run)
            old = [] if held is None else [held]
            while len(self._loaded) > self._limits.loaded_runs:
                old.append(self._loaded.popitem(last=False)[1])
            for one in old:
                await one.batcher.close(self._limits.grace_seconds)
            return loaded

    async def work(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Return what a function of a model returns, in the thread of models, when its turn comes.

        Raises:
            Problem: 429 when too many wait, 503 while the service stops, 504 when the time of a request is over.
        """
        if self._stopping:
            raise stopping()
        if self._searching >= _MAX_SEARCHING:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS, f"{self._searching} requests wait already", headers={"Retry-After": "1"}
            )
        self._searching += 1
        task = self._in_thread(functools.partial(function, *arguments, **named))
        task.add_done_callback(self._searched)
        try:
            return await asyncio.wait_for(_ended(task), self._limits.request_seconds)
        except TimeoutError as error:
            task.add_done_callback(_forget_error)
            raise out_of_time(self._limits.request_seconds) from error

    def _in_thread(self, function: Callable[[], T]) -> asyncio.Future[T]:
        task = asyncio.get_running_loop().run_in_executor(self._executor, function)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    def _searched(self, _: object) -> None:
        self._searching -= 1

    async def run_for(self, reads: str) -> str:
        """Return the name of the only run that reads `reads`.

        Raises:
            InputError: there is none, or more than one.
        """
        cards = await asyncio.to_thread(self._runs.cards)
        fit = [card.name for card in cards if card.reads == reads and card.kind != "dual-encoder"]
        if len(fit) == 1:
            return fit[0]
        if not fit:
            raise InputError(f"no run here classifies such inputs ({reads}); GET /v1/models lists the runs")
        raise InputError(f"several runs classify such inputs: name one as run ({', '.join(fit[:10])})")

    async def close(self) -> None:
        """Take nothing more, end what was accepted within the time of grace, and tell the rest so."""
        self._stopping = True
        grace = self._limits.grace_seconds
        ends = [loaded.batcher.close(grace) for loaded in self._loaded.values()]
        if self._working:
            await asyncio.gather(asyncio.wait(set(self._working), timeout=grace), *ends)
        else:
            await asyncio.gather(*ends)
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _read(self, card: RunCard) -> Loaded:
        stamp = stamp_of(card.bundle / MANIFEST)
        try:
            classifier = await _ended(self._in_thread(functools.partial(load_classifier, card.folder)))
        except InputError as error:
            raise InputError(f"the run {card.name} (kind {card.kind}) does not classify; choose another") from error
        batcher = Batcher(
            classifier.classify_pairs,
            run=card.name,
            executor=self._executor,
            limits=self._limits,
            metrics=self._metrics,
        )
        return Loaded(card=card, stamp=stamp, classifier=classifier, batcher=batcher)


async def _ended(task: asyncio.Future[T]) -> T:
    """Return what a task of the thread returns; who gives up waiting does not end it.

    Raises:
        Problem: 503 where the service stopped before the task's turn came.
    """
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise stopping() from None
        raise


def _forget_error(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()  # looked at, so that nobody warns of it: who asked has gone
