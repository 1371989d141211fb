from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from study_cases import (
    RIGHT,
    TRUTH,
    answers,
    cells_of,
    lines_of,
    other_table,
    rows,
    study,
    write_cell,
)

from threatclip.artifacts import write_json
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.study import Study, Variation
from threatclip.experiments.study_tables import study_document

FULL = Variation(name="full", title="everything", seeds=(0, 1), probes=True, tables=True)
BASE = Variation(name="baselines", title="baselines", model="baselines", probes=True, tables=True)
TRAIN_ONLY = Variation(name="train-only", title="train only", set=("answer.refit=false",))
RULE = {"threshold": 0.8, "target": 0.9, "level": None, "precision": 0.95, "coverage": 0.6, "n": 5}
# the word baseline takes the last 4 rows for the first class: accuracy 0.6
SVC = (0, 0, 0, 0, 1, 1, 0, 0, 0, 0)
HARMLESS = {"harmless": rows([None] * 4, prefix="h")}


def document(study_: Study, out: Path) -> str:
    return study_document(study_, out, command="threatclip bench study.toml -o out", n_resamples=200)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_json(tmp_path / "environment.json", {"commit": "abc123", "libraries": {"torch": "2.13.0"}})
    return tmp_path


def write_full(out: Path, seed: int, picked: tuple[int, ...] = RIGHT, **more: np.ndarray) -> None:
    tensors = {"model/test": answers(picked), "member anchors/test": answers(picked)}
    write_cell(out, "full", seed, {**tensors, **more}, abstention=RULE)


def test_the_headline_is_the_mean_over_seeds_with_each_seed_beside_it(out: Path) -> None:
    write_full(out, 0)
    # seed 1 takes one xss for sql: accuracy 9/10; F1 8/9, 6/7, 1
    write_full(out, 1, (0, 0, 0, 0, 0, 1, 1, 1, 2, 2))
    text = document(study(FULL), out)
    line = cells_of(text, "## The split's own test rows", "full")
    assert line[1].startswith("95.0 (")
    macro = 100 * (1 + (8 / 9 + 6 / 7 + 1) / 3) / 2
    assert line[2].startswith(f"{macro:.1f} (")
    assert line[-1] == "100.0 / 100.0, 90.0 / 91.5"
    assert "abc123" in text
    assert "    threatclip bench study.toml -o out" in text


def test_the_abstention_rule_is_judged_on_test_rows(out: Path) -> None:
    sure = answers(RIGHT)
    sure[:5] = answers(RIGHT[:5], confidence=0.7)  # below the threshold of 0.8
    write_cell(out, "full", 0, {"model/test": sure}, abstention=RULE)
    text = document(study(Variation(name="full", title="t")), out)
    line = cells_of(text, "### Abstention", "0")
    assert line[1:4] == ["0.800", "95.0", "60.0"]
    assert line[4].startswith("100.0 (")
    assert line[5].startswith("50.0 (")


def test_every_baseline_is_compared_and_the_best_one_gets_a_verdict(out: Path) -> None:
    write_full(out, 0)
    write_full(out, 1)
    baselines = {"word_svc/test": answers(SVC), "majority/test": answers([0] * 10)}
    write_cell(out, "baselines", 0, baselines)
    text = document(study(FULL, BASE), out)
    section = "## Against the baselines"
    # 4 rows that only the model has right: 2 * 0.5^4 = 0.125, written p = 0.12 or 0.13, for each of two seeds
    line = cells_of(text, section, "TF-IDF word + LinearSVC")
    assert line[1].startswith("+40.0 (")
    assert line[3].count("p = 0.1") == 2
    assert cells_of(text, section, "majority class")[1].startswith("+60.0 (")
    last = lines_of(text, section)[-2]
    assert "best baseline by macro-F1 is TF-IDF word + LinearSVC" in last
    assert "full is higher in accuracy by +40.0 points (" in last


def test_equal_models_are_not_shown_to_differ(out: Path) -> None:
    write_full(out, 0)
    write_full(out, 1)
    write_cell(out, "baselines", 0, {"word_svc/test": answers(RIGHT)})
    text = document(study(FULL, BASE), out)
    assert "full is not shown to differ in accuracy (0.0 points, 0.0 to 0.0, which includes 0)" in text


