"""Fixtures for every test: where the real data lies, one torch thread, beartype-checked shapes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real data, or skip: public checkouts do not have it."""
    folder = Path(os.environ.get("THREATCLIP_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set THREATCLIP_DATA")
    return folder


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what tests compute out of the cache of the machine's owner."""
    monkeypatch.setenv("THREATCLIP_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def quiet_forks() -> Iterator[None]:
    """Let a child that a later test forks keep silent: once loaded, LanceDB warns on the stderr of every child."""
    yield
    loop = sys.modules.get("lancedb.background_loop")
    if loop is not None:
        loop._FORK_WARNED = True  # type: ignore[attr-defined]
