"""The report of an evaluation: complete, honest about gaps, and inert whatever the evaluation says."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import HOSTILE, make_evaluation

from report_pages import Page, inert
from threatclip.errors import StorageError
from threatclip.experiments.report import render_report, write_report
from threatclip.experiments.report_data import Estimate, best_baseline, majority, mix_ups, probe_names
from threatclip.experiments.report_probes import probes
from threatclip.experiments.report_sections import MOST_MISTAKES, SECTIONS, headline
from threatclip.experiments.report_text import DASH, figure, interval, metric_info, points
from threatclip.experiments.report_verdict import verdict


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    return make_evaluation()


def poisoned(value: Any) -> Any:
    """Put hostile text at the end of every text, as an attacker would."""
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_whole_report_has_every_section_and_stays_one_inert_file(evaluation: dict[str, Any], tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", evaluation)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    inert(page)
    assert html.startswith("<!DOCTYPE html>")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page.values("content")[0]
    assert [href[1:] for href in page.values("href")[1:]] == [key for key, _, _ in SECTIONS]
    assert {href[1:] for href in page.values("href")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert "url(" not in html
    assert "@import" not in html
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg|HTTP/1\.1", "", html)


def test_figures_on_the_page_are_those_of_the_evaluation(evaluation: dict[str, Any]) -> None:
    text = Page(render_report(evaluation)).text
    for name, one in evaluation["metrics"].items():
        info = metric_info(name)
        assert info.title in text
        assert figure(one["value"], info.unit) in text
        assert interval(Estimate(low=one["low"], high=one["high"]), info.unit) in text
    for one in evaluation["comparison"]["differences"].values():
        assert points(one["value"]) in text
    assert "this model, only over probes never trained on: marker_swap" in text
    assert "TF-IDF word + LinearSVC" in text
    assert "9 (3.8%)" in text  # near-duplicates with their rate
    assert "stage2.infonce" in text


OPTIONAL = [
    *("run", "task", "table", "seed", "model", "version", "n", "n_groups", "per_class", "confusion", "classes"),
    *("reliability", "coverage_curve", "abstention", "probes", "shortcuts", "baselines", "members", "comparison"),
    *("leakage", "worst_rows", "settings", "environment", "metrics"),
]


@pytest.mark.parametrize("absent", OPTIONAL)
def test_any_one_part_may_be_absent_or_null(evaluation: dict[str, Any], absent: str) -> None:
    for rest in (
        {key: value for key, value in evaluation.items() if key != absent},
        {**evaluation, absent: None},
    ):
        inert(Page(render_report(rest)))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_parts_may_be_absent(data: st.DataObject) -> None:
    whole = EVALUATION
    kept = data.draw(st.sets(st.sampled_from(sorted(whole))))
    rest = {key: whole[key] for key in kept}
    page = Page(render_report(rest))
    for key, _, build in SECTIONS:
        assert (key in page.values("id")) == (build(rest) is not None)


EVALUATION = make_evaluation(n=60, draws=3)


def test_no_labels_no_sections() -> None:
    page = Page(render_report({"run": "r", "metrics": {}}))
    assert "no row of the table has a label" in page.text.lower()
    assert "h2" not in page.tags


def without_figures(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: None if k in ("value", "low", "high") else without_figures(v) for k, v in value.items()}
    return [without_figures(v) for v in value] if isinstance(value, list) else value


def test_unknown_figures_are_dashes(evaluation: dict[str, Any]) -> None:
    nothing = without_figures(evaluation)
    nothing["reliability"] = [{**one, "low": 0.0, "high": 1.0} for one in nothing["reliability"]]
    page = Page(render_report(nothing))
    assert DASH in page.text
    assert "None" not in page.text
    assert "nan" not in page.text.lower()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "12", True])
def test_what_is_no_finite_number_is_a_dash(value: Any) -> None:
    page = Page(render_report({"metrics": {"accuracy": {"value": value, "low": value, "high": value, "n": 1}}}))
    assert page.text.count(DASH) == 2


def test_hostile_text_is_shown_and_never_obeyed(evaluation: dict[str, Any]) -> None:
    hostile = poisoned(evaluation)
    classes = hostile["classes"]
    hostile["per_class"] = dict(zip(classes, hostile["per_class"].values(), strict=True))
    for key in ("baselines", "probes", "members", "metrics", "leakage", "settings", "environment"):
        hostile[key] = {f"{name}{HOSTILE}": value for name, value in hostile[key].items()} | hostile[key]
    hostile["comparison"]["baseline"] = next(iter(hostile["baselines"]))
    html = render_report(hostile)
    page = Page(html)
    inert(page)
    assert "<script" not in html.lower()
    assert "\x00" not in html
    assert "\u202e" not in html
    assert "{{ 7*7 }}" in page.text
    assert "‹NUL›‹U+202E›‹U+D800›&lt;" in page.text
    html.encode("utf-8")


def test_only_the_most_confident_mistakes_are_listed(evaluation: dict[str, Any]) -> None:
    many = {**evaluation, "worst_rows": [{**evaluation["worst_rows"][0], "id": f"case-{i}"} for i in range(500)]}
    assert Page(render_report(many)).text.count("case-") == MOST_MISTAKES


def test_the_same_evaluation_gives_the_same_bytes_and_is_left_alone(evaluation: dict[str, Any]) -> None:
    before = copy.deepcopy(evaluation)
    first = render_report(evaluation)
    assert first == render_report(json.loads(json.dumps(evaluation)))
    assert evaluation == before


def test_a_refusing_disk_is_a_storage_error(evaluation: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_report(tmp_path / "file" / "report.html", evaluation)


def said(evaluation: dict[str, Any]) -> dict[str, str]:
    """Return the tone of every sentence."""
    return {sentence.text: sentence.tone for sentence in verdict(evaluation)}


def tone_of(evaluation: dict[str, Any], words: str) -> str:
    (found,) = [tone for text, tone in said(evaluation).items() if words in text]
    return found


def one(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high, "n": 100}


@pytest.mark.parametrize(
    ("difference", "words", "tone"),
    [
        (one(0.05, 0.01, 0.09), "Better than TF-IDF word + LinearSVC by 5.0 points of macro-F1", "good"),
        (one(-0.05, -0.09, -0.01), "Worse than TF-IDF word + LinearSVC by 5.0 points of macro-F1", "weak"),
        (
            one(0.02, -0.01, 0.05),
            "2.0 points of macro-F1 ahead of TF-IDF word + LinearSVC, which may be chance",
            "note",
        ),
        (one(-0.02, -0.05, 0.01), "2.0 points of macro-F1 behind TF-IDF word + LinearSVC, which may be chance", "note"),
    ],
)
def test_a_gain_is_claimed_only_outside_the_interval(difference: dict[str, float], words: str, tone: str) -> None:
    comparison = {"baseline": "word_svc", "differences": {"macro_f1": difference}}
    assert tone_of({"metrics": {}, "baselines": {"word_svc": {}}, "comparison": comparison}, words) == tone


def test_without_a_paired_test_nothing_is_claimed() -> None:
    found = {"metrics": {}, "baselines": {"a": {"macro_f1": one(0.1, 0, 1)}, "b": {"macro_f1": one(0.3, 0, 1)}}}
    assert tone_of(found, "The best baseline is b; without a paired test") == "note"


def test_a_part_that_does_as_well_alone_is_named() -> None:
    parts = {"anchors": {"macro_f1": one(0.3, 0, 1)}, "ngrams": {"macro_f1": one(0.6, 0, 1)}}
    found = {"metrics": {"macro_f1": one(0.59, 0, 1)}, "members": parts}
    assert tone_of(found, "not ahead of its best part: ngrams alone has a macro-F1 of 60.0%") == "note"
    found["metrics"] = {"macro_f1": one(0.7, 0, 1)}
    assert not [text for text in said(found) if "best part" in text]


def test_figures_come_in_one_order_however_the_file_is_sorted(evaluation: dict[str, Any]) -> None:
    found = headline(json.loads(json.dumps(evaluation, sort_keys=True)))
    assert found is not None
    assert [row.name for row in found["rows"][:3]] == ["accuracy", "macro_f1", "weighted_f1"]
    assert {row.name for row in found["rows"]} == set(evaluation["metrics"])


def test_classes_are_judged_by_their_own_figures() -> None:
    rows = {"strong": (0.9, 50), "middling": (0.6, 50), "poor": (0.2, 50), "rare": (0.99, 3)}
    found = {"per_class": {name: {"support": n, "f1": one(f1, 0, 1)} for name, (f1, n) in rows.items()}}
    sentences = said(found)
    assert sentences["Good at strong (F1 90.0%)."] == "good"
    assert sentences["Bad at poor (F1 20.0%)."] == "weak"
    assert sentences["Too few test rows to judge rare (n 3)."] == "note"
    del found["per_class"]["strong"]
    assert tone_of(found, "No class reaches an F1 of 80%; the best is middling") == "weak"


def shortcuts(drop: float, *, trained: list[str]) -> dict[str, Any]:
    report = {"score": one(drop, 0, 1), "drops": {"marker_swap": one(drop, 0, 1)}, "worst_probe": "marker_swap"}
    return {"shortcuts": {**report, "trained_probes": trained}}


def test_a_loss_under_a_probe_is_weak_and_a_trained_probe_proves_nothing() -> None:
    assert tone_of(shortcuts(0.02, trained=[]), "marker_swap costs most: 2.0 points") == "good"
    assert tone_of(shortcuts(0.05, trained=[]), "marker_swap costs most: 5.0 points") == "weak"
    assert tone_of(shortcuts(0.02, trained=["marker_swap"]), "It was trained on") == "note"


def test_rows_without_a_class_are_counted() -> None:
    found = {"metrics": {"accuracy": one(0.5, 0.4, 0.6)}, "n": 10, "n_unlabeled": 7, "unlabeled_answered": 0.25}
    assert (
        tone_of(found, "Another 7 rows have no class to hold an answer against; 25.0% of them are answered.") == "note"
    )


def test_a_baseline_without_its_own_intervals_still_has_a_score(evaluation: dict[str, Any]) -> None:
    scores = probes(evaluation)["scores"]
    assert [worst for _, _, worst in scores] == ["template_swap", "template_swap", "marker_swap"]
    svc = {key: value for key, value in evaluation["baselines"]["word_svc"].items() if key != "shortcuts"}
    plain = probes({**evaluation, "baselines": {"word_svc": svc}})["scores"][1]
    assert plain[1].value == pytest.approx(scores[1][1].value)
    assert plain[1].low is None


def test_the_negative_control_is_held_against_a_constant_answer() -> None:
    baselines = {"majority": {"accuracy": one(0.2, 0.1, 0.3)}}
    for low, tone in ((0.25, "weak"), (0.15, "good")):
        control = {"endpoint_only": {"accuracy": one(0.3, low, 0.4)}}
        assert tone_of({"baselines": baselines, "probes": control}, "From method and path alone") == tone
    assert majority({"per_class": {"a": {"support": 30}, "b": {"support": 10}}}).value == 0.75


@pytest.mark.parametrize(
    ("precision", "tone"), [(0.92, "good"), (0.89, "note"), (0.5, "weak")]
)  # 0.89 of 500 answers is no proof of less than 0.9
def test_the_promise_of_abstention_is_checked(precision: float, tone: str) -> None:
    rule = {"threshold": 0.7, "target": 0.9, "coverage": 0.5, "precision": precision}
    assert tone_of({"n": 1000, "abstention": rule}, "It answers 50.0% of rows") == tone
    never = {"threshold": 2.0, "target": 0.9, "coverage": 0.0, "precision": None}
    assert tone_of({"n": 1000, "abstention": never}, "It never answers for the sake of 90% right answers") == "weak"


def test_calibration_leakage_and_mistakes_are_told() -> None:
    bins = [{"low": 0.8, "high": 0.9, "n": 10, "accuracy": 0.5, "confidence": 0.85}]
    found = {"metrics": {"ece": one(0.35, 0.3, 0.4)}, "reliability": bins}
    assert tone_of(found, "off by 35.0 points on average, mostly too sure") == "weak"
    assert tone_of({"metrics": {"ece": one(0.01, 0, 0.1)}}, "can be taken at its word") == "good"
    overlap = {"earlier": "train", "later": "test", "rows": 10, "near_duplicates": 0, "shared_groups": 2}
    assert tone_of({"leakage": {"overlaps": [overlap]}}, "2 share a group") == "weak"
    table = {"classes": ["a", "b"], "confusion": [[5, 3], [0, 9]]}
    assert tone_of(table, "3 of 8 a rows (37.5%) are answered b") == "note"
    assert [(m.truth, m.answer, m.count, m.support) for m in mix_ups(table, at_most=5)] == [("a", "b", 3, 8)]


def test_probes_come_in_the_order_of_the_score() -> None:
    names = {"case_flip": {}, "endpoint_only": {}, "marker_swap": {}, "no_headers": {}, "full": {}}
    assert probe_names({"probes": names}) == ("no_headers", "marker_swap", "endpoint_only", "case_flip")
    assert best_baseline({}) is None
