"""What filters read of the evidence: the vectors of one half or of whole pairs, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from threatclip.defenses.contracts import Evidence
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality

Half = Literal["view", "caption", "pair"]
HALVES: tuple[Half, ...] = ("view", "caption", "pair")


def check_modality(kind: str, modalities: Sequence[Modality], evidence: Evidence) -> None:
    """Refuse views that a filter cannot judge.

    Raises:
        InputError: the evidence is of another modality.
    """
    if evidence.modality not in modalities:
        raise InputError(f"the filter {kind} judges {', '.join(modalities)} views, not {evidence.modality} ones")


def half_of(evidence: Evidence, half: Half) -> Float[np.ndarray, "n d"]:
    """Return unit vectors of the views, of the captions, or of pairs: both halves side by side.

    Raises:
        InputError: the evidence has no vectors, or some are not finite.
    """
    return _chosen(evidence.views, evidence.captions, half, "vectors; give a model that reads these pairs")


def trusted_half_of(evidence: Evidence, half: Half) -> Float[np.ndarray, "t d"]:
    """Return the same of trusted pairs.

    Raises:
        InputError: there are none, or some are not finite.
    """
    return _chosen(evidence.trusted_views, evidence.trusted_captions, half, "trusted pairs; give some, with a model")


def pair_cosines(evidence: Evidence) -> Float[np.ndarray, " n"]:
    """Return the cosine of each view with its caption, in [-1, 1].

    Raises:
        InputError: as `half_of`.
    """
    views, captions = half_of(evidence, "view"), half_of(evidence, "caption")
    return np.asarray(np.clip(np.einsum("nd,nd->n", views, captions, dtype=np.float64), -1, 1))


def _chosen(
    views: Float[np.ndarray, "n d"], captions: Float[np.ndarray, "n d"], half: Half, lacking: str
) -> Float[np.ndarray, "n e"]:
    if not views.size:
        raise InputError(f"this filter needs {lacking}")
    if views.shape != captions.shape and half == "pair":
        raise InputError(
            f"views have {views.shape[1]} dimensions, captions {captions.shape[1]}; encode both with one model"
        )
    if half == "pair":
        chosen = np.concatenate([views, captions], axis=1) / np.sqrt(2)
    else:
        chosen = views if half == "view" else captions
    if not np.isfinite(chosen).all():
        raise InputError("some vectors are not finite: the model that made them has diverged")
    return np.asarray(chosen, dtype=np.float32)
