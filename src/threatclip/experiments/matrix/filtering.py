"""Cells of filters: scores of the poisoned pairs, judged against the truth; and which pairs a retraining keeps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.defenses.contracts import Evidence
from threatclip.errors import DamagedArtifactError
from threatclip.evaluation.detection import detection_metrics
from threatclip.experiments.cells import Cell
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.matrix.desk import Desk
from threatclip.experiments.matrix.learning import repaired_model
from threatclip.experiments.matrix.methods import method
from threatclip.experiments.matrix.plan import Filtering, Retraining, work_name
from threatclip.experiments.poisoning.plan import name_of
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng

_SCORES, _POISONED = "scores", "poisoned"


def filtered(desk: Desk, work: Filtering) -> dict[str, Any]:
    """Score the poisoned pairs, and return how well the scores tell which were planted."""
    found = method("filters", work.table, where=work.defense)
    pairs = desk.planted().pairs
    began = time.monotonic()
    evidence = evidence_of(desk, pairs, _encoder(desk, work))
    scores = found.scores(evidence, rng=rng(desk.seed, f"matrix/{work.defense}"))
    seconds = time.monotonic() - began
    truth = desk.truth
    poisoned = np.array(truth.mask([pair.id for pair in pairs]) if truth is not None else [], dtype=bool)
    write_tensors(
        desk.cell.file(".safetensors"),
        {_SCORES: scores.astype(np.float64), _POISONED: poisoned.astype(np.uint8)},
    )
    metrics = detection_metrics(scores, poisoned, rng=rng(desk.seed, "bootstrap"))
    return {
        **desk.about(),
        "defense": work.defense,
        "method": found.kind,
        "by": work.by,
        "poisoned": int(poisoned.sum()),
        "metrics": {name: metric.as_dict() for name, metric in metrics.items()},
        "defense_seconds": seconds,
    }


def evidence_of(desk: Desk, pairs: tuple[Pair, ...], encoder: DualBundle) -> Evidence:
    """Return what a filter sees: poisoned pairs and trusted ones, in the vectors of one encoder."""
    trusted = desk.material.trusted
    return Evidence(
        pairs=pairs,
        modality=desk.material.modality,
        views=encoder.view_vectors([pair.view for pair in pairs]),
        captions=encoder.text_vectors([pair.caption or "" for pair in pairs]),
        trusted_views=encoder.view_vectors([pair.view for pair in trusted]),
        trusted_captions=encoder.text_vectors([pair.caption or "" for pair in trusted]),
    )


def _encoder(desk: Desk, work: Filtering) -> DualBundle:
    match work.by:
        case "poisoned":
            return desk.bundle
        case "trusted":
            return repaired_model(desk.cell, f"trusted-{desk.seed}")
        case "independent":
            if work.encoder is None:
                raise ValueError("a filter by the independent encoder names no cell of it")
            return desk.model(work.encoder)


def kept_pairs(desk: Desk, work: Retraining) -> list[Pair]:
    """Return the poisoned pairs without the most suspect share, in their order.

    Raises:
        DamagedArtifactError: the scores are of other pairs.
    """
    pairs = desk.planted().pairs
    name = f"{name_of(desk.attacked)}--{work_name(work.filtering)}"
    cell = Cell(name=name, spec=None, folder=desk.cell.folder)
    scores = read_tensors(cell.file(".safetensors"))[_SCORES]
    if len(scores) != len(pairs):
        raise DamagedArtifactError(f"{cell.file('.safetensors')} scores {len(scores)} of {len(pairs)} pairs")
    removed = set(np.argsort(-scores, kind="stable")[: round(work.without * len(pairs))].tolist())
    return [pair for place, pair in enumerate(pairs) if place not in removed]
