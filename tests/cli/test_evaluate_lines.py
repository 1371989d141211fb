"""What `threatclip evaluate` tells people of a model that names groups, or says that it does not know."""

from __future__ import annotations

from typing import Any

import pytest
from commands import Command

from threatclip.experiments import tasks

METRICS = {
    name: {"value": value, "low": 0.1, "high": 0.9, "n": 8}
    for name, value in (("accuracy", 0.25), ("top_5", 0.5), ("mrr", 0.375))
}


def test_incidents_are_no_pairs_and_unknowns_are_told(threatclip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    report: dict[str, Any] = {
        "run": "r",
        "n": 8,
        "metrics": METRICS,
        "baselines": {"bm25": METRICS},
        "report": "r.html",
    }
    named = {"answered": {"coverage": 0.25, "named": 2, "right": 1}}
    monkeypatch.setattr(tasks, "evaluate_run", lambda *_, **__: report | named)
    lines = threatclip("evaluate", "r").out.splitlines()
    assert lines[0] == "r: judged on 8 incidents"
    assert "a group is named for 2 of them, rightly for 1; the others: don't know" in lines
    assert next(line.split() for line in lines if line.startswith("model")) == ["model", "accuracy", "top_5", "mrr"]
    monkeypatch.setattr(tasks, "evaluate_run", lambda *_, **__: report)
    plain = threatclip("evaluate", "r").out
    assert plain.startswith("r: judged on 8 pairs\n")
    assert "don't know" not in plain
