"""The judge's side of an audit: how well the scores tell poisoned pairs from clean ones. No filter reads this."""

from __future__ import annotations

from typing import Any

import numpy as np

from threatclip.attacks.truth import Truth
from threatclip.errors import InputError
from threatclip.evaluation.detection import detection_metrics
from threatclip.experiments.auditing.survey import Survey
from threatclip.experiments.auditing.verdict import Verdict
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng

RANKING = ""
"""Stands for the ranking among the kinds of filters."""


def judged_metrics(
    truth: Truth, table: PairTable, survey: Survey, verdict: Verdict, *, seed: int
) -> dict[str, dict[str, Any]]:
    """Return detection metrics with intervals: of the ranking under "", of each filter under its kind.

    Pairs that could not be judged are left out. With thresholds, `tpr` and `fpr` of a filter are those of its own; of
    the ranking, those of the suspects.

    Raises:
        InputError: the truth is of another table, or poisons nothing that was judged, or all of it.
    """
    ids = table.column("id")
    strangers = set(truth.ids) - set(ids)
    if strangers:
        raise InputError(
            f"the truth poisons {min(strangers)[:80]!a}, which is not in {table.path}; give the truth of this table"
        )
    planted = np.array(truth.mask(ids))[survey.rows]
    thresholds = {one.kind: verdict.thresholds[one.kind] for one in verdict.scored}
    scores = {one.kind: one.scores for one in verdict.scored}
    found = {
        kind: detection_metrics(own, planted, threshold=thresholds[kind], rng=rng(seed, "audit/intervals"))
        for kind, own in scores.items()
    }
    found[RANKING] = detection_metrics(verdict.ranking, planted, rng=rng(seed, "audit/intervals"))
    suspects = detection_metrics(
        verdict.suspect.astype(np.float64), planted, threshold=0.5, rng=rng(seed, "audit/intervals")
    )
    found[RANKING] |= {name: suspects[name] for name in ("tpr", "fpr")}
    return {kind: {name: one.as_dict() for name, one in metrics.items()} for kind, metrics in found.items()}
