"""Calibration, abstention and fusion: what they promise on validation, and where they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from scipy.stats import binomtest

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.classification.abstention import NEVER, Abstention, fit_abstention, lower_bound
from threatclip.classification.calibration import Temperature, fit_temperature, mean_nll
from threatclip.classification.fusion import LogLinearPool, fit_pool
from threatclip.classification.scores import UNSEEN_SCORE, log_softmax, softmax
from threatclip.errors import DamagedArtifactError, InputError


def drawn_from(scores: np.ndarray, temperature: float, seed: int) -> np.ndarray:
    """Labels drawn from softmax(scores / temperature): the temperature to find again."""
    probabilities = softmax(scores, temperature=temperature)
    return (probabilities.cumsum(axis=1) < np.random.default_rng(seed).random((len(scores), 1))).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.02, 0.3, 1.0, 5.0])
def test_the_temperature_of_the_labels_is_found(temperature: float) -> None:
    scores = np.random.default_rng(0).normal(size=(6000, 5)) * 2 * temperature
    found = fit_temperature(scores, drawn_from(scores, temperature, 1)).value
    assert found == pytest.approx(temperature, rel=0.06)


def test_no_temperature_of_a_grid_is_better() -> None:
    scores = np.random.default_rng(2).normal(size=(300, 4)) * 3
    truth = drawn_from(scores, 2.5, 3)
    best = mean_nll(log_softmax(scores / fit_temperature(scores, truth).value), truth)
    for temperature in np.geomspace(0.01, 100, 200):
        assert best <= mean_nll(log_softmax(scores / temperature), truth) + 1e-6


@settings(deadline=None)
@given(value=st.floats(0.01, 100), seed=st.integers(0, 1000))
def test_a_temperature_keeps_every_answer(value: float, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(20, 4))
    probabilities = Temperature(value=value).probabilities(scores)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_unlabeled_rows_and_unseen_classes_do_not_matter() -> None:
    scores = np.random.default_rng(4).normal(size=(500, 3))
    truth = drawn_from(scores, 0.5, 5)
    found = fit_temperature(scores, truth)
    wider = np.concatenate([scores, np.full((500, 1), UNSEEN_SCORE)], axis=1)
    more = np.concatenate([wider, np.ones((7, 4))])
    assert fit_temperature(more, np.append(truth, [-1] * 7)).value == pytest.approx(found.value, rel=1e-3)


def test_calibration_refuses_what_it_cannot_use() -> None:
    scores = np.zeros((3, 2))
    with pytest.raises(InputError, match="no validation row"):
        fit_temperature(scores, np.array([-1, -1, -1]))
    with pytest.raises((InputError, TypeCheckError)):
        fit_temperature(scores, np.array([0, 1]))
    with pytest.raises(InputError, match="not finite"):
        fit_temperature(np.full((1, 2), np.nan), np.array([0]))
    with pytest.raises(InputError, match="positive"):
        Temperature(value=0.0)
    assert Temperature.from_config(json.loads(json.dumps(Temperature(value=0.37).config()))).value == 0.37
    for config in ({}, {"temperature": -1}, {"temperature": "warm"}):
        with pytest.raises(DamagedArtifactError, match="calibrate anew"):
            Temperature.from_config(config)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 60),
    target=st.sampled_from([0.5, 0.8, 0.9, 1.0]),
    level=st.sampled_from([None, 0.9]),
)
def test_abstention_takes_the_least_threshold_that_keeps_the_target(
    seed: int, n: int, target: float, level: float | None
) -> None:
    draws = np.random.default_rng(seed)
    confidence = draws.integers(1, 12, size=n) / 12
    correct = draws.random(n) < confidence
    rule = fit_abstention(confidence, correct, target=target, level=level)
    best = NEVER
    for threshold in sorted(set(confidence.tolist())):
        answered = confidence >= threshold
        right = int(correct[answered].sum())
        kept = right / answered.sum()
        if level is not None:
            test = binomtest(right, int(answered.sum()), alternative="greater")
            kept = test.proportion_ci(confidence_level=level, method="exact").low
        if kept >= target - 1e-9:
            best = threshold
            break
    assert rule.threshold == best
    answered = confidence >= rule.threshold
    assert rule.coverage == pytest.approx(answered.mean())
    assert rule.precision == pytest.approx(correct[answered].mean() if answered.any() else 0)


def test_a_bound_answers_less_and_never_means_never() -> None:
    draws = np.random.default_rng(0)
    confidence = draws.random(400)
    correct = draws.random(400) < confidence
    plain, careful = (fit_abstention(confidence, correct, target=0.85, level=level) for level in (None, 0.95))
    assert careful.threshold > plain.threshold
    assert careful.coverage < plain.coverage
    never = fit_abstention(np.array([0.4, 0.9]), np.array([False, False]))
    assert never.threshold == NEVER
    assert not never.answers(np.eye(3)).any()
    assert lower_bound(np.array([0]), np.array([5]), level=0.95).tolist() == [0.0]


def test_abstention_round_trip_and_refusals() -> None:
    rule = fit_abstention(np.array([0.9, 0.8, 0.3]), np.array([True, True, False]))
    assert Abstention.from_config(json.loads(json.dumps(rule.config()))) == rule
    assert rule.answers(np.array([[0.8, 0.2], [0.5, 0.5]])).tolist() == [True, False]
    with pytest.raises(DamagedArtifactError, match="calibrate anew"):
        Abstention.from_config({"threshold": 0.5})
    for confidence, target, level in (([], 0.9, None), ([0.5], 0.0, None), ([0.5], 0.9, 1.0)):
        with pytest.raises(InputError):
            fit_abstention(np.array(confidence), np.ones(len(confidence), dtype=bool), target=target, level=level)


def members(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Two members that see different halves of the truth, and one that only guesses."""
    draws = np.random.default_rng(seed)
    truth = draws.integers(4, size=n)
    shown = np.eye(4)[truth] * 2
    return {
        "left": shown * np.array([1, 1, 0, 0]) + 0.7 * draws.normal(size=(n, 4)),
        "right": 10 * (shown * np.array([0, 0, 1, 1]) + 0.7 * draws.normal(size=(n, 4))),
        "noise": draws.normal(size=(n, 4)),
    }, truth


