"""The shortcut score against its definition."""

from __future__ import annotations

import json

import numpy as np
import pytest
from prediction_cases import make_predictions, random_predictions
from sklearn.metrics import f1_score

from threatclip.errors import InputError
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.shortcuts import SHORTCUT_PROBES, shortcut_score
from threatclip.seeds import rng


def damaged(full: Predictions, share: float, seed: int) -> Predictions:
    """The same rows with a share of the answers replaced by uniform noise."""
    draws = np.random.default_rng(seed)
    probabilities = full.probabilities.copy()
    rows = draws.random(len(full)) < share
    probabilities[rows] = draws.dirichlet(np.ones(len(full.classes)), size=int(rows.sum()))
    return make_predictions(full.truth, probabilities)


def test_score_is_the_mean_drop() -> None:
    full = random_predictions(250, 4, 0)
    probed = {name: damaged(full, 0.1 * (i + 1), i) for i, name in enumerate(SHORTCUT_PROBES)}
    report = shortcut_score(full, probed, rng=rng(0, "t"), n_resamples=500)
    macro = {
        name: f1_score(full.truth, one.predicted, average="macro") for name, one in [("full", full), *probed.items()]
    }
    drops = {name: macro["full"] - macro[name] for name in SHORTCUT_PROBES}
    assert {name: drop.value for name, drop in report.drops.items()} == pytest.approx(drops)
    assert report.score.value == pytest.approx(sum(drops.values()) / 4)
    assert report.worst_probe == max(drops, key=drops.__getitem__)
    assert report.worst.value == pytest.approx(max(drops.values()))
    assert report.score.low < report.score.value < report.score.high
    told = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert told["worst_probe"] == report.worst_probe
    assert set(told["drops"]) == set(SHORTCUT_PROBES)


def test_a_model_without_shortcuts_scores_zero() -> None:
    full = random_predictions(50, 3, 1)
    report = shortcut_score(full, dict.fromkeys(SHORTCUT_PROBES, full), rng=rng(0, "t"), n_resamples=20)
    assert (report.score.low, report.score.value, report.score.high) == (0, 0, 0)


def test_trained_probes_can_be_left_out() -> None:
    full = random_predictions(80, 3, 2)
    probed = {"marker_swap": damaged(full, 0.5, 0), "endpoint_only": damaged(full, 1.0, 1)}
    report = shortcut_score(full, probed, probes=["marker_swap"], rng=rng(0, "t"), n_resamples=20)
    assert report.score.value == report.worst.value == report.drops["marker_swap"].value


def test_missing_or_other_rows_are_refused() -> None:
    full = random_predictions(20, 3, 3)
    with pytest.raises(InputError, match="missing: \\['marker_swap'\\]"):
        shortcut_score(full, dict.fromkeys(SHORTCUT_PROBES[:3], full), rng=rng(0, "t"))
    other = random_predictions(21, 3, 3)
    with pytest.raises(InputError, match="same rows"):
        shortcut_score(full, dict.fromkeys(SHORTCUT_PROBES, other), rng=rng(0, "t"))
