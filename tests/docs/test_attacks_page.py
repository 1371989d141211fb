"""The pages about attacks say what the code says: tables, sizes, and an example that runs."""

from __future__ import annotations

import dataclasses
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picture_cases import picture_pairs
from threatclip.attacks import ATTACKS
from threatclip.attacks.triggers import patch_px
from threatclip.attacks.truth import PARTS
from threatclip.cli.attack_reference import BEGIN, about, attacks_page

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "attacks.md").read_text(encoding="utf-8")


def test_the_tables_are_what_the_union_says() -> None:
    assert attacks_page(PAGE) == PAGE, "docs/attacks.md is not current; run `make docs`"


@pytest.mark.parametrize("kind", ATTACKS)
def test_every_attack_has_a_row_and_every_parameter_a_line(kind: str) -> None:
    attack = ATTACKS[kind]
    assert f"| [`{kind}`](#{kind}) | {', '.join(attack.modalities)} | {about(attack)} | {attack.paper} |" in PAGE
    section = PAGE.partition(f"### `{kind}`\n")[2].partition("\n### ")[0]
    for field in dataclasses.fields(attack):
        assert field.name == "kind" or re.search(rf"^\| `{field.name}[`.]", section, re.MULTILINE), field.name


def test_a_page_without_its_marks_is_refused() -> None:
    for page in ("nothing", f"only {BEGIN}"):
        with pytest.raises(ValueError, match="the page lacks"):
            attacks_page(page)


def test_sizes_of_a_patch_are_as_told() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    for side, learnable, area in (map(int, row) for row in rows):
        assert patch_px(16, side, side, scale="learnable") == learnable
        assert patch_px(16, side, side, scale="area") == area


def test_the_parts_of_a_row_are_named() -> None:
    assert f"which of {', '.join(f'`{part}`' for part in PARTS)} differ" in PAGE


def test_the_example_of_a_new_attack_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DOCS / "adding-an-attack.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    module = types.ModuleType("tint")
    monkeypatch.setitem(sys.modules, "tint", module)
    exec(compile(code, "tint.py", "exec"), module.__dict__)
    attack: Any = module.__dict__["Tint"](target="dog", strength=0.5)
    poisoned = attack.poison(picture_pairs(), count=3, rng=np.random.default_rng(0))
    assert [change.parts for change in poisoned.truth.changes] == [("view", "caption")] * 3
