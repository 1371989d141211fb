"""Prototypes, scores and what a random ranking is worth."""

from __future__ import annotations

import numpy as np
import pytest
from prediction_cases import make_predictions, random_predictions, repeat_rows
from sklearn.metrics import average_precision_score

from threatclip.errors import InputError
from threatclip.evaluation.ranking import base_rate, pr_auc_macro, random_pr_auc_macro
from threatclip.evaluation.zero_shot import (
    ZERO_SHOT,
    class_prototypes,
    prompt_list,
    zero_shot_probabilities,
    zero_shot_scores,
)


def test_a_prototype_is_the_normalized_mean_of_normalized_prompts() -> None:
    prompts = np.array([[2.0, 0.0], [0.0, 5.0], [0.0, -3.0]], dtype=np.float32)
    found = class_prototypes(prompts, np.array([0, 0, 1]))
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [0.0, -1.0]], atol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(zero_shot_scores(np.array([[1.0, 0.0]]), found), [[0.5**0.5, 0.0]], atol=1e-6)


def test_classes_without_a_direction_are_refused() -> None:
    rows = np.array([[1.0, 0.0], [-1.0, 0.0]])
    with pytest.raises(InputError, match="length 0"):
        class_prototypes(rows, np.array([0, 0]))
    with pytest.raises(InputError, match="each of 3 classes"):
        class_prototypes(rows, np.array([0, 2]))
    with pytest.raises(InputError, match="classes"):
        class_prototypes(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))


def test_prompts_keep_the_order_of_the_catalogue() -> None:
    classes, texts, owners = prompt_list({"fire": ["a fire", "flames"], "flood": ["water"]})
    assert (classes, texts, owners.tolist()) == (("fire", "flood"), ["a fire", "flames", "water"], [0, 0, 1])
    for broken in ({"fire": []}, {"fire": ["a fire", " "]}):
        with pytest.raises(InputError, match="fire"):
            prompt_list(broken)


def test_probabilities_are_a_softmax_at_any_size() -> None:
    scores = np.array([[0.3, 0.1], [-0.5, 0.5]])
    found = zero_shot_probabilities(scores, temperature=0.1)
    np.testing.assert_allclose(found[0, 0] / found[0, 1], np.exp(2.0))
    np.testing.assert_allclose(zero_shot_probabilities(scores, temperature=1e-6).sum(axis=1), 1)
    with pytest.raises(InputError):
        zero_shot_probabilities(scores, temperature=0.0)


def test_base_rate_is_what_a_random_ranking_of_many_rows_gets() -> None:
    case = random_predictions(50, 4, 0)
    assert float(base_rate(case)) == pytest.approx(1 / len(set(case.truth.tolist())))
    draw = np.random.default_rng(1)
    scores = draw.dirichlet(np.ones(4), size=20_000)
    many = make_predictions(draw.integers(4, size=20_000), scores)
    assert float(pr_auc_macro(many)) == pytest.approx(float(base_rate(many)), abs=0.01)


def test_few_rows_have_a_higher_chance_level() -> None:
    truth = np.array([0] * 3 + [1] * 17)
    draw = np.random.default_rng(2)
    found = []
    for _ in range(4000):
        chance = draw.random(20)
        case = make_predictions(truth, np.stack([chance, 1 - chance], axis=1))
        found.append(float(pr_auc_macro(case)))
    expected = float(random_pr_auc_macro(case))
    assert np.mean(found) == pytest.approx(expected, abs=0.01)
    assert expected > float(base_rate(case))
    single = np.mean([average_precision_score(truth == 0, draw.random(20)) for _ in range(4000)])
    three = make_predictions(truth[:20], np.full((20, 2), 0.5))
    both = float(random_pr_auc_macro(three))
    other = np.mean([average_precision_score(truth == 1, draw.random(20)) for _ in range(4000)])
    assert both == pytest.approx((single + other) / 2, abs=0.02)


def test_weights_stand_for_repeated_rows() -> None:
    case = random_predictions(30, 3, 4)
    counts = np.random.default_rng(0).integers(0, 3, size=30)
    for metric in (base_rate, random_pr_auc_macro):
        weighted = float(metric(case, weights=counts.astype(float)))
        assert weighted == pytest.approx(float(metric(repeat_rows(case, counts))))


def test_the_contract_names_are_there() -> None:
    assert {"roc_auc_macro", "pr_auc_macro", "pr_auc_micro", "base_rate", "accuracy"} <= set(ZERO_SHOT)