def test_the_variant_without_vague_classes_answers_among_the_others(out: Path) -> None:
    shares = answers(RIGHT)
    shares[4] = [0.1, 0.3, 0.6]  # xss taken for access-control: right once that is no answer
    write_cell(out, "full", 0, {"model/test": shares})
    write_cell(out, "baselines", 0, {"word_svc/test": answers(SVC)})
    text = document(study(Variation(name="full", title="t"), BASE), out)
    section = "## Without access-control"
    assert "The 8 test rows of the other 2 classes" in "\n".join(lines_of(text, section))
    assert cells_of(text, section, "full")[1].startswith("100.0 (")
    assert cells_of(text, section, "TF-IDF word + LinearSVC")[1].startswith("75.0 (")


def test_each_class_has_its_support_and_f1(out: Path) -> None:
    write_cell(out, "full", 0, {"model/test": answers(RIGHT)})
    write_cell(out, "baselines", 0, {"word_svc/test": answers(SVC)})
    text = document(study(Variation(name="full", title="t"), BASE), out)
    line = cells_of(text, "## By class", "xss")
    assert line[1] == "4"
    assert line[2].startswith("100.0 (")
    assert line[3].startswith("66.7 (")
    assert line[4].startswith("+33.3 (")


def test_ablations_are_compared_with_train_only(out: Path) -> None:
    no_text = Variation(name="supervised-only", title="no text", set=("answer.refit=false", "stage1.loss=none"))
    pool_and_anchors = {"model/test": answers(RIGHT), "member anchors/test": answers(SVC)}
    write_cell(out, "train-only", 0, {**pool_and_anchors, "model/test@marker_swap": answers(SVC)})
    write_cell(out, "supervised-only", 0, {"model/test": answers(SVC), "member anchors/test": answers(SVC)})
    text = document(study(Variation(name="full", title="t"), TRAIN_ONLY, no_text), out)
    line = cells_of(text, "### Minus train-only", "supervised-only")
    assert line[1].startswith("−40.0 (")
    assert line[3] == "0.0 (0.0 to 0.0)"
    under_probes = cells_of(text, "### Macro-F1 under probes", "train-only")
    assert under_probes[2].startswith("44.4 (")
    assert [under_probes[1], *under_probes[3:]] == ["–"] * 3
    guided = "\n".join(lines_of(text, "### Did contrastive text guidance help?"))
    assert "- all members, train-only against supervised-only: higher in accuracy by +40.0" in guided
    assert "It helped: of 4 differences, 2 are above 0 and 0 below 0" in guided


def test_folds_are_averaged_and_leaks_counted(out: Path) -> None:
    dropped = Variation(name="dropped", title="t", set=("data.split.near_duplicates=drop",))
    folds = [Variation(name=f"C-{k}", title=f"fold {k}", set=("data.split={kind='x'}",)) for k in range(2)]
    write_cell(out, "full", 0, {"model/test": answers(RIGHT)})
    write_cell(out, "C-0", 0, {"model/test": answers(RIGHT)})
    write_cell(out, "dropped", 0, {"model/test": answers(SVC)})
    other = {"test": rows(TRUTH, prefix="other")}
    write_cell(out, "C-1", 0, {"model/test": answers(SVC)}, rowsets=other)
    text = document(study(Variation(name="full", title="t"), dropped, *folds), out)
    line = cells_of(text, "## Other splits", "C, 2 folds")
    # 1 and 0.6: mean 0.8, sample deviation 0.2 * sqrt(2)
    assert line[1] == "80.0 ± 28.3"
    assert line[-1] == "10"
    assert line[-2] == "–"  # not the same rows
    assert cells_of(text, "## Other splits", "dropped")[-2].startswith("−55.6 (")
    leaks = cells_of(text, "### What each split shares", "C-1")
    assert leaks[1:] == ["train to test", "10", "1 (10.0%)", "2 (20.0%)", "0 (0.0%)", "5 (50.0%)", "7"]


