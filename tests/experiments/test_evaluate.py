"""The judgment of a run: the contract's keys, and figures that scikit-learn finds too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_cases import TinyRun
from sklearn import metrics as sk

from threatclip.artifacts import read_json
from threatclip.classification.baselines import BASELINES, LabeledViews, fit_baselines
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.shortcuts import SHORTCUT_PROBES
from threatclip.experiments import evaluate as evaluate_module
from threatclip.experiments import judging
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.evaluate import evaluate_run
from threatclip.experiments.judging import Judged, under_probes
from threatclip.experiments.progress import Progress, ignore
from threatclip.pairs.pair import Pair
from threatclip.pairs.probes import PROBES, STRESS_PROBES
from threatclip.pairs.table import PairTable, write_pairs

NAMES = ("majority", "word_svc")
METRICS = {"accuracy", "macro_f1", "weighted_f1", "top_5", "mrr", "ece", "coverage"}
AREAS = {"roc_auc_macro", "pr_auc_macro", "pr_auc_micro"}


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """Intervals of 200 resamples: their ends are another room's business."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (evaluate_module, "summarize"),
            (evaluate_module, "shortcut_score"),
            (evaluate_module, "paired_difference"),
            (judging, "measure"),
        ):
            patch.setattr(module, name, partial(getattr(module, name), n_resamples=200))
        yield


def judge(run: Path, out: Path, **options: Any) -> dict[str, Any]:
    settings = {"pairs": None, "probes": False, "baselines": False, "on_progress": ignore, **options}
    return evaluate_run(run, out=out, **settings)


@pytest.fixture(scope="module")
def whole(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An evaluation with everything."""
    out = tmp_path_factory.mktemp("whole")
    return judge(tiny.folder, out, probes=True, baselines=True, baseline_names=NAMES)


@pytest.fixture(scope="module")
def judged_rows(tiny: TinyRun) -> list[Pair]:
    return [pair for pair in PairTable.open(tiny.folder / "pairs.parquet").iter_pairs() if pair.split == "test"]


def figures(found: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every figure with an interval under a table."""
    for name, value in found.items():
        if isinstance(value, dict) and {"value", "low", "high"} <= value.keys():
            yield name, value
        elif isinstance(value, dict):
            yield from figures(value)


def test_the_contract_is_kept(tiny: TinyRun, whole: dict[str, Any]) -> None:
    assert {"run", "n", "metrics", "probes", "baselines", "leakage", "report", "members", "shortcuts"} <= whole.keys()
    assert whole["run"] == str(tiny.folder)
    assert whole["n"] == tiny.summary["n_test"]
    assert whole["metrics"].keys() >= METRICS | AREAS
    assert set(whole["probes"]) == {*PROBES, *STRESS_PROBES}
    assert set(whole["baselines"]) == set(NAMES)
    for metrics in (*whole["probes"].values(), *whole["baselines"].values(), *whole["members"].values()):
        assert {"accuracy", "macro_f1", "weighted_f1"} <= metrics.keys()
    found = list(figures(whole))
    assert len(found) > 80
    for name, figure in found:
        if None not in (figure["value"], figure["low"], figure["high"]):
            assert figure["low"] <= figure["high"], name
        assert figure.get("n", whole["n"]) == whole["n"] or "support" in name


def test_what_is_returned_is_what_is_written(whole: dict[str, Any]) -> None:
    report = Path(whole["report"])
    assert read_json(report.with_name("metrics.json")) == json.loads(json.dumps(whole, allow_nan=False))
    page = report.read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert "near-duplicate" in page


def test_scikit_learn_finds_the_same_figures(tiny: TinyRun, whole: dict[str, Any], judged_rows: list[Pair]) -> None:
    classifier = PayloadClassifier.load(tiny.folder)
    chances = classifier.probabilities([pair.view for pair in judged_rows])
    truth = np.array([classifier.classes.index(pair.label or "") for pair in judged_rows])
    answer = chances.argmax(axis=1)
    present = np.unique(truth)
    every = np.arange(len(classifier.classes))
    expected = {
        "accuracy": sk.accuracy_score(truth, answer),
        "macro_f1": sk.f1_score(truth, answer, labels=present, average="macro", zero_division=0),
        "weighted_f1": sk.f1_score(truth, answer, average="weighted", zero_division=0),
        "top_3": sk.top_k_accuracy_score(truth, chances, k=3, labels=every),
        "top_5": sk.top_k_accuracy_score(truth, chances, k=5, labels=every),
        "nll": sk.log_loss(truth, chances, labels=every),
        "mrr": sk.label_ranking_average_precision_score(np.eye(len(every))[truth], chances),
        "roc_auc_macro": np.mean([sk.roc_auc_score(truth == k, chances[:, k]) for k in present]),
        "pr_auc_macro": np.mean([sk.average_precision_score(truth == k, chances[:, k]) for k in present]),
    }
    for name, value in expected.items():
        assert whole["metrics"][name]["value"] == pytest.approx(value, abs=1e-6), name
    assert whole["confusion"] == sk.confusion_matrix(truth, answer, labels=every).tolist()
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, answer, labels=every, zero_division=0)
    for k, name in enumerate(classifier.classes):
        row = whole["per_class"][name]
        assert row["support"] == support[k]
        for column, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            if row[column]["value"] is not None and support[k]:
                assert row[column]["value"] == pytest.approx(values[k], abs=1e-9)


