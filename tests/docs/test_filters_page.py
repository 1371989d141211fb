"""The page about filters says what the union says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from threatclip.cli.attack_reference import about, filters_page
from threatclip.defenses.filters import FILTERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")


def test_the_tables_are_what_the_union_says() -> None:
    assert filters_page(PAGE) == PAGE, "docs/filters.md is not current; run `make docs`"


@pytest.mark.parametrize("kind", FILTERS)
def test_every_filter_has_a_row_and_every_parameter_a_line(kind: str) -> None:
    member = FILTERS[kind]
    assert f"| [`{kind}`](#{kind}) | {', '.join(member.modalities)} | {about(member)} | {member.paper} |" in PAGE
    section = PAGE.partition(f"### `{kind}`\n")[2].partition("\n### ")[0]
    for field in dataclasses.fields(member):
        assert field.name == "kind" or re.search(rf"^\| `{field.name}[`.]", section, re.MULTILINE), field.name
