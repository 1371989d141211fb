"""The made-up world of groups, written once."""

from __future__ import annotations

from pathlib import Path

import pytest
from attribution_cases import write_world

from threatclip.experiments.attribution.rows import AttackRows, read_rows


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world") / "world.json")


@pytest.fixture(scope="session")
def rows(world: Path) -> AttackRows:
    return read_rows(world)