def test_members_are_judged_alone(tiny: TinyRun, whole: dict[str, Any], judged_rows: list[Pair]) -> None:
    classifier = PayloadClassifier.load(tiny.folder)
    scores = classifier.member_scores([pair.view for pair in judged_rows])
    truth = np.array([classifier.classes.index(pair.label or "") for pair in judged_rows])
    assert set(whole["members"]) == set(classifier.pool.members)
    for name, metrics in whole["members"].items():
        right = (scores[name].argmax(axis=1) == truth).mean()
        assert metrics["accuracy"]["value"] == pytest.approx(right, abs=1e-9)


def test_abstention_and_its_curve_agree(tiny: TinyRun, whole: dict[str, Any], judged_rows: list[Pair]) -> None:
    classifier = PayloadClassifier.load(tiny.folder)
    chances = classifier.probabilities([pair.view for pair in judged_rows])
    truth = np.array([classifier.classes.index(pair.label or "") for pair in judged_rows])
    answered = chances.max(axis=1) >= classifier.abstention.threshold
    told = whole["abstention"]
    assert told["threshold"] == classifier.abstention.threshold
    assert told["coverage"] == pytest.approx(answered.mean())
    assert told["precision"] == pytest.approx((chances.argmax(axis=1) == truth)[answered].mean())
    curve = whole["coverage_curve"]
    assert curve[-1]["coverage"] == 1
    assert curve[-1]["precision"] == pytest.approx(whole["metrics"]["accuracy"]["value"])
    assert [point["threshold"] for point in curve] == sorted((point["threshold"] for point in curve), reverse=True)


def test_confident_mistakes_are_mistakes(whole: dict[str, Any], judged_rows: list[Pair]) -> None:
    rows = {pair.id: pair for pair in judged_rows}
    worst = whole["worst_rows"]
    assert 0 < len(worst) <= 20
    assert [row["probability"] for row in worst] == sorted((row["probability"] for row in worst), reverse=True)
    for row in worst:
        assert row["truth"] == rows[row["id"]].label != row["answer"]
        assert row["payload"] == rows[row["id"]].view[:2000].decode("utf-8", "replace")


def test_shortcuts_are_drops_under_probes(whole: dict[str, Any]) -> None:
    full = whole["metrics"]["macro_f1"]["value"]
    found = whole["shortcuts"]
    drops = {name: full - whole["probes"][name]["macro_f1"]["value"] for name in SHORTCUT_PROBES}
    for name, drop in drops.items():
        assert found["drops"][name]["value"] == pytest.approx(drop, abs=1e-9)
    assert found["score"]["value"] == pytest.approx(np.mean(list(drops.values())), abs=1e-9)
    assert found["worst_probe"] == max(drops, key=lambda name: drops[name])
    assert "marker_swap" not in found["trained_probes"]
    assert set(found["untrained"]["drops"]) == set(SHORTCUT_PROBES) - set(found["trained_probes"])
    svc = whole["baselines"]["word_svc"]
    assert set(svc["probes"]) == set(whole["probes"])
    assert set(svc["shortcuts"]["untrained"]["drops"]) == set(SHORTCUT_PROBES)


