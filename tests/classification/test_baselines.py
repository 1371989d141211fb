"""The built-in baselines: each learns, keeps to its seed, and is calibrated without having seen the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from payload_cases import payloads

from threatclip.classification import baselines
from threatclip.classification.baseline_heads import Forest
from threatclip.classification.baselines import BASELINES, LabeledViews, fit_baselines
from threatclip.errors import InputError


def embed(views: Sequence[bytes]) -> np.ndarray:
    """A stand-in for a frozen encoder: counts of bytes."""
    return np.array([np.bincount(np.frombuffer(view, np.uint8), minlength=256)[32:127] for view in views], dtype=float)


@pytest.fixture(autouse=True)
def _small_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    small = baselines.Baseline(title="forest", features="word", head=Forest(n_trees=20))
    monkeypatch.setattr(baselines, "BASELINES", {**BASELINES, "word_forest": small})


def rows(n: int, seed: int) -> LabeledViews:
    views, truth = payloads(n, seed)
    return LabeledViews(views=views, truth=truth)


def test_every_baseline_learns_and_is_calibrated() -> None:
    train, validation, test = rows(150, 0), rows(80, 1), rows(100, 2)
    fitted = fit_baselines(train, validation, n_classes=4, seed=0, embed=embed)
    found = fitted.probabilities(test.views)
    assert list(found) == list(BASELINES)
    for name, probabilities in found.items():
        assert probabilities.shape == (100, 4)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        right = (probabilities.argmax(axis=1) == test.truth).mean()
        assert right > (0.2 if name == "majority" else 0.8), name
        assert probabilities[:, 3].max() < 0.1, name
        if BASELINES[name].features != "none":
            assert probabilities.max(axis=1).mean() == pytest.approx(right, abs=0.15), name


def test_final_fit_reads_validation_but_the_temperature_does_not_read_itself() -> None:
    train, validation = rows(60, 0), rows(60, 1)
    names = ["word_svc", "minilm_knn_1"]
    both = LabeledViews(views=[*train.views, *validation.views], truth=np.concatenate([train.truth, validation.truth]))
    final = fit_baselines(train, validation, n_classes=3, seed=0, embed=embed, names=names)
    plain = fit_baselines(both, n_classes=3, seed=0, embed=embed, names=names)
    test = rows(20, 2).views
    for name in names:
        np.testing.assert_array_equal(final.scores(test)[name], plain.scores(test)[name])
        assert plain.temperatures[name].value == 1.0
    # the nearest neighbor of a stored row is itself: a temperature fitted on stored rows would trust it wholly
    assert final.temperatures["minilm_knn_1"].value > 0.1


def test_same_seed_same_scores_and_names_do_not_disturb_each_other() -> None:
    train, test = rows(80, 3), rows(20, 4).views
    some = fit_baselines(train, n_classes=3, seed=5, names=["word_forest", "word_svc"]).scores(test)
    alone = fit_baselines(train, n_classes=3, seed=5, names=["word_forest"]).scores(test)
    np.testing.assert_array_equal(some["word_forest"], alone["word_forest"])


def test_embeddings_are_computed_once_or_brought_along() -> None:
    asked: list[int] = []

    def counting(views: Sequence[bytes]) -> np.ndarray:
        asked.append(len(views))
        return embed(views)

    train, validation, test = rows(40, 0), rows(20, 1), rows(10, 2)
    names = ["minilm_logistic", "minilm_knn_5"]
    fitted = fit_baselines(train, validation, n_classes=3, seed=0, embed=counting, names=names)
    assert asked == [40, 20]
    brought = fitted.scores(test.views, embedding=embed(test.views))
    assert asked == [40, 20]
    np.testing.assert_array_equal(brought["minilm_logistic"], fitted.scores(test.views)["minilm_logistic"])
    stored = [
        LabeledViews(views=part.views, truth=part.truth, embedding=embed(part.views)) for part in (train, validation)
    ]
    again = fit_baselines(*stored, n_classes=3, seed=0, names=names)
    np.testing.assert_array_equal(
        again.scores(test.views, embedding=embed(test.views))["minilm_knn_5"], brought["minilm_knn_5"]
    )


def test_nothing_to_score_is_fine() -> None:
    fitted = fit_baselines(rows(40, 0), n_classes=3, seed=0, embed=lambda views: np.zeros((len(views), 4)) + 1)
    assert {scores.shape for scores in fitted.scores([]).values()} == {(0, 3)}


def test_refusals() -> None:
    train = rows(20, 0)
    with pytest.raises(InputError, match="unknown baselines \\['word_magic'\\]"):
        fit_baselines(train, n_classes=3, seed=0, names=["word_magic"])
    with pytest.raises(InputError, match="threatclip\\[minilm\\]"):
        fit_baselines(train, n_classes=3, seed=0)
    with pytest.raises(InputError, match="must be \\[n, d\\]"):
        fit_baselines(train, n_classes=3, seed=0, embed=lambda views: np.zeros(3), names=["minilm_knn_1"])
    with pytest.raises(InputError, match="labeled in"):
        fit_baselines(LabeledViews(views=train.views, truth=train.truth - 1), n_classes=3, seed=0, names=["majority"])
