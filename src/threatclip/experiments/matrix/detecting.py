"""Cells of detectors and scanners: single views judged beside triggered ones, and whole models."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from threatclip.artifacts import write_tensors
from threatclip.defenses.detectors.thresholds import conformal_threshold, least_trusted
from threatclip.evaluation.detection import detection_metrics
from threatclip.experiments.matrix.desk import Desk
from threatclip.experiments.matrix.methods import method
from threatclip.experiments.matrix.plan import Detecting, Scanning
from threatclip.experiments.poisoning.material import distinct_views
from threatclip.seeds import rng

FPR = 0.05
"""False-positive rate that a detector's threshold shall keep."""


def detected(desk: Desk, work: Detecting) -> dict[str, Any]:
    """Score clean and triggered test views, and return how well the scores tell them apart.

    Triggered views are those of other classes than the target, where the trigger has a place: as for the ASR. `tpr` and
    `fpr` are at the threshold that shall keep `FPR`, found on the held-out trusted views, which the detector is not
    shown as trusted ones.
    """
    found = method("detectors", work.table, where=work.defense)
    attack: Any = desk.attack
    views = [pair.view for pair in desk.judge.rows]
    others = desk.judge.truth != desk.material.pairs.classes.index(attack.target)
    triggered = attack.trigger(views, rng=rng(desk.judge.seed, "judge/trigger"))
    placed = [after for after, before, other in zip(triggered, views, others, strict=True) if other and after != before]
    began = time.monotonic()
    kept_back = [pair.view for pair in distinct_views(desk.material.held_out)]
    asked = [*views, *placed, *kept_back]
    every = found.scores(desk.suspect(), asked, rng=rng(desk.seed, f"matrix/{work.defense}"))
    seconds = time.monotonic() - began
    scores, trusted = every[: len(views) + len(placed)], every[len(views) + len(placed) :]
    planted = np.arange(len(scores)) >= len(views)
    write_tensors(
        desk.cell.file(".safetensors"), {"scores": scores.astype(np.float64), "triggered": planted.astype(np.uint8)}
    )
    threshold = conformal_threshold(trusted, fpr=FPR) if len(trusted) >= least_trusted(FPR) else None
    above = None if threshold is None else float(np.nextafter(threshold, np.inf))  # flagged is what exceeds it
    metrics = detection_metrics(scores, planted, threshold=above, rng=rng(desk.seed, "bootstrap"))
    return {
        **desk.about(),
        "defense": work.defense,
        "method": found.kind,
        "triggered": len(placed),
        "metrics": {name: metric.as_dict() for name, metric in metrics.items()},
        "defense_seconds": seconds,
    }


def scanned(desk: Desk, work: Scanning) -> dict[str, Any]:
    """Return a scanner's score of one model; alone it is no metric: the report sets attacked beside clean ones."""
    found = method("scanners", work.table, where=work.defense)
    began = time.monotonic()
    scan = found.scan(desk.suspect(), rng=rng(desk.seed, f"matrix/{work.defense}"))
    seconds = time.monotonic() - began
    return {
        **desk.about(),
        "defense": work.defense,
        "method": found.kind,
        "score": scan.score,
        "facts": dict(scan.facts),
        "metrics": {},
        "defense_seconds": seconds,
    }
