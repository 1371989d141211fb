"""Every metric against a slow loop or scikit-learn, and the law that a weight is a number of equal rows."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from prediction_cases import CASES, make_predictions, quick, random_predictions, repeat_rows
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)

from threatclip.errors import InputError
from threatclip.evaluation.confidence import (
    coverage,
    coverage_at_precision,
    ece,
    reliability,
    selective_accuracy,
)
from threatclip.evaluation.metrics import accuracy, brier, macro_f1, mrr, nll, top_k, weighted_f1
from threatclip.evaluation.predictions import predictions_of
from threatclip.evaluation.ranking import pr_auc_macro, pr_auc_micro, roc_auc_macro
from threatclip.evaluation.tables import confusion, confusion_rates, per_class, support

METRICS = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "macro_f1_two": partial(macro_f1, classes=("class0", "class1")),
    "weighted_f1": weighted_f1,
    "top_2": partial(top_k, k=2),
    "mrr": mrr,
    "nll": nll,
    "brier": brier,
    "ece": ece,
    "coverage_at_precision": coverage_at_precision,
    "coverage": partial(coverage, threshold=0.5),
    "selective_accuracy": partial(selective_accuracy, threshold=0.5),
    "roc_auc_macro": roc_auc_macro,
    "pr_auc_macro": pr_auc_macro,
    "pr_auc_micro": pr_auc_micro,
    "per_class": per_class,
    "confusion": confusion,
    "confusion_rates": confusion_rates,
    "support": support,
}


@quick
@given(options=CASES, data=st.data())
def test_integer_weights_are_repeated_rows(options: dict[str, int], data: st.DataObject) -> None:
    case = random_predictions(**options)
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(case), max_size=len(case))))
    counts[0] += 1
    written_out = repeat_rows(case, counts)
    for name, metric in METRICS.items():
        both = metric(case, weights=np.stack([counts, np.ones(len(case))]).astype(float))
        np.testing.assert_allclose(both[0], metric(written_out), atol=1e-9, err_msg=name)
        np.testing.assert_allclose(both[1], metric(case), atol=1e-9, err_msg=name)


@quick
@given(options=CASES, seed=st.integers(0, 2**31))
def test_row_order_does_not_matter(options: dict[str, int], seed: int) -> None:
    case = random_predictions(**options)
    shuffled = case.take(np.random.default_rng(seed).permutation(len(case)))
    for name, metric in METRICS.items():
        np.testing.assert_allclose(metric(shuffled), metric(case), atol=1e-9, err_msg=name)


@quick
@given(options=CASES)
def test_against_sklearn(options: dict[str, int]) -> None:
    case = random_predictions(**options)
    truth, predicted, present = case.truth, case.predicted, sorted(set(case.truth.tolist()))
    scores = partial(f1_score, truth, predicted, zero_division=0)
    assert float(accuracy(case)) == pytest.approx(accuracy_score(truth, predicted))
    assert float(macro_f1(case)) == pytest.approx(scores(average="macro", labels=present))
    assert float(macro_f1(case, classes=case.classes)) == pytest.approx(
        scores(average="macro", labels=range(len(case.classes)))
    )
    assert float(weighted_f1(case)) == pytest.approx(scores(average="weighted"))
    expected = precision_recall_fscore_support(truth, predicted, labels=range(len(case.classes)), zero_division=0)
    np.testing.assert_allclose(per_class(case), np.stack(expected[:3], axis=1))
    np.testing.assert_array_equal(support(case), expected[3])
    np.testing.assert_array_equal(confusion(case), confusion_matrix(truth, predicted, labels=range(len(case.classes))))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_areas_against_sklearn(seed: int, *, tied: bool) -> None:
    case = random_predictions(200, 4, seed, tied=tied)
    one_hot = np.eye(4)[case.truth]
    assert float(roc_auc_macro(case)) == pytest.approx(roc_auc_score(one_hot, case.probabilities, average="macro"))
    for metric, average in ((pr_auc_macro, "macro"), (pr_auc_micro, "micro")):
        assert float(metric(case)) == pytest.approx(
            average_precision_score(one_hot, case.probabilities, average=average)
        )


def test_top_k_against_sklearn_without_ties() -> None:
    case = random_predictions(300, 7, 1)
    for k in range(1, 7):
        assert float(top_k(case, k=k)) == pytest.approx(
            top_k_accuracy_score(case.truth, case.probabilities, k=k, labels=range(7))
        )


@quick
@given(options=CASES)
def test_ranks_are_pessimistic(options: dict[str, int]) -> None:
    case = random_predictions(**options)
    reciprocal, hits = [], 0
    for row, true in zip(case.probabilities, case.truth, strict=True):
        rank = 1 + sum(1 for k, p in enumerate(row) if k != true and p >= row[true])
        reciprocal.append(1 / rank)
        hits += rank <= 2
    assert float(mrr(case)) == pytest.approx(sum(reciprocal) / len(case))
    assert float(top_k(case, k=2)) == pytest.approx(hits / len(case))


def test_a_constant_answer_ranks_last() -> None:
    case = make_predictions(np.array([0, 1]), np.full((2, 4), 0.25))
    assert float(mrr(case)) == 0.25
    assert float(top_k(case, k=3)) == 0.0
    assert float(accuracy(case)) == 0.5


@quick
@given(options=CASES)
def test_losses_against_loops(options: dict[str, int]) -> None:
    case = random_predictions(**options)
    squares = [
        sum((p - (k == true)) ** 2 for k, p in enumerate(row))
        for row, true in zip(case.probabilities, case.truth, strict=True)
    ]
    logs = [-math.log(max(row[true], 1e-12)) for row, true in zip(case.probabilities, case.truth, strict=True)]
    assert float(brier(case)) == pytest.approx(sum(squares) / len(case))
    assert float(nll(case)) == pytest.approx(sum(logs) / len(case))


@quick
@given(options=CASES)
def test_ece_against_a_loop_and_its_diagram(options: dict[str, int]) -> None:
    case = random_predictions(**options)
    total = 0.0
    for i in range(15):
        inside = [r for r, p in enumerate(case.confidence) if i / 15 < p <= (i + 1) / 15]
        if inside:
            hit = sum(case.correct[r] for r in inside) / len(inside)
            sure = sum(case.confidence[r] for r in inside) / len(inside)
            total += len(inside) / len(case) * abs(hit - sure)
    assert float(ece(case)) == pytest.approx(total, abs=1e-9)
    bars = reliability(case)
    assert sum(bar.n for bar in bars) == len(case)
    gaps = [bar.n * abs(bar.accuracy - bar.confidence) for bar in bars if bar.accuracy is not None]
    assert sum(gaps) / len(case) == pytest.approx(total, abs=1e-9)


@quick
@given(options=CASES, precision=st.sampled_from([0.5, 0.9, 1.0]))
def test_coverage_at_precision_tries_every_threshold(options: dict[str, int], precision: float) -> None:
    case = random_predictions(**options)
    best = 0.0
    for threshold in set(case.confidence.tolist()):
        answered = case.confidence >= threshold
        if case.correct[answered].sum() >= precision * answered.sum() - 1e-9:
            best = max(best, float(answered.mean()))
            assert float(selective_accuracy(case, threshold=threshold)) >= precision - 1e-9
    assert float(coverage_at_precision(case, precision=precision)) == pytest.approx(best)


@quick
@given(options=CASES)
def test_fractions_stay_fractions_and_perfection_is_one(options: dict[str, int]) -> None:
    case = random_predictions(**options)
    perfect = make_predictions(case.truth, np.eye(len(case.classes))[case.truth])
    for name in ("accuracy", "macro_f1", "weighted_f1", "top_2", "mrr", "ece", "coverage_at_precision"):
        value = float(METRICS[name](case))
        assert 0 <= value <= 1 + 1e-12, name
        assert float(METRICS[name](perfect)) == pytest.approx(0 if name == "ece" else 1), name


def test_macro_f1_ignores_classes_that_are_only_predicted() -> None:
    case = make_predictions(np.array([0, 0, 1, 1]), np.eye(3)[[0, 2, 1, 1]])
    assert float(macro_f1(case)) == pytest.approx((2 / 3 + 1) / 2)
    assert float(macro_f1(case, classes=["class0", "class1", "class2"])) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_undefined_is_nan_and_not_a_number_made_up() -> None:
    one_class = make_predictions(np.zeros(3, dtype=int), np.tile([0.6, 0.4], (3, 1)))
    assert math.isnan(float(roc_auc_macro(one_class)))
    assert math.isnan(float(selective_accuracy(one_class, threshold=0.9)))


def test_wrong_input_is_refused() -> None:
    case = random_predictions(5, 3, 0)
    unlabeled = make_predictions(np.array([-1, 0]), np.full((2, 2), 0.5))
    with pytest.raises(InputError, match="have no label"):
        accuracy(unlabeled)
    with pytest.raises(InputError, match="no labeled rows"):
        accuracy(unlabeled.take(np.array([0])).labeled())
    with pytest.raises(InputError, match="do not fit"):
        accuracy(case, weights=np.ones(4))
    with pytest.raises(InputError, match="k >= 1"):
        top_k(case, k=0)
    with pytest.raises(InputError, match="precision lies"):
        coverage_at_precision(case, precision=0.0)
    for classes in ([], ["no such class"]):
        with pytest.raises(InputError, match="catalogue"):
            macro_f1(case, classes=classes)


@pytest.mark.parametrize(
    ("truth", "probabilities", "match"),
    [
        ([2], [[0.5, 0.5]], "truth must lie"),
        ([-2], [[0.5, 0.5]], "truth must lie"),
        ([0], [[0.9, 0.9]], "'r0' has no probability"),
        ([0], [[1.5, -0.5]], "'r0' has no probability"),
        ([0, 0], [[0.5, 0.5], [float("nan"), 0.5]], "'r1' has no probability"),
    ],
)
def test_predictions_check_themselves(truth: list[int], probabilities: list[list[float]], match: str) -> None:
    with pytest.raises(InputError, match=match):
        make_predictions(np.array(truth), np.array(probabilities))


def test_predictions_of_other_lengths_are_refused() -> None:
    with pytest.raises((InputError, TypeCheckError)):
        make_predictions(np.array([0, 1]), np.array([[0.5, 0.5]]))


def test_predictions_of_labels() -> None:
    made = predictions_of(
        labels=["b", None, "a"],
        probabilities=np.full((3, 2), 0.5),
        classes=["a", "b"],
        ids=["1", "2", "3"],
        groups=["x", None, "x"],
    )
    assert made.truth.tolist() == [1, -1, 0]
    assert made.groups[0] == made.groups[2] != made.groups[1]
    assert made.labeled().ids == ("1", "3")
    with pytest.raises(InputError, match="unknown class 'c'"):
        predictions_of(labels=["c"], probabilities=np.ones((1, 1)), classes=["a"], ids=["1"])
    with pytest.raises(InputError, match="twice"):
        predictions_of(labels=["a"], probabilities=np.full((1, 2), 0.5), classes=["a", "a"], ids=["1"])
