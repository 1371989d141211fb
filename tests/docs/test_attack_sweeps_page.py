"""The page about attack sweeps: its recipe parses, its keys exist, its figures are those that a judge returns."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from threatclip.experiments.config import parse
from threatclip.experiments.poisoning.recipe import Line, Rows, Sweep

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "attack-sweeps.md").read_text(encoding="utf-8")


def test_the_recipe_shown_is_a_sweep() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    sweep: Sweep = parse(Sweep, tomllib.loads(shown), where="page")
    assert [line.name for line in sweep.lines] == ["clean", "header"]


@pytest.mark.parametrize(("prefix", "option"), [("rows", Rows), ("lines", Line)])
def test_every_key_that_is_told_is_a_key(prefix: str, option: Any) -> None:
    told = set(re.findall(rf"`{prefix}\.(\w+)`", PAGE))
    assert told
    assert told <= {field.name for field in dataclasses.fields(option)}


def test_every_recipe_of_attacks_is_named_and_is_there() -> None:
    named = set(re.findall(r"`recipes/(attack[\w-]*\.toml)`", PAGE))
    found = {path.name: tomllib.loads(path.read_text()) for path in (REPOSITORY / "recipes").glob("attack*.toml")}
    assert named == {name for name, values in found.items() if values["task"] in ("attack-sweep", "attack-sweeps")}


def test_other_pages_lead_here() -> None:
    assert "(docs/attack-sweeps.md)" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "(attack-sweeps.md)" in (REPOSITORY / "docs" / "researcher.md").read_text(encoding="utf-8")
