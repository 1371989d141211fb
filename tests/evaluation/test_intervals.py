"""The bootstrap against a slow one of written-out rows, its speed, and comparisons of two models."""

from __future__ import annotations

import json
import time
from functools import partial

import numpy as np
import pytest
from prediction_cases import make_predictions, random_predictions, repeat_rows
from scipy.stats import binom

from threatclip.errors import InputError
from threatclip.evaluation.intervals import Interval, Metric, bootstrap, resample_weights
from threatclip.evaluation.metrics import accuracy, macro_f1
from threatclip.evaluation.paired import mcnemar, mean_metrics, paired_difference
from threatclip.evaluation.ranking import roc_auc_macro
from threatclip.evaluation.summary import AREAS, HEADLINE, measure, summarize
from threatclip.evaluation.tables import confusion_rates
from threatclip.seeds import rng


def test_resamples_draw_as_many_groups_as_there_are() -> None:
    groups = np.array(["a", "b", "a", "c", "c", "c"], dtype=object)
    chunks = list(resample_weights(groups, rng=rng(0, "t"), n_resamples=500))
    weights = np.concatenate(chunks)
    assert weights.shape == (500, 6)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 3], weights[:, 5])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)
    assert weights.mean() == pytest.approx(1, abs=0.1)


def test_interval_equals_the_slow_bootstrap_of_the_same_draws() -> None:
    case = random_predictions(60, 4, 3, n_groups=25)
    fast = measure(case, {"macro_f1": macro_f1}, rng=rng(1, "t"), n_resamples=200)["macro_f1"]
    slow = []
    for weights in resample_weights(case.groups, rng=rng(1, "t"), n_resamples=200):
        slow += [float(macro_f1(repeat_rows(case, row.astype(int)))) for row in weights]
    assert fast.value == pytest.approx(float(macro_f1(case)))
    assert (fast.low, fast.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))
    assert fast.n == 60


def test_accuracy_interval_is_the_binomial_one() -> None:
    case = random_predictions(400, 3, 0)
    found = measure(case, {"accuracy": accuracy}, rng=rng(0, "t"))["accuracy"]
    low, high = binom.ppf([0.025, 0.975], 400, found.value) / 400
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.004)


def test_clustered_rows_widen_the_interval() -> None:
    single = random_predictions(50, 3, 2)
    rows = np.repeat(np.arange(50), 8)
    grouped = make_predictions(single.truth[rows], single.probabilities[rows], groups=rows)
    as_rows = make_predictions(single.truth[rows], single.probabilities[rows])
    narrow = measure(as_rows, {"a": accuracy}, rng=rng(0, "t"), n_resamples=2000)["a"]
    wide = measure(grouped, {"a": accuracy}, rng=rng(0, "t"), n_resamples=2000)["a"]
    honest = measure(single, {"a": accuracy}, rng=rng(0, "t"), n_resamples=2000)["a"]
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert wide.high - wide.low == pytest.approx(honest.high - honest.low, abs=0.02)


def test_same_generator_same_interval_and_level_orders_them() -> None:
    case = random_predictions(80, 3, 5)
    first, again = (measure(case, rng=rng(7, "t"), n_resamples=300) for _ in range(2))
    assert first == again
    wider = measure(case, rng=rng(7, "t"), n_resamples=300, level=0.99)
    for name in HEADLINE:
        assert wider[name].low <= first[name].low <= first[name].high <= wider[name].high


def test_ten_thousand_resamples_of_macro_f1_are_quick() -> None:
    case = random_predictions(1000, 12, 0)
    start = time.process_time()
    measure(case, {"macro_f1": macro_f1}, rng=rng(0, "t"), n_resamples=10_000)
    assert time.process_time() - start < 20


def test_undefined_resamples_are_left_out() -> None:
    truth = np.array([0] * 30 + [1])
    case = make_predictions(truth, np.stack([np.linspace(0.9, 0.1, 31), np.linspace(0.1, 0.9, 31)], axis=1))
    area = measure(case, {"auc": roc_auc_macro}, rng=rng(0, "t"), n_resamples=200)["auc"]
    assert area == Metric(value=1.0, low=1.0, high=1.0, n=31)
    none = make_predictions(np.zeros(4, dtype=int), np.full((4, 2), 0.5))
    undefined = measure(none, {"auc": roc_auc_macro}, rng=rng(0, "t"), n_resamples=20)["auc"]
    assert undefined.as_dict() == {"value": None, "low": None, "high": None, "n": 4}


def test_arrays_have_intervals_too() -> None:
    case = random_predictions(90, 3, 8)
    statistic = partial(_rates, case)
    found = bootstrap({"rates": statistic}, groups=case.groups, rng=rng(0, "t"), n_resamples=400)["rates"]
    assert isinstance(found, Interval)
    assert found.value.shape == found.low.shape == (3, 3)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert found.metric(1, 2).value == found.value[1, 2]


