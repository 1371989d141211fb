"""A finished contrastive run that every test of its judgment reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_cases import train_small, write_tables


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe with both tables beside it."""
    return write_tables(tmp_path_factory.mktemp("contrastive"))


@pytest.fixture(scope="session")
def small_run(small_recipe: Path) -> Path:
    """A finished run; nobody may change it."""
    out = small_recipe.parent / "run"
    train_small(small_recipe, out)
    return out
