"""Micro-batching: what waits for a model while it works goes through it together.

An idle model answers at once. Requests that arrive while it works wait in a bounded queue and form the next batch; a
model that was just busy waits a few milliseconds for as many requests as its last batch had, no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from threatclip.errors import ThreatclipError
from threatclip.pairs.pair import Pair
from threatclip.service.metrics import Metrics
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits

Answers = list[dict[str, Any]]
Classify = Callable[[Sequence[Pair]], Answers]
_SMOOTHING = 0.2


def stopping() -> Problem:
    """Return what a request hears while the service stops."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the service is stopping; ask again in a while",
        headers={"Retry-After": "5", "Connection": "close"},
    )


def out_of_time(seconds: float) -> Problem:
    """Return what a request hears that waited too long."""
    return Problem(HTTPStatus.GATEWAY_TIMEOUT, f"no answer within {seconds:g} s; send fewer inputs, or ask again later")


@dataclass(slots=True, kw_only=True, eq=False)
class _Ask:
    pairs: Sequence[Pair]
    answers: asyncio.Future[Answers]


class Batcher:
    """The queue before one model; it lives in one event loop, the model works in `executor`."""

    def __init__(self, classify: Classify, *, run: str, executor: Executor, limits: Limits, metrics: Metrics) -> None:
        self._classify = classify
        self._run = run
        self._executor = executor
        self._limits = limits
        self._metrics = metrics
        self._queue = deque[_Ask]()
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._stopping = False
        self._seconds_per_input = 0.0
        self._worker: asyncio.Task[None] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._stopping

    async def ask(self, pairs: Sequence[Pair]) -> Answers:
        """Return the answers to `pairs`, in order.

        Raises:
            Problem: 429 when the queue is full, 503 when the service stops, 504 when the time of a request is over.
            ThreatclipError: the model refuses an input.
        """
        if self._stopping:
            raise stopping()
        if self._waiting + len(pairs) > self._limits.queue_inputs:
            self._metrics.refused.labels(self._run).inc()
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self._waiting} inputs wait for {self._run} already; ask again later",
                headers={"Retry-After": str(self._retry_after())},
            )
        ask = _Ask(pairs=pairs, answers=asyncio.get_running_loop().create_future())
        self._queue.append(ask)
        self._count(len(pairs))
        self._arrived.set()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        try:
            return await asyncio.wait_for(ask.answers, self._limits.request_seconds)
        except TimeoutError as error:
            raise out_of_time(self._limits.request_seconds) from error

    async def close(self, grace_seconds: float) -> None:
        """Take nothing more, answer what waits within `grace_seconds`, and tell the rest that it was not answered."""
        self._stopping = True
        self._arrived.set()
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=grace_seconds)
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        while self._queue:
            self._fail(self._queue.popleft(), stopping())

    def _retry_after(self) -> int:
        return max(1, math.ceil(self._waiting * self._seconds_per_input))

    def _count(self, change: int) -> None:
        self._waiting += change
        self._metrics.waiting.labels(self._run).set(self._waiting)

    async def _work(self) -> None:
        last = 1
        while True:
            while not self._queue:
                if self._stopping:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            if last > 1:
                await self._linger(last)
            batch = self._taken()
            last = len(batch)
            if batch:
                try:
                    await self._answer(batch)
                except asyncio.CancelledError:
                    for ask in batch:
                        self._fail(ask, stopping())
                    raise

    async def _linger(self, wanted: int) -> None:
        """Wait for `wanted` requests or a full batch, as long as a batch may be waited for."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.linger_ms / 1000
        while (
            not self._stopping
            and len(self._queue) < wanted
            and self._waiting < self._limits.batch_inputs
            and (left := until - loop.time()) > 0
        ):
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)

    def _taken(self) -> list[_Ask]:
        """Take from the queue what goes through the model together; who gave up waiting is left out."""
        batch: list[_Ask] = []
        size = 0
        while self._queue and (not batch or size + len(self._queue[0].pairs) <= self._limits.batch_inputs):
            ask = self._queue.popleft()
            self._count(-len(ask.pairs))
            if not ask.answers.done():
                batch.append(ask)
                size += len(ask.pairs)
        return batch

    async def _answer(self, batch: list[_Ask]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        pairs = [pair for ask in batch for pair in ask.pairs]
        try:
            answers = await loop.run_in_executor(self._executor, self._classify, pairs)
        except ThreatclipError as error:
            if len(batch) == 1:
                self._fail(batch[0], error)
                return
            for ask in batch:  # one bad input must not cost the others their answers
                await self._answer([ask])
            return
        except Exception as error:  # a bug: each request becomes a 500, the queue goes on
            for ask in batch:
                self._fail(ask, error)
            return
        self._told(loop.time() - began, answers)
        start = 0
        for ask in batch:
            if not ask.answers.done():
                ask.answers.set_result(answers[start : start + len(ask.pairs)])
            start += len(ask.pairs)

    def _told(self, seconds: float, answers: Answers) -> None:
        each = seconds / max(1, len(answers))
        before = self._seconds_per_input
        self._seconds_per_input = each if before == 0 else before + _SMOOTHING * (each - before)
        self._metrics.batch_inputs.labels(self._run).observe(len(answers))
        self._metrics.batch_seconds.labels(self._run).observe(seconds)
        abstained = sum(bool(answer.get("abstained")) for answer in answers)
        self._metrics.answers.labels(self._run, "abstained").inc(abstained)
        self._metrics.answers.labels(self._run, "answered").inc(len(answers) - abstained)

    @staticmethod
    def _fail(ask: _Ask, error: Exception) -> None:
        if not ask.answers.done():
            ask.answers.set_exception(error)
