"""Labels of one half used on the other: a head on one half's vectors reads the other's, since they share a space.

[Andreasson 2022] trains on protest texts and finds protest pictures, and back. The four cells are every pair of the
half that has labels and the half that is judged; the two where they are the same are what no transfer costs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from threatclip.classification.heads import unit
from threatclip.classification.linear import LinearHead
from threatclip.classification.scores import softmax
from threatclip.classification.span import fit_in_span
from threatclip.experiments.events.features import PICTURE, WORDS
from threatclip.experiments.events.space import PostVectors
from threatclip.seeds import rng

CELLS: Mapping[str, tuple[str, str]] = {
    f"{learned}_to_{judged}": (learned, judged) for learned in (PICTURE, WORDS) for judged in (PICTURE, WORDS)
}
SUPERVISED = "supervised"
_COST = 3.0  # inverse penalty of every head: no choice is made on the rows that are judged


def transferred(
    learned: PostVectors, labels: np.ndarray, judged: PostVectors, *, n_classes: int, seed: int
) -> dict[str, np.ndarray]:
    """Return {cell: probabilities [n, c]}, and a head on both halves side by side as "supervised".

    Each half is centered by the mean of the learned posts' own, so that the gap between the halves [Liang 2022] does
    not decide. Judged posts without the half get the shares of the classes.

    Args:
        learned: vectors of labeled posts.
        labels: their class numbers.
        judged: vectors of other posts.
        n_classes: size of the catalogue.
        seed: of the heads' solver.

    Raises:
        InputError: no half of the labeled posts has two classes.
    """
    shares = np.bincount(labels, minlength=n_classes) / len(labels)
    centers = {half: _rows(learned, half)[_there(learned, half)].mean(axis=0) for half in (PICTURE, WORDS)}
    ready = {half: _centered(learned, half, centers[half]) for half in (PICTURE, WORDS)}
    asked = {half: _centered(judged, half, centers[half]) for half in (PICTURE, WORDS)}
    found: dict[str, np.ndarray] = {}
    for source in (PICTURE, WORDS):
        rows = _there(learned, source)
        head = _head(ready[source][rows], labels[rows], n_classes, seed)
        for target in (PICTURE, WORDS):
            there = _there(judged, target)
            answers = np.tile(shares, (len(there), 1))
            answers[there] = softmax(head.scores(asked[target][there]))
            found[f"{source}_to_{target}"] = answers
    both = [np.concatenate([one[PICTURE], one[WORDS]], axis=1) for one in (ready, asked)]
    found[SUPERVISED] = softmax(_head(both[0], labels, n_classes, seed).scores(both[1]))
    return found


def _head(rows: np.ndarray, labels: np.ndarray, n_classes: int, seed: int) -> LinearHead:
    heads = fit_in_span(rows, labels, n_classes=n_classes, costs=(_COST,), rng=rng(seed, "events/transfer"))
    return next(heads)[1]


def _rows(vectors: PostVectors, half: str) -> np.ndarray:
    return vectors.picture if half == PICTURE else vectors.words


def _there(vectors: PostVectors, half: str) -> np.ndarray:
    return vectors.has_picture if half == PICTURE else vectors.has_words


def _centered(vectors: PostVectors, half: str, center: np.ndarray) -> np.ndarray:
    return np.asarray(unit(_rows(vectors, half) - center) * _there(vectors, half)[:, None])
