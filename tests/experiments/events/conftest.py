"""A finished event run that every test of its judgment reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from event_cases import train_tiny_events, write_recipe
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session")
def event_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe with its table beside it."""
    return write_recipe(tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="session")
def event_run(event_recipe: Path) -> Path:
    """A finished run; nobody may change it."""
    out = event_recipe.parent / "run"
    train_tiny_events(event_recipe, out)
    return out


@pytest.fixture(autouse=True, scope="session")
def one_blas_thread() -> Iterator[None]:
    """Small matrices in many threads wait for each other longest of all."""
    with threadpool_limits(1):
        yield