def _rates(case, weights):  # type: ignore[no-untyped-def]
    return confusion_rates(case, weights=weights)


def test_impossible_bootstraps_are_refused() -> None:
    for groups, n_resamples, level in ((np.array([]), 10, 0.95), (np.arange(3), 0, 0.95), (np.arange(3), 10, 1.0)):
        with pytest.raises(InputError, match="not possible"):
            bootstrap({}, groups=groups, rng=rng(0, "t"), n_resamples=n_resamples, level=level)


def test_mcnemar_is_the_exact_binomial() -> None:
    truth = np.zeros(30, dtype=int)
    first, second = np.zeros(30, dtype=int), np.zeros(30, dtype=int)
    first[:3] = 1  # only the second is right on 3 rows
    second[3:15] = 1  # only the first on 12
    result = mcnemar(make_predictions(truth, np.eye(2)[first]), make_predictions(truth, np.eye(2)[second]))
    assert (result.only_first, result.only_second) == (12, 3)
    assert result.p_value == pytest.approx(2 * binom.cdf(3, 15, 0.5))
    same = make_predictions(truth, np.eye(2)[first])
    assert mcnemar(same, same).as_dict() == {"only_first": 0, "only_second": 0, "p_value": 1.0}


def test_a_difference_is_paired() -> None:
    base = random_predictions(300, 4, 1)
    better = base.probabilities.copy()
    wrong = np.flatnonzero(~base.correct)[:12]
    better[wrong] = np.eye(4)[base.truth[wrong]]
    improved = make_predictions(base.truth, better)
    metrics = {"accuracy": accuracy, "macro_f1": macro_f1}
    gain = paired_difference(improved, base, metrics, rng=rng(0, "t"), n_resamples=2000)
    assert gain["accuracy"].value == pytest.approx(12 / 300)
    assert 0 < gain["accuracy"].low < gain["accuracy"].value < gain["accuracy"].high
    loss = paired_difference(base, improved, metrics, rng=rng(0, "t"), n_resamples=2000)
    assert loss["macro_f1"].value == pytest.approx(-gain["macro_f1"].value)
    assert loss["macro_f1"].low == pytest.approx(-gain["macro_f1"].high)
    none = paired_difference(base, base, metrics, rng=rng(0, "t"), n_resamples=50)
    assert none["accuracy"] == Metric(value=0.0, low=0.0, high=0.0, n=300)


def test_seeds_enter_by_their_mean() -> None:
    seeds = [random_predictions(100, 3, 4), random_predictions(100, 3, 4)]
    other = make_predictions(seeds[0].truth, np.eye(3)[seeds[0].truth])
    averaged = mean_metrics([seeds[0], other], {"accuracy": accuracy}, rng=rng(0, "t"), n_resamples=100)["accuracy"]
    assert averaged.value == pytest.approx((float(accuracy(seeds[0])) + 1) / 2)
    gain = paired_difference([seeds[0], other], seeds[0], {"a": accuracy}, rng=rng(0, "t"), n_resamples=100)["a"]
    assert gain.value == pytest.approx(averaged.value - float(accuracy(seeds[0])))


def test_comparisons_of_other_rows_are_refused() -> None:
    first, second = random_predictions(10, 3, 0), random_predictions(10, 3, 1)
    with pytest.raises(InputError, match="same ids"):
        mcnemar(first, second)
    with pytest.raises(InputError, match="both sides"):
        paired_difference([], first, {"a": accuracy}, rng=rng(0, "t"))
    with pytest.raises(InputError, match="at least one"):
        mean_metrics([], {"a": accuracy}, rng=rng(0, "t"))


def test_summary_tells_everything_in_plain_json() -> None:
    case = random_predictions(120, 3, 6, n_groups=40)
    labeled_only = make_predictions(np.where(np.arange(120) < 20, -1, case.truth), case.probabilities, case.groups)
    summary = summarize(labeled_only, {**HEADLINE, **AREAS}, rng=rng(0, "t"), n_resamples=100)
    told = json.loads(json.dumps(summary.as_dict(), allow_nan=False))
    assert told["n"] == 100
    assert set(told["metrics"]) == {*HEADLINE, *AREAS}
    assert set(told["per_class"]) == set(case.classes)
    assert sum(row["support"] for row in told["per_class"].values()) == 100
    assert sum(map(sum, told["confusion"])) == 100
    assert sum(bar["n"] for bar in told["reliability"]) == 100
    metric = told["metrics"]["accuracy"]
    assert metric["low"] <= metric["value"] <= metric["high"]
    assert told["per_class"]["class0"]["f1"]["n"] == 100