def pool_nll(pool: LogLinearPool, scores: dict[str, np.ndarray], truth: np.ndarray) -> float:
    return mean_nll(pool.scores(scores), truth)


def test_a_pool_is_better_than_its_members_and_deaf_to_noise() -> None:
    scores, truth = members(600, 0)
    pool = fit_pool(scores, truth, l2=0.0)
    test, expected = members(2000, 1)
    pooled = (pool.probabilities(test).argmax(axis=1) == expected).mean()
    assert pooled > max((one.argmax(axis=1) == expected).mean() for one in test.values()) + 0.05
    silent = fit_pool({name: scores[name] for name in ("left", "right")}, truth, l2=0.0)
    same = pool.scores(test).argmax(axis=1) == silent.scores(test).argmax(axis=1)
    assert same.mean() > 0.97


def test_no_other_weights_are_better() -> None:
    scores, truth = members(300, 2)
    pool = fit_pool(scores, truth, l2=0.05)
    equal = 1 / 3

    def loss(weights: np.ndarray) -> float:
        other = LogLinearPool(members=pool.members, weights=weights, temperatures=pool.temperatures)
        return pool_nll(other, scores, truth) + 0.05 * float(((weights - equal) ** 2).sum())

    draws = np.random.default_rng(0)
    for _ in range(200):
        nearby = np.maximum(pool.weights + draws.normal(scale=0.1, size=3), 0)
        assert loss(pool.weights) <= loss(nearby) + 1e-7


def test_a_strong_pull_gives_equal_weights() -> None:
    scores, truth = members(200, 3)
    np.testing.assert_allclose(fit_pool(scores, truth, l2=1e6).weights, 1 / 3, atol=1e-4)


def test_one_member_alone_keeps_its_answers() -> None:
    scores, truth = members(200, 4)
    pool = fit_pool({"left": scores["left"]}, truth)
    np.testing.assert_array_equal(
        pool.probabilities({"left": scores["left"]}).argmax(axis=1), scores["left"].argmax(axis=1)
    )


def test_a_member_cannot_veto() -> None:
    blind = np.array([[5.0, UNSEEN_SCORE], [5.0, 0.0]])
    sure = np.array([[-30.0, 30.0], [30.0, -30.0]])
    pool = LogLinearPool(members=("blind", "sure"), weights=np.array([0.3, 1.0]), temperatures=np.ones(2))
    assert pool.probabilities({"blind": blind, "sure": sure}).argmax(axis=1).tolist() == [1, 0]


def test_pool_round_trip_and_refusals(tmp_path: Path) -> None:
    scores, truth = members(100, 5)
    pool = fit_pool(scores, truth)
    write_tensors(tmp_path / "pool.safetensors", pool.as_arrays())
    again = LogLinearPool.from_arrays(
        read_tensors(tmp_path / "pool.safetensors"), json.loads(json.dumps(pool.config()))
    )
    np.testing.assert_array_equal(again.scores(scores), pool.scores(scores))
    with pytest.raises(InputError, match="missing: right, noise"):
        pool.scores({"left": scores["left"]})
    for arrays, config in (
        ({}, pool.config()),
        (pool.as_arrays(), {}),
        (pool.as_arrays(), {"members": ["one"]}),
        ({**pool.as_arrays(), "weights": -pool.weights - 1}, pool.config()),
    ):
        with pytest.raises(DamagedArtifactError, match="fit it anew"):
            LogLinearPool.from_arrays(arrays, config)
    with pytest.raises(InputError, match="needs members"):
        fit_pool({}, truth)
    with pytest.raises(InputError, match="differ in shape"):
        fit_pool({"a": scores["left"], "b": scores["left"][:, :2]}, truth)
