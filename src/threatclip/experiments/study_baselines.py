"""The built-in baselines as one variation of a study: same rows, same probes, same tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from threatclip.classification.baselines import BASELINES, FittedBaselines, LabeledViews, fit_baselines
from threatclip.experiments.evaluate import minilm_embedding
from threatclip.experiments.judging import Judged, under_probes
from threatclip.experiments.material import Material


def baseline_answers(
    material: Material, views: Mapping[str, Judged], *, probes: bool, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Return the probabilities of every baseline on the test rows, their probes and other tables.

    Baselines on embeddings read the test rows only: the encoder takes minutes for every further reading.
    """
    parts = [
        LabeledViews(views=rows.views, truth=rows.labels) for rows in (material.train, material.validation) if len(rows)
    ]
    fitted = fit_baselines(*parts, n_classes=len(material.classes), seed=seed, embed=minilm_embedding)
    answers = {name: {"test": one} for name, one in fitted.probabilities(views["test"].views).items()}
    cheap = [name for name in answers if BASELINES[name].features != "embedding"]
    more: dict[str, Sequence[bytes]] = {name: judged.views for name, judged in views.items() if name != "test"}
    if probes:
        more |= {f"test@{probe}": payloads for probe, payloads in under_probes(views["test"].views).items()}
    for rows, payloads in more.items():
        for name, one in only(fitted, cheap).probabilities(payloads).items():
            answers[name][rows] = one
    return answers


def only(fitted: FittedBaselines, names: Sequence[str]) -> FittedBaselines:
    """Return some of the fitted baselines."""
    return replace(fitted, heads={name: fitted.heads[name] for name in names})
