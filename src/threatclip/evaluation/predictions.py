"""What a judge needs of one model on one set of rows: the truth, the probabilities, and what rows belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from threatclip.errors import InputError

UNLABELED = -1
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """A model's answers on n rows over c classes.

    `truth` holds indices into `classes`, `UNLABELED` (-1) where the row has no label. `probabilities` are
    non-negative and sum to 1 in each row. Rows with one value in `groups` (a CVE, say) are resampled together.

    Raises:
        InputError: shapes disagree, an index is out of range, or a row is not a distribution.
    """

    truth: Int[np.ndarray, " n"]
    probabilities: Float[np.ndarray, "n c"]
    groups: Shaped[np.ndarray, " n"]
    ids: tuple[str, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        n, c = len(self.ids), len(self.classes)
        shapes = (self.truth.shape, self.probabilities.shape, self.groups.shape)
        if shapes != ((n,), (n, c), (n,)):
            raise InputError(f"predictions of {n} ids and {c} classes have truth, probabilities, groups of {shapes}")
        if len(set(self.classes)) != c:
            raise InputError(f"the classes {self.classes} name one twice")
        if n and (self.truth.min() < UNLABELED or self.truth.max() >= c):
            raise InputError(f"truth must lie in [-1, {c}), found {self.truth.min()} to {self.truth.max()}")
        # a NaN fails both comparisons, so the conditions say what is good
        sums = self.probabilities.sum(axis=1)
        good = (np.abs(sums - 1) <= _SUM_TOLERANCE) & (self.probabilities >= 0).all(axis=1)
        if not good.all():
            name = self.ids[int(np.argmin(good))]
            raise InputError(f"row {name!r} has no probability distribution; apply a softmax to scores first")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> Int[np.ndarray, " n"]:
        """Index of the most probable class of each row, the first one on a tie."""
        return np.asarray(np.argmax(self.probabilities, axis=1))

    @property
    def confidence(self) -> Float[np.ndarray, " n"]:
        """Probability of the predicted class of each row."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    @property
    def correct(self) -> Bool[np.ndarray, " n"]:
        """Whether the predicted class of each row is the true one; False for unlabeled rows."""
        return np.asarray(self.predicted == self.truth)

    def take(self, rows: Int[np.ndarray, " m"] | Bool[np.ndarray, " n"]) -> Predictions:
        """Return the predictions of some rows, chosen by index or by mask."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Predictions(
            truth=self.truth[index],
            probabilities=self.probabilities[index],
            groups=self.groups[index],
            ids=tuple(self.ids[i] for i in index),
            classes=self.classes,
        )

    def labeled(self) -> Predictions:
        """Return the rows that have a label: the only ones a metric of truth can read."""
        return self if (self.truth >= 0).all() else self.take(self.truth >= 0)


def predictions_of(
    *,
    labels: Sequence[str | None],
    probabilities: Float[np.ndarray, "n c"],
    classes: Sequence[str],
    ids: Sequence[str],
    groups: Sequence[str | None] | None = None,
) -> Predictions:
    """Make `Predictions` of label names; a row without a group is a group of its own.

    Raises:
        InputError: a label is not among `classes`, or shapes disagree.
    """
    index = {name: i for i, name in enumerate(classes)}
    unknown = sorted({label for label in labels if label is not None and label not in index})
    if unknown:
        raise InputError(f"unknown class {unknown[0]!r}; the model knows {', '.join(classes)}")
    names = groups if groups is not None else [None] * len(ids)
    if len(names) != len(ids):
        raise InputError(f"{len(ids)} ids but {len(names)} groups")
    # a prefix keeps a group's name from meeting the id of a row that has none
    keys = [f"g:{name}" if name is not None else f"i:{row}" for name, row in zip(names, ids, strict=True)]
    return Predictions(
        truth=np.array([UNLABELED if label is None else index[label] for label in labels], dtype=np.int64),
        probabilities=np.asarray(probabilities, dtype=np.float64),
        groups=np.array(keys, dtype=object),
        ids=tuple(ids),
        classes=tuple(classes),
    )
