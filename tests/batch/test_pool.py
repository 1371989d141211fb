"""Workers that are killed cost nothing but their time; workers that always die end the work with advice."""

from __future__ import annotations

import functools
from pathlib import Path

import pool_cases
import pytest

from threatclip.batch.pool import run_items
from threatclip.errors import InputError


def work(folder: Path, kind: str, *, jobs: int = 2) -> list[int]:
    told: list[int] = []
    run_items(
        range(8),
        functools.partial(pool_cases.prepare, folder, kind),
        jobs=jobs,
        is_done=lambda item: (folder / f"{item}.done").exists(),
        on_done=told.append,
    )
    return told


def test_killed_workers_are_replaced(tmp_path: Path) -> None:
    told = work(tmp_path, "once")
    assert sorted(path.name for path in tmp_path.glob("*.done")) == [f"{item}.done" for item in range(8)]
    assert told[-1] == 8
    assert sorted(path.name for path in tmp_path.glob("*.tried")) == ["2.tried", "5.tried"]


def test_workers_that_always_die_end_the_work(tmp_path: Path) -> None:
    for item in (0, 1, 3, 4, 6, 7):
        (tmp_path / f"{item}.done").touch()
    with pytest.raises(InputError, match="killed 3 times in a row"):
        work(tmp_path, "always")


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_work_is_raised(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "5.tried").touch()
    with pytest.raises(InputError, match="item 2 is not to be had"):
        work(tmp_path, "refuses", jobs=jobs)
