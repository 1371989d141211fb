"""Models in memory: what was accepted is answered or told so when the service stops."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from threatclip.service.metrics import make_metrics
from threatclip.service.models import Models
from threatclip.service.problems import Problem
from threatclip.service.runs import Runs
from threatclip.service.settings import Limits


def ends_of(folder: Path, *, grace: float) -> list[object]:
    """Return how three searches end that were accepted when the service stops; the first holds up the others."""
    go = threading.Event()

    async def scenario() -> list[object]:
        models = Models(Runs(folder), limits=Limits(grace_seconds=grace), metrics=make_metrics())
        asked = [asyncio.create_task(models.work(lambda n=n: (go.wait(20), n)[1])) for n in range(3)]
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(models.close())
        await asyncio.sleep(2 * min(grace, 0.05))
        late = await asyncio.gather(models.work(lambda: 9), return_exceptions=True)
        go.set()
        await closing
        return [*await asyncio.gather(*asked, return_exceptions=True), *late]

    return asyncio.run(scenario())


def test_accepted_searches_are_answered_when_the_service_stops(tmp_path: Path) -> None:
    *answers, late = ends_of(tmp_path, grace=20)
    assert answers == [0, 1, 2]
    assert isinstance(late, Problem)
    assert late.status_code == 503


def test_searches_without_time_left_are_told(tmp_path: Path) -> None:
    first, *rest = ends_of(tmp_path, grace=0.01)
    assert first == 0
    for problem in rest:
        assert isinstance(problem, Problem)
        assert problem.status_code == 503


def test_a_search_that_fails_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        models = Models(Runs(tmp_path), limits=Limits(), metrics=make_metrics())
        with pytest.raises(ZeroDivisionError):
            await models.work(lambda: 1 // 0)
        await models.close()

    asyncio.run(scenario())
