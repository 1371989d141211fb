"""Tiny trained runs, and a client that speaks to the app without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_runs import FakeClassifier
from service_cases import train_posts
from starlette.testclient import TestClient

from small_run import write_recipe
from threatclip.experiments.config import load_recipe
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import train_run
from threatclip.service.app import create_app
from threatclip.service.settings import Settings

HOST = "http://127.0.0.1"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two finished runs: `payload` and `posts/events`."""
    folder = tmp_path_factory.mktemp("service")
    data = folder / "data"
    data.mkdir()
    runs = folder / "runs"
    train_run(load_recipe(write_recipe(data), []), runs / "payload", resume=False, on_progress=ignore)
    train_posts(data, runs / "posts" / "events")
    return runs


@pytest.fixture
def settings(runs: Path, tmp_path: Path) -> Settings:
    return Settings(runs=runs, jobs=tmp_path / "jobs")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url=HOST) as client:
        yield client


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeClassifier:
    """What every run answers with, at once unless `go` is cleared."""
    made = FakeClassifier()
    made.go.set()
    monkeypatch.setattr("threatclip.service.models.load_classifier", lambda folder: made)
    return made