def test_other_sources_give_recalls_where_labeled_and_false_positives_where_not(out: Path) -> None:
    attacks = {"attacks": rows(["sql-injection", "sql-injection", "xss", "xss"], prefix="a")}
    rowsets = {"test": rows(TRUTH), **attacks, **HARMLESS}
    said = np.concatenate([answers([0, 1, 1]), answers([1], confidence=0.5)])
    ours = {"model/test": answers(RIGHT), "model/attacks": answers([0, 0, 0, 1]), "model/harmless": said}
    for seed in (0, 1):
        write_cell(out, "full", seed, ours, rowsets=rowsets, abstention=RULE)
    theirs = {"word_svc/test": answers(SVC), "word_svc/attacks": answers([1, 1, 1, 1])}
    write_cell(out, "baselines", 0, {**theirs, "word_svc/harmless": answers([0] * 4)}, rowsets=rowsets)
    text = document(study(FULL, BASE, tables=[other_table("attacks"), other_table("harmless")]), out)
    line = cells_of(text, "### attacks", "full")
    assert [cell.partition(" ")[0] for cell in line[1:]] == ["75.0", "100.0", "50.0"]
    assert "full is not shown to differ in accuracy (+25.0 points" in text
    mean = cells_of(text, "### harmless", "full, mean")
    # 3 of 4 above the threshold; Wilson by hand: center (0.75 + 0.4802) / 1.9604, half 0.3268
    assert mean[2] == "75.0 (30.1–95.4)"
    assert mean[3:] == ["75.0, 75.0", "100.0"]
    assert cells_of(text, "### harmless", "TF-IDF word + LinearSVC")[2] == "100.0 (51.0–100.0)"
    assert "| full | xss 75.0, sql-injection 25.0 |" in text


def test_zero_shot_recall_stands_beside_chance_and_the_trained_model(out: Path) -> None:
    held_out = Variation(name="zero-shot-xss", title="xss held out", seeds=(0, 1))
    write_cell(out, "train-only", 0, {"model/test": answers(RIGHT), "member anchors/test": answers(RIGHT)})
    for seed in (0, 1):
        # 1 of 4 xss found, and one sql-injection taken for xss: 1 of 6 others
        found = answers((1, 0, 0, 0, 1, 0, 0, 0, 2, 2))
        write_cell(out, "zero-shot-xss", seed, {"model/test": found, "member anchors/test": found})
    text = document(study(Variation(name="full", title="t"), TRAIN_ONLY, held_out), out)
    line = cells_of(text, "## Zero-shot", "xss")
    assert line[1:4] == ["0", "4", "1"]
    assert line[4].startswith("25.0 (4.6–69.9)")
    assert line[5:] == ["33.3", "100.0", "16.7"]


def test_missing_cells_are_named_and_nothing_breaks(out: Path) -> None:
    everything = (FULL, BASE, TRAIN_ONLY, Variation(name="zero-shot-xss", title="t"), Variation(name="C-0", title="t"))
    empty = document(study(*everything, tables=[other_table("attacks")]), out)
    assert r"**Missing cells** (not run, or not finished): full seed 0, full seed 1, baselines seed 0" in empty
    assert "No finished cell has read this table." in empty
    write_full(out, 1)
    partly = document(study(*everything, tables=[other_table("attacks")]), out)
    assert "finished): full seed 0, baselines seed 0, train-only seed 0, zero-shot-xss seed 0, C-0 seed 0." in partly
    assert cells_of(partly, "## The split's own test rows", "full (1 of 2 seeds)")[1].startswith("100.0")


def test_hostile_names_cannot_write_markup(out: Path) -> None:
    bad = "x|<script>`[a](http://evil)`\u202e\n# h"
    classes = ("sql-injection", bad, "access-control")
    labels = [bad if label == "xss" else label for label in TRUTH]
    rowsets = {"test": rows(labels, classes=classes)}
    write_cell(out, "full", 0, {"model/test": answers(RIGHT)}, rowsets=rowsets)
    text = document(study(Variation(name="full", title=bad), title=bad), out)
    assert "<script" not in text
    assert "http://evil" not in text
    assert "\u202e" not in text
    assert "\n# h" not in text
    assert r"x\|&lt;script&gt;\`\[a\](hxxp\[" in text


def test_probabilities_that_do_not_fit_their_rows_are_a_damaged_cell(out: Path) -> None:
    write_cell(out, "full", 0, {"model/test": answers(RIGHT[:3])})
    with pytest.raises(DamagedArtifactError, match="does not fit its rows"):
        document(study(Variation(name="full", title="t")), out)


def test_the_document_is_the_same_each_time(out: Path) -> None:
    write_full(out, 0)
    write_full(out, 1, SVC)
    assert document(study(FULL), out) == document(study(FULL), out)


def test_costs_name_every_cell(out: Path) -> None:
    write_full(out, 0)
    write_full(out, 1)
    text = document(study(FULL), out)
    assert "2 cells, 2.0 minutes of work in all" in text
    assert cells_of(text, "## Time and memory", "full")[1:] == ["0", "30", "4", "60", "500"]
