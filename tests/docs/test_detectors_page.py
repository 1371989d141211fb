"""The page about detectors and scanners says what the unions say."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from threatclip.cli.attack_reference import about, detectors_page
from threatclip.defenses.detectors import DETECTORS
from threatclip.defenses.scanners import SCANNERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "detectors.md").read_text(encoding="utf-8")
MEMBERS = {**DETECTORS, **SCANNERS}


def test_the_tables_are_what_the_unions_say() -> None:
    assert detectors_page(PAGE) == PAGE, "docs/detectors.md is not current; run `make docs`"


@pytest.mark.parametrize("kind", MEMBERS)
def test_every_member_has_a_row_and_every_parameter_a_line(kind: str) -> None:
    member = MEMBERS[kind]
    assert f"| [`{kind}`](#{kind}) | {', '.join(member.modalities)} | {about(member)} | {member.paper} |" in PAGE
    section = PAGE.partition(f"### `{kind}`\n")[2].partition("\n### ")[0]
    for field in dataclasses.fields(member):
        assert field.name == "kind" or re.search(rf"^\| `{field.name}[`.]", section, re.MULTILINE), field.name
