"""The demo's backdoor: what it tells of every model, that the judge alone knows what was planted, and its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from threatclip.experiments.demo_backdoor import ATTACK, Sizes, run_backdoor
from threatclip.experiments.demo_report import render_demo
from threatclip.experiments.progress import ignore
from threatclip.training.dual.settings import Fit

TINY = Sizes(
    pool=96,
    trusted=48,
    test=48,
    planted=8,
    fit=Fit(epochs=1, batch_rows=32, precision="fp32"),
    repair_fit=Fit(epochs=1, batch_rows=16, precision="fp32"),
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_backdoor(tmp_path_factory.mktemp("demo"), ignore, sizes=TINY)


def test_every_model_is_asked_the_same(told: dict[str, Any]) -> None:
    assert [row["model"] for row in told["rows"]] == [
        "clean",
        "poisoned",
        f"{told['filter']['kind']} filter, trained again",
        *(f"{repair} repair" for repair in told["repairs"]),
    ]
    for row in told["rows"]:
        assert set(row["metrics"]) == {"clean_accuracy_1", "asr_1", "asr_floor_1"}
        assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 1 for one in row["metrics"].values())
        assert row["seconds"] > 0
    clean = told["rows"][0]["metrics"]
    assert clean["asr_1"]["value"] == clean["asr_floor_1"]["value"]  # of a clean model the one is the other
    assert len({row["metrics"]["asr_floor_1"]["value"] for row in told["rows"]}) == 1
    assert told["n"] == {"pool": 96, "trusted": 48, "test": 48}
    assert (told["planted"], told["target"]) == (8, ATTACK.target)


def test_the_filter_is_judged_by_what_was_planted(told: dict[str, Any]) -> None:
    found = told["filter"]
    assert found["removed"] == 10
    assert 0 <= found["found"] <= told["planted"]
    assert {"auroc", "precision_at_n", "recall_top_10"} <= set(found["metrics"])
    assert len(found["suspects"]) == 8
    assert sum(one["planted"] for one in found["suspects"]) <= found["found"]
    assert "removed_ids" not in found


def test_the_page_escapes_what_pairs_say(told: dict[str, Any]) -> None:
    hostile = json.loads(json.dumps(told))
    hostile["filter"]["suspects"][0]["caption"] = "<script>alert(1)</script>"
    table = [{"model": "<b>", "accuracy": 0.5, "macro_f1": 0.25, "marker_swap": None}]
    page = render_demo(table=table, backdoor=hostile, details="run/evaluation/report.html")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;" in page
    assert page.count("<pre>") == 8
    assert "default-src 'none'" in page


def test_a_second_call_only_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backdoor.json").write_text('{"rows": []}')
    monkeypatch.setattr("threatclip.experiments.demo_backdoor.fit_dual", None)
    assert run_backdoor(tmp_path, ignore, sizes=TINY) == {"rows": []}
