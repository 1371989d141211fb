from __future__ import annotations

import pytest

from threatclip.pairs.weaknesses import TEXT_WEAKNESSES, WEAKNESSES, weakness_of_cwes


def test_twelve_classes_show_in_payloads_and_three_more_in_texts() -> None:
    assert len(WEAKNESSES) == 12
    assert set(TEXT_WEAKNESSES) - set(WEAKNESSES) == {"csrf", "memory-safety", "dos-resource"}


def test_no_cwe_and_no_anchor_belongs_to_two_classes() -> None:
    for values in ("cwe", "anchors"):
        everything = [value for weakness in TEXT_WEAKNESSES.values() for value in getattr(weakness, values)]
        assert len(everything) == len(set(everything))
        assert all(len(getattr(weakness, values)) > 0 for weakness in TEXT_WEAKNESSES.values())


@pytest.mark.parametrize(
    ("cwes", "name"),
    [
        (["CWE-79"], "xss"),
        (["cwe-89 "], "sql-injection"),
        ([22], "path-traversal"),
        (["98"], "path-traversal"),
        (["CWE-20", "CWE-74", "CWE-78", "CWE-79"], "command-injection"),
        (["CWE-787"], "memory-safety"),
        (["NVD-Other", "CWE-", "", "CWE-99999999"], None),
        ([], None),
    ],
)
def test_the_first_cwe_that_maps_names_the_class(cwes: list[str | int], name: str | None) -> None:
    assert weakness_of_cwes(cwes) == name


def test_classes_of_text_can_be_left_out() -> None:
    assert weakness_of_cwes(["CWE-787", "CWE-79"], text_only=False) == "xss"
