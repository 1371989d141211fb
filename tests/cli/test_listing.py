"""`threatclip list` reads the unions: what can be named in a recipe is listed, and nothing else."""

from __future__ import annotations

import pytest
from commands import Command

from threatclip.cli.listing import LISTS


@pytest.mark.parametrize("what", LISTS)
def test_every_list_has_names_and_says_what_they_are(threatclip: Command, what: str) -> None:
    entries = threatclip("list", what, "--json").json[what]
    names = [entry["name"] for entry in entries]
    assert len(names) == len(set(names)) >= 2
    assert all(len(entry["about"]) > 5 for entry in entries)
    shown = threatclip("list", what).out.splitlines()
    assert [line.split()[0] for line in shown] == ["name", *names]


def test_lists_hold_what_the_spec_names(threatclip: Command) -> None:
    def names(what: str) -> set[str]:
        return {entry["name"] for entry in threatclip("list", what, "--json").json[what]}

    assert {"csv", "jsonl", "parquet", "nuclei", "cve", "eve", "crs", "payload-list"} <= names("sources")
    assert {"no_headers", "endpoint_only", "values_only", "template_swap", "marker_swap"} <= names("probes")
    assert {"byte", "bpe", "pretrained"} <= names("towers")
    assert {"word_svc", "char_logistic", "word_forest", "minilm_logistic"} <= names("baselines")
    assert {"xss", "xxe", "ssrf", "csrf"} <= names("weaknesses")
    assert {"roclip", "safeclip"} <= names("trainings")
