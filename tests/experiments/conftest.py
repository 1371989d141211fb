"""Fixtures of this room: one tiny run for all of it, and a machine on which nothing else can interfere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from experiment_cases import PLAIN, TinyRun, one_thread, save_tiny_bert, train_tiny, write_recipe


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """A finished run of the tiny recipe; nobody may change it."""
    folder = tmp_path_factory.mktemp("tiny")
    return train_tiny(write_recipe(folder), folder / "run")


@pytest.fixture(scope="session")
def plain(tiny: TinyRun) -> TinyRun:
    """The same without dropout and without the last fit."""
    return train_tiny(tiny.recipe, tiny.folder.parent / "plain", *PLAIN)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a transformer that somebody else trained, in the hub's own format."""
    return save_tiny_bert(tmp_path_factory.mktemp("hub") / "tiny")


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, no data of the machine's owner."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("THREATCLIP_DATA", raising=False)
    with one_thread():
        yield
