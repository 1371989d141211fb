"""What a scan says of each class, read from its facts."""

from __future__ import annotations

from threatclip.experiments.detecting.scan import class_figures


def test_figures_and_words_go_to_their_class() -> None:
    facts = {
        "size.T1059": 0.5,
        "index.T1059": 1.0,
        "size.T1059.001": 0.25,
        "word.T1059.cf": 0.9,
        "word.T1059.001.c.f": 0.8,
        "size": 0.1,
    }
    assert class_figures(facts, ["T1059", "T1059.001", "T1"]) == [
        {"label": "T1059", "size": 0.5, "index": 1.0, "words": {"cf": 0.9}},
        {"label": "T1059.001", "size": 0.25, "words": {"c.f": 0.8}},
    ]


def test_a_scan_without_classes_has_no_figures_of_any() -> None:
    assert class_figures({"size": 0.1, "reached": 1.0}, []) == []
