"""A finished technique run that every test of its answers reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from technique_cases import train_tiny_technique, write_case


@pytest.fixture(scope="session")
def technique_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe with its data beside it."""
    return write_case(tmp_path_factory.mktemp("technique"))


@pytest.fixture(scope="session")
def technique_run(technique_recipe: Path) -> Path:
    """A finished run; nobody may change it."""
    out = technique_recipe.parent / "run"
    train_tiny_technique(technique_recipe, out)
    return out
