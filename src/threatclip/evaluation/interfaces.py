"""The ways in which an encoder is asked for a class, each as scores [n, c] of the same rows.

One poisoned checkpoint has to be judged on every interface [BadTextTower, arXiv 2606.17815]: what zero-shot answers
hide may show in a linear head. Zero-shot scores are `zero_shot.zero_shot_scores`, those of a linear head
`classification.linear.fit_linear(...).scores(vectors)`; the other two are here.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from threatclip.errors import InputError

_CHUNK_SCORES = 2**22  # cosines at a time: 16 MB in float32


def retrieval_scores(
    vectors: Float[np.ndarray, "n d"],
    gallery: Float[np.ndarray, "g d"],
    labels: Int[np.ndarray, " g"],
    *,
    n_classes: int,
) -> Float[np.ndarray, "n c"]:
    """Retrieval: the best cosine of each row to any item of each class; the first class is that of the first hit.

    The gallery holds captions (a view is searched by its words) or views (like finds like). A class without items
    scores -1, as far away as can be.

    Raises:
        InputError: dimensions differ, labels lie outside [0, n_classes), or a vector is zero or not finite.
    """
    _check_gallery(gallery, labels, n_classes)
    ours, theirs = unit_rows(vectors), unit_rows(gallery)
    scores = np.full((len(ours), n_classes), -1.0, dtype=ours.dtype)
    for rows in _chunks(len(ours), len(theirs)):
        cosines = ours[rows] @ theirs.T
        for label in np.unique(labels):
            scores[rows, label] = cosines[:, labels == label].max(axis=1)
    return scores


def neighbor_scores(
    vectors: Float[np.ndarray, "n d"],
    gallery: Float[np.ndarray, "g d"],
    labels: Int[np.ndarray, " g"],
    *,
    n_classes: int,
    k: int = 16,
    temperature: float = 0.07,
) -> Float[np.ndarray, "n c"]:
    """Nearest neighbors: the k nearest labeled views vote with weight exp(cos / temperature) [Wu 2018, section 3.4].

    Shares of 1 by row; fewer than k items all vote.

    Raises:
        InputError: as `retrieval_scores`, or k or temperature not above 0.
    """
    _check_gallery(gallery, labels, n_classes)
    if k < 1 or temperature <= 0:
        raise InputError(f"k = {k} neighbors at temperature {temperature} cannot vote; both must be above 0")
    ours, theirs = unit_rows(vectors), unit_rows(gallery)
    k = min(k, len(theirs))
    scores = np.zeros((len(ours), n_classes))
    for rows in _chunks(len(ours), len(theirs)):
        cosines = ours[rows] @ theirs.T
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        closeness = np.take_along_axis(cosines, nearest, axis=1).astype(np.float64)
        votes = np.exp((closeness - closeness.max(axis=1, keepdims=True)) / temperature)
        votes /= votes.sum(axis=1, keepdims=True)
        row = np.repeat(np.arange(rows.start, rows.start + len(cosines)), k)
        np.add.at(scores, (row, labels[nearest].ravel()), votes.ravel())
    return scores


def unit_rows(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Return each row divided by its length.

    Raises:
        InputError: no matrix, or a row is zero or not finite.
    """
    if vectors.ndim != 2:
        raise InputError(f"vectors of shape {vectors.shape} are no rows")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise InputError("some vectors are zero or not finite: the model that made them has diverged")
    return np.asarray(vectors / lengths)


def _check_gallery(gallery: Float[np.ndarray, "g d"], labels: Int[np.ndarray, " g"], n_classes: int) -> None:
    if not len(gallery) or labels.shape != gallery.shape[:1]:
        raise InputError(f"a gallery of shape {gallery.shape} does not go with labels of {labels.shape}")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"gallery labels must lie in [0, {n_classes}), found {labels.min()} to {labels.max()}")


def _chunks(n_rows: int, n_items: int) -> list[slice]:
    step = max(1, _CHUNK_SCORES // n_items)
    return [slice(start, start + step) for start in range(0, n_rows, step)]
