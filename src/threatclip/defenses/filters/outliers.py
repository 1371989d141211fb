"""Local outliers: rows whose neighborhood is emptier than it should be [Huang 2025].

d_k(i) is the distance of row i to its k-th nearest neighbor, itself left out. Neighbors are searched among a random
batch; `novelty.py` searches among trusted pairs.

Poison of one attack lies close together, so where a batch holds k poisons or more, each finds k neighbors of its own
kind and looks more at home than a clean row: the score turns over. Batches must be so small that the poisons expected
in one stay far below k.

What differs from the released code (dao.py, slof.py of HanxunH/Detect-CLIP-Backdoor-Samples@ff2399a): there, places of
neighbors are found after the row itself was taken out, but used as places of the whole batch, so that every neighbor
behind the row in the batch is confused with the one before it; and the k-th distance counts the row itself, so that it
is the (k - 1)-th.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from threatclip.checks import at_least, check
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.neighbors import nearest
from threatclip.defenses.filters.vectors import HALVES, Half, half_of
from threatclip.errors import InputError

POISONS_PER_NEIGHBOR = 0.25  # of a batch: expected poisons over k
_FLOOR = 1e-4
_LEAST_LID = 1e-3  # of the mean log ratio of distances: neighbors all equally far have no finite dimension
_EPSILON = 1e-4  # added to a ratio of distances, as the released code does


class Settings(Protocol):
    """What the three scores are set by; see `KDist`."""

    @property
    def k(self) -> int: ...
    @property
    def half(self) -> Half: ...
    @property
    def assumed_rate(self) -> float: ...
    @property
    def batch(self) -> int | None: ...
    @property
    def rounds(self) -> int: ...


Score = Callable[[Float[np.ndarray, "n k"], Float[np.ndarray, "m k"], Int[np.ndarray, "n k"]], Float[np.ndarray, " n"]]
"""From distances of rows to their neighbors, of m possible neighbors to theirs, and places of those among the m."""


def check_outlier_settings(settings: Settings) -> None:
    """Refuse settings that no search can run with.

    Raises:
        RecipeError: one is out of range.
    """
    at_least(settings, 1, "k", "rounds")
    check("half", settings.half, settings.half in HALVES, f"one of {', '.join(HALVES)}")
    check("assumed_rate", settings.assumed_rate, 0 < settings.assumed_rate < 1, "above 0, below 1")
    least = settings.k + 2
    check("batch", settings.batch, settings.batch is None or settings.batch >= least, f"at least k + 2 = {least}")


def batch_rows(settings: Settings) -> int:
    """Return the rows of a batch: as told, or such that a quarter of k poisons are expected at the assumed rate.

    At least 4 k rows, below which k neighbors are no neighborhood.
    """
    if settings.batch is not None:
        return settings.batch
    return max(4 * settings.k, int(POISONS_PER_NEIGHBOR * settings.k / settings.assumed_rate))


def outlier_scores(
    settings: Settings, evidence: Evidence, score: Score, *, rng: np.random.Generator
) -> Float[np.ndarray, " n"]:
    """Return `score` of every row, over random batches of all rows, the mean of some rounds.

    Raises:
        InputError: no vectors, or too few rows for k neighbors.
    """
    rows = half_of(evidence, settings.half)
    total = np.zeros(len(rows))
    for _ in range(settings.rounds):
        for batch in _batches(len(rows), batch_rows(settings), least=settings.k + 2, rng=rng):
            found = nearest(rows[batch], k=settings.k, rng=rng)
            distances = floored(found.distances)
            total[batch] += score(distances, distances, found.places)
    return total / settings.rounds


def k_distance(
    own: Float[np.ndarray, "n k"],
    theirs: Float[np.ndarray, "m k"],  # noqa: ARG001
    places: Int[np.ndarray, "n k"],  # noqa: ARG001
) -> Float[np.ndarray, " n"]:
    """Return d_k(i), the distance to the k-th neighbor."""
    return np.asarray(own[:, -1])


def simplified_lof(
    own: Float[np.ndarray, "n k"], theirs: Float[np.ndarray, "m k"], places: Int[np.ndarray, "n k"]
) -> Float[np.ndarray, " n"]:
    """Return the mean over neighbors j of d_k(i) / d_k(j) [Schubert 2014, simplified LOF]."""
    return np.asarray((own[:, -1:] / theirs[places, -1]).mean(axis=1))


def dimensionality_aware(
    own: Float[np.ndarray, "n k"], theirs: Float[np.ndarray, "m k"], places: Int[np.ndarray, "n k"]
) -> Float[np.ndarray, " n"]:
    """Return the mean over neighbors j of LID_j log(d_k(i) / d_k(j)) [Anderberg 2024], with LID of Levina 2004.

    LID_j = -k / sum over the neighbors m of j of log(d_m / d_k(j) + 1e-4).
    """
    logs = np.log(theirs / theirs[:, -1:] + _EPSILON).mean(axis=1)
    dimension = -1 / np.minimum(logs, -_LEAST_LID)
    return np.asarray((dimension[places] * np.log(own[:, -1:] / theirs[places, -1])).mean(axis=1))


def floored(distances: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Return distances of 1e-4 at least, in float64: copies lie at none, and scores divide by it."""
    return np.asarray(np.maximum(distances, _FLOOR), dtype=np.float64)


def _batches(n: int, size: int, *, least: int, rng: np.random.Generator) -> Iterator[Int[np.ndarray, " b"]]:
    """Yield the rows of nearly equal random batches of about `size`; one of all rows where there are no more."""
    if n < least:
        raise InputError(f"{n} pairs have no {least - 2} neighbors each; choose k below {n - 1}, or score more pairs")
    yield from np.array_split(rng.permutation(n), max(1, n // size))


OUTLIER_SCORES: dict[str, Score] = {"k_dist": k_distance, "slof": simplified_lof, "dao": dimensionality_aware}
