"""What `bench` and `demo` print of what their rooms return; the work itself is tested in those rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import Command

from threatclip.errors import RecipeError

FIGURE = {"value": 0.71234, "low": 0.68, "high": 0.74}
CELL = {"task": "payload-weakness", "attack": "none", "rate": 0.0, "defense": "none", "seconds": 2.0, "peak_mib": 300.0}
STUDY = {
    "cells": [
        {**CELL, "variation": "full", "seed": 0, "metrics": {"accuracy": FIGURE, "macro_f1": FIGURE}},
        {**CELL, "variation": "no-text", "seed": 1, "metrics": {"accuracy": {"value": None}}},
    ],
    "document": "docs/results/x.md",
}
ANSWER = {
    "id": "s1",
    "answers": [{"label": "xss", "name": "Cross-site scripting", "probability": 0.9}],
    "abstained": True,
    "evidence": [{"kind": "known case", "id": "k\x1b[1m", "label": "xss", "cosine": 0.5, "caption": "c" * 200}],
    "model": "0",
}
DEMO = {
    "table": [{"model": "threatclip", "accuracy": 0.75}, {"model": "majority", "accuracy": 0.1, "marker_swap": 0.01}],
    "report": "runs/demo/report.html",
    "example": ANSWER,
}


def test_bench_hands_over_its_options_and_prints_cells(threatclip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def fake(recipe: Path, overrides: list[str], out: Path, *, jobs: int, on_progress: object) -> dict[str, Any]:
        seen.append((recipe, list(overrides), out, jobs))
        return STUDY

    monkeypatch.setattr("threatclip.experiments.tasks.run_bench", fake)
    arguments = ["bench", "study.toml", "-o", "out", "--jobs", "2", "--set", "seed=3"]
    assert threatclip(*arguments, "--json").json == STUDY
    lines = threatclip(*arguments).out.splitlines()
    assert seen == [(Path("study.toml"), ["seed=3"], Path("out"), 2)] * 2
    assert lines[0].split()[:6] == ["task", "variation", "attack", "rate", "defense", "seed"]
    assert lines[1].split() == ["payload-weakness", "full", "none", "0.0", "none", "0", "0.712", "0.712"]
    assert lines[2].split() == ["payload-weakness", "no-text", "none", "0.0", "none", "1"]
    assert lines[3] == "document: docs/results/x.md"


def test_bench_of_an_attack_sweep_prints_what_attacks_reached(
    threatclip: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [
        {**CELL, "line": "clean", "seed": 0, "metrics": {"clean_accuracy_1": FIGURE}},
        {
            **CELL,
            "line": "patch",
            "attack": "badnets",
            "seed": 0,
            "metrics": {"clean_accuracy_1": FIGURE, "asr_1": FIGURE},
        },
    ]
    monkeypatch.setattr("threatclip.experiments.tasks.run_bench", lambda *_, **__: {"cells": cells, "document": "d"})
    lines = threatclip("bench", "sweep.toml", "-o", "out").out.splitlines()
    assert lines[0].split() == ["task", "line", "attack", "rate", "defense", "seed", "clean_accuracy_1", "asr_1"]
    assert lines[2].split()[-2:] == ["0.712", "0.712"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KeyboardInterrupt(), "stopped; finished cells are kept: the same command goes on with the rest"),
        (RecipeError("study.toml: no"), "study.toml: no"),
    ],
)
def test_bench_that_ends_early_is_one_line(
    threatclip: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, says: str
) -> None:
    def fake(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("threatclip.experiments.tasks.run_bench", fake)
    done = threatclip("bench", "study.toml", "-o", "out")
    assert (done.code, done.error) == (2, says)


def test_demo_prints_a_table_an_example_and_the_report(threatclip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threatclip.experiments.demo.run_demo", lambda out, on_progress: DEMO)
    assert threatclip("demo", "--json").json == DEMO
    assert threatclip("demo").out.splitlines() == [
        "model       accuracy  marker_swap",
        "threatclip     0.750",
        "majority       0.100        0.010",
        "",
        "s1: don't know; at best Cross-site scripting (xss) 90.0%",
        rf"    like k\x1b[1m (xss, cosine 0.50): {'c' * 100}...",
        "",
        "report: runs/demo/report.html",
    ]