def test_baselines_learn_from_the_run_s_own_rows(tiny: TinyRun, whole: dict[str, Any], judged_rows: list[Pair]) -> None:
    classes = PayloadClassifier.load(tiny.folder).classes
    rows = list(PairTable.open(tiny.folder / "pairs.parquet").iter_pairs())
    parts = [
        LabeledViews(
            views=[pair.view for pair in rows if pair.split == split],
            truth=np.array([classes.index(pair.label or "") for pair in rows if pair.split == split]),
        )
        for split in ("train", "validation")
    ]
    fitted = fit_baselines(*parts, n_classes=len(classes), seed=0, names=NAMES)
    truth = [classes.index(pair.label or "") for pair in judged_rows]
    for name, chances in fitted.probabilities([pair.view for pair in judged_rows]).items():
        right = sk.accuracy_score(truth, chances.argmax(axis=1))
        assert whole["baselines"][name]["accuracy"]["value"] == pytest.approx(right)
    told = whole["comparison"]
    best = max(NAMES, key=lambda name: whole["baselines"][name]["macro_f1"]["value"])
    assert told["baseline"] == best
    for name in ("accuracy", "macro_f1", "weighted_f1"):
        gap = whole["metrics"][name]["value"] - whole["baselines"][best][name]["value"]
        assert told["differences"][name]["value"] == pytest.approx(gap, abs=1e-9)
    assert {"only_first", "only_second", "p_value"} == told["mcnemar"].keys()


def test_the_leakage_is_the_split_s(tiny: TinyRun, whole: dict[str, Any]) -> None:
    info = PairTable.open(tiny.folder / "pairs.parquet").split_info
    assert info is not None
    assert whole["leakage"] == info["leakage"]
    assert {"sizes", "overlaps", "near_duplicate_threshold"} <= whole["leakage"].keys()


def test_a_plain_evaluation_names_what_it_left_out(tiny: TinyRun, tmp_path: Path, whole: dict[str, Any]) -> None:
    told: list[Progress] = []
    found = judge(tiny.folder, tmp_path / "out", on_progress=told.append)
    assert (found["probes"], found["baselines"]) == ({}, {})
    assert "shortcuts" not in found
    assert "comparison" not in found
    assert found["metrics"] == whole["metrics"]
    assert [(one.done, one.total) for one in told] == [(1, 2), (2, 2)]


