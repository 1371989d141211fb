"""Micro-batching: an idle model at once, what waits together, bounds on all of it, and an honest end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_runs import FakeClassifier

from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.service.batching import Batcher
from threatclip.service.metrics import make_metrics
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits


def pairs(*names: str, view: bytes = b"x") -> list[Pair]:
    return [Pair(id=name, view=view) for name in names]


def run(scenario: Callable[[Batcher, FakeClassifier], Awaitable[Any]], **limits: Any) -> FakeClassifier:
    """Run a scenario with a batcher whose model is held back until `go` is set."""
    fake = FakeClassifier()

    async def scene() -> None:
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(
                fake.classify_pairs,
                run="r",
                executor=executor,
                limits=Limits(**{"inputs": 1, **limits}),
                metrics=make_metrics(),
            )
            await asyncio.wait_for(asyncio.ensure_future(scenario(batcher, fake)), 20)
            fake.go.set()
            await batcher.close(5)

    asyncio.run(scene())
    return fake


async def begun(fake: FakeClassifier, n: int = 1) -> None:
    while len(fake.batches) < n:
        await asyncio.sleep(0.002)


def test_what_waits_while_the_model_works_goes_through_it_together() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        first = asyncio.ensure_future(batcher.ask(pairs("a")))
        await begun(fake)
        rest = [asyncio.ensure_future(batcher.ask(pairs(name))) for name in "bcde"]
        await asyncio.sleep(0)
        fake.go.set()
        assert [answer["id"] for answer in await first] == ["a"]
        assert [found[0]["id"] for found in await asyncio.gather(*rest)] == list("bcde")

    assert run(scenario, batch_inputs=3).batches == [["a"], ["b", "c", "d"], ["e"]]


def test_a_full_queue_is_429_with_a_time_to_come_back() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        held = asyncio.ensure_future(batcher.ask(pairs("a")))
        await begun(fake)
        waiting = [asyncio.ensure_future(batcher.ask(pairs(name))) for name in "bc"]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await batcher.ask(pairs("d"))
        assert refused.value.status_code == 429
        assert int((refused.value.headers or {})["Retry-After"]) >= 1
        fake.go.set()
        await asyncio.gather(held, *waiting)

    run(scenario, queue_inputs=2)


def test_a_request_that_waits_too_long_is_504_and_never_reaches_the_model() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        held = asyncio.ensure_future(batcher.ask(pairs("a")))
        await begun(fake)
        late = await asyncio.gather(batcher.ask(pairs("late")), return_exceptions=True)
        assert isinstance(late[0], Problem)
        assert late[0].status_code == 504
        fake.go.set()
        await asyncio.gather(held, return_exceptions=True)

    assert run(scenario, request_seconds=0.05).batches == [["a"]]


def test_one_bad_input_does_not_cost_the_others_their_answers() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        first = asyncio.ensure_future(batcher.ask(pairs("a")))
        await begun(fake)
        rest = [
            asyncio.ensure_future(batcher.ask(pairs("b"))),
            asyncio.ensure_future(batcher.ask(pairs("c", view=b"bad"))),
            asyncio.ensure_future(batcher.ask(pairs("d"))),
        ]
        await asyncio.sleep(0)
        fake.go.set()
        await first
        good, bad, also = await asyncio.gather(*rest, return_exceptions=True)
        assert isinstance(bad, InputError)
        assert isinstance(good, list)
        assert isinstance(also, list)

    run(scenario)


def test_a_bug_ends_its_requests_and_not_the_queue() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        fake.go.set()
        with pytest.raises(AttributeError):
            await batcher.ask(pairs("a", view=b"bug"))
        assert len(await batcher.ask(pairs("b"))) == 1

    run(scenario)


def test_closing_answers_what_was_accepted_and_tells_the_rest() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        held = asyncio.ensure_future(batcher.ask(pairs("a")))
        await begun(fake)
        waiting = asyncio.ensure_future(batcher.ask(pairs("b")))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(batcher.close(10))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await batcher.ask(pairs("c"))
        assert refused.value.status_code == 503
        fake.go.set()
        await closing
        assert (await held)[0]["id"] == "a"
        assert (await waiting)[0]["id"] == "b"

    run(scenario)


def test_closing_without_grace_reports_what_was_not_answered() -> None:
    async def scenario(batcher: Batcher, fake: FakeClassifier) -> None:
        held = asyncio.ensure_future(batcher.ask(pairs("a")))
        await begun(fake)
        waiting = asyncio.ensure_future(batcher.ask(pairs("b")))
        await asyncio.sleep(0)
        await batcher.close(0.01)
        for one in await asyncio.gather(held, waiting, return_exceptions=True):
            assert isinstance(one, Problem)
            assert one.status_code == 503

    run(scenario)
