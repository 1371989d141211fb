"""The page about defense matrices: its recipe parses, its keys exist, every recipe is named and fits its sweep."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from threatclip.experiments.config import parse
from threatclip.experiments.matrix.plan import ask_name, asks_of, attacked_models
from threatclip.experiments.matrix.recipe import FilterLine, Matrices, Matrix, RepairLine
from threatclip.experiments.matrix.run import read_matrix

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "defense-matrix.md").read_text(encoding="utf-8")
RECIPES = sorted((REPOSITORY / "recipes").glob("backdoor-*.toml"))


def test_the_recipe_shown_is_a_matrix_of_its_sweep() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    matrix: Matrix = parse(Matrix, tomllib.loads(shown), where="page")
    assert (REPOSITORY / "recipes" / matrix.sweep).is_file()


@pytest.mark.parametrize(("prefix", "option"), [("repairs", RepairLine), ("filters", FilterLine)])
def test_every_key_that_is_told_is_a_key(prefix: str, option: Any) -> None:
    told = set(re.findall(rf"`{prefix}\.(\w+)`", PAGE))
    assert told
    assert told <= {field.name for field in dataclasses.fields(option)}


def test_every_recipe_is_named() -> None:
    named = set(re.findall(r"`recipes/((?:backdoor|defense)[\w-]*\.toml)`", PAGE))
    assert named == {path.name for path in RECIPES} | {"defenses.toml"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_fits_its_sweep_and_the_defenses_that_are_there(path: Path) -> None:
    matrix, sweep = read_matrix(path, [])
    names = [ask_name(ask) for models in attacked_models(matrix, sweep) for ask in asks_of(matrix, sweep, models)]
    assert len(set(names)) == len(names) > 5


def test_the_document_is_made_of_all_but_the_smoke_test() -> None:
    values = tomllib.loads((REPOSITORY / "recipes" / "defenses.toml").read_text(encoding="utf-8"))
    asked: Matrices = parse(Matrices, values, where="defenses")
    assert set(asked.matrices) == {path.name for path in RECIPES} - {"backdoor-smoke.toml"}
    assert asked.document == "docs/results/defenses.md"


def test_other_pages_lead_here() -> None:
    assert "(defense-matrix.md)" in (REPOSITORY / "docs" / "researcher.md").read_text(encoding="utf-8")
    assert "(docs/defense-matrix.md)" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
