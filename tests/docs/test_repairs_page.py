"""The page about repairs says what the union says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from threatclip.cli.attack_reference import about, repairs_page
from threatclip.defenses.repairs import REPAIRS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "repairs.md").read_text(encoding="utf-8")


def test_the_tables_are_what_the_union_says() -> None:
    assert repairs_page(PAGE) == PAGE, "docs/repairs.md is not current; run `make docs`"


@pytest.mark.parametrize("kind", REPAIRS)
def test_every_repair_has_a_row_and_every_parameter_a_line(kind: str) -> None:
    repair = REPAIRS[kind]
    assert f"| [`{kind}`](#{kind}) | {', '.join(repair.modalities)} | {about(repair)} | {repair.paper} |" in PAGE
    section = PAGE.partition(f"### `{kind}`\n")[2].partition("\n### ")[0]
    for field in dataclasses.fields(repair):
        assert field.name == "kind" or re.search(rf"^\| `{field.name}[`.]", section, re.MULTILINE), field.name