def test_it_is_written_into_the_run_unless_told_otherwise(tiny: TinyRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for item in tiny.folder.iterdir():
        (run / item.name).symlink_to(item)
    rows = [Pair(id="a", view=b"GET /?q=<b> HTTP/1.1", label="xss"), Pair(id="b", view=b"x", label="xxe")]
    write_pairs(tmp_path / "mine.parquet", rows, modality="payload")
    for table, name in ((None, "evaluation"), (tmp_path / "mine.parquet", "evaluation-mine")):
        found = evaluate_run(run, pairs=table, probes=False, baselines=False, out=None, on_progress=ignore)
        assert found["report"] == str(run / name / "report.html")
        assert {path.name for path in (run / name).iterdir()} == {"metrics.json", "report.html"}


@pytest.mark.parametrize("probes", [False, True])
def test_other_pairs_are_judged_by_their_labels(
    tiny: TinyRun, tmp_path: Path, probes: bool, judged_rows: list[Pair]
) -> None:
    """Rows without captions, without labels and of strange classes; classes that never occur; empty-looking views."""
    rows = [
        replace(pair, caption=None, split=None) for pair in judged_rows[:20] if pair.label in ("xss", "ssrf", "xxe")
    ]
    strange = [
        Pair(id="u1", view=b"\x00\xff"),
        Pair(id="u2", view=b" "),
        Pair(id="u3", view=b"GET / HTTP/1.1", label="no class of ours"),
    ]
    write_pairs(tmp_path / "other.parquet", [*strange, *rows], modality="payload")
    found = judge(tiny.folder, tmp_path / "out", pairs=tmp_path / "other.parquet", probes=probes)
    assert (found["n"], found["n_unlabeled"]) == (len(rows), 3)
    assert 0 <= found["unlabeled_answered"] <= 1
    assert found["leakage"] is None
    assert found["table"] == str(tmp_path / "other.parquet")
    assert found["metrics"]["accuracy"]["n"] == len(rows)
    assert bool(found["probes"]) == probes
    assert read_json(tmp_path / "out" / "metrics.json") == json.loads(json.dumps(found, allow_nan=False))


def test_tables_that_cannot_be_judged_are_refused(tiny: TinyRun, tmp_path: Path) -> None:
    write_pairs(tmp_path / "bare.parquet", [Pair(id="a", view=b"x")], modality="payload")
    write_pairs(tmp_path / "texts.parquet", [Pair(id="a", view=b"x", label="xss")], modality="text")
    (tmp_path / "no.parquet").write_bytes(b"PK\x03\x04")
    for name, says in (
        ("bare", "no row with a class of this run"),
        ("texts", "holds text pairs; this run judges payloads"),
        ("no", "is not a pair table"),
        ("absent", "no pair table"),
    ):
        with pytest.raises(InputError, match=says):
            judge(tiny.folder, tmp_path / "out", pairs=tmp_path / f"{name}.parquet")
    with pytest.raises(InputError, match="unknown baselines"):
        judge(tiny.folder, tmp_path / "out", baselines=True, baseline_names=("oracle",))
    with pytest.raises(InputError, match="no bundle in"):
        judge(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_whose_rows_were_changed_is_damaged(tiny: TinyRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for item in tiny.folder.iterdir():
        (run / item.name).symlink_to(item)
    (run / "pairs.parquet").unlink()
    whole = (tiny.folder / "pairs.parquet").read_bytes()
    (run / "pairs.parquet").write_bytes(whole[:900] + bytes([whole[900] ^ 255]) + whole[901:])
    with pytest.raises(DamagedArtifactError):
        judge(run, tmp_path / "out")


def judged_rows_under_probes_stay_in_order() -> None:
    views = [b"GET /a?b=<script> HTTP/1.1\nHost: h", b"", b"\x00"]
    probed = under_probes(views)
    assert list(probed) == [*PROBES, *STRESS_PROBES]
    for name, probe in {**PROBES, **STRESS_PROBES}.items():
        assert probed[name] == [probe(view) for view in views]


def test_a_judge_draws_the_same_for_every_model() -> None:
    rows = Judged(pairs=(Pair(id="a", view=b"a", label="x"), Pair(id="b", view=b"b")), classes=("x", "y"), seed=3)
    assert rows.draw().random() == rows.draw().random()
    assert rows.labels == ["x", None]
    assert rows.labeled
    assert rows.as_plain() == {"ids": ["a", "b"], "labels": ["x", None], "groups": [None, None], "classes": ["x", "y"]}
    assert not Judged(pairs=(Pair(id="b", view=b"b"),), classes=("x",), seed=0).labeled


def test_the_embedding_of_baselines_is_asked_for_only_when_needed(
    tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def embed(views: list[bytes]) -> np.ndarray:
        asked.append(len(views))
        return np.array([[len(view), view.count(b"<"), view.count(b"'"), 1.0] for view in views])

    monkeypatch.setattr(evaluate_module, "minilm_embedding", embed)
    found = judge(tiny.folder, tmp_path / "a", baselines=True, baseline_names=("majority", "minilm_knn_5"))
    assert asked == [128, 48, 64]
    assert set(found["baselines"]) == {"majority", "minilm_knn_5"}
    assert BASELINES["minilm_knn_5"].features == "embedding"
    asked.clear()
    probed = judge(
        tiny.folder, tmp_path / "b", baselines=True, probes=True, baseline_names=("majority", "minilm_knn_1")
    )
    assert asked == [128, 48, 64]  # not under probes: an encoder takes minutes for every further reading
    assert "probes" in probed["baselines"]["majority"]
    assert "probes" not in probed["baselines"]["minilm_knn_1"]
