"""Heads on unit vectors without a fit of weights: class anchors (zero-shot) and nearest known neighbors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from threatclip.classification.scores import check_training_rows
from threatclip.errors import DamagedArtifactError, InputError

Pooling = Literal["max", "mean"]
_NO_ANCHOR = -1.0  # the least cosine there is
_TIE_BREAK = 1e-3  # share of a vote that similarity may move: below one vote of any k under 500
_BLOCK_SIMILARITIES = 2**24  # similarities held at once by a search: 64 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnchorHead:
    """Cosine to the anchors of each class: "semantic retrieval" of generic texts, or prototypes of training rows.

    `anchors` are unit vectors, `owner` is the class index of each. Of several anchors of a class the best one
    counts (`max`) or their mean cosine (`mean`); a class without anchors scores -1.
    """

    anchors: Float[np.ndarray, "a d"]
    owner: Int[np.ndarray, " a"]
    n_classes: int
    pooling: Pooling = "max"

    def __post_init__(self) -> None:
        if self.pooling not in get_args(Pooling):
            raise InputError(f"unknown pooling {self.pooling!r}; choose from {', '.join(get_args(Pooling))}")
        if self.anchors.ndim != 2 or self.owner.shape != self.anchors.shape[:1] or not len(self.owner):
            raise InputError(f"anchors of shape {self.anchors.shape} do not fit owners of shape {self.owner.shape}")
        if self.owner.min() < 0 or self.owner.max() >= self.n_classes:
            raise InputError(f"anchors belong to classes in [0, {self.n_classes}), found {self.owner.max()}")

    def scores(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the pooled cosine of each unit vector to each class, in [-1, 1]."""
        cosine = z @ self.anchors.T
        pooled = np.full((len(z), self.n_classes), _NO_ANCHOR)
        for k in np.unique(self.owner):
            own = cosine[:, self.owner == k]
            pooled[:, k] = own.max(axis=1) if self.pooling == "max" else own.mean(axis=1)
        return pooled

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the head's arrays."""
        return {"anchors": self.anchors, "owner": self.owner}

    def config(self) -> dict[str, Any]:
        """Return the head's settings as plain JSON values."""
        return {"n_classes": self.n_classes, "pooling": self.pooling}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> AnchorHead:
        """Return the head that `as_arrays` and `config` wrote.

        Raises:
            DamagedArtifactError: parts are missing or do not fit.
        """
        try:
            return cls(
                anchors=arrays["anchors"],
                owner=arrays["owner"],
                n_classes=config["n_classes"],
                pooling=config["pooling"],
            )
        except (KeyError, TypeError, InputError) as error:
            raise DamagedArtifactError(f"the anchor head is not whole ({error!r}); train it anew") from error


def class_prototypes(z: Float[np.ndarray, "n d"], truth: Int[np.ndarray, " n"], *, n_classes: int) -> AnchorHead:
    """Return one anchor per class that occurs: the mean of its unit vectors, scaled to length 1 [Snell 2017].

    Raises:
        InputError: fewer than two classes, or unlabeled rows.
    """
    check_training_rows(len(z), truth, n_classes=n_classes)
    owner = np.unique(truth)
    means = np.stack([z[truth == k].mean(axis=0) for k in owner])
    return AnchorHead(anchors=unit(means), owner=owner.astype(np.int64), n_classes=n_classes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighborHead:
    """Vote of the `k` nearest stored rows by cosine; exact search, and the neighbors are the evidence.

    A class scores its share of the k votes. Equal shares are settled by similarity, which moves a share by less
    than one vote.
    """

    vectors: Float[np.ndarray, "m d"]
    labels: Int[np.ndarray, " m"]
    n_classes: int
    k: int

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.labels.shape != self.vectors.shape[:1]:
            raise InputError(f"vectors of shape {self.vectors.shape} do not fit labels of shape {self.labels.shape}")
        if not 1 <= self.k <= min(len(self.labels), 499):
            raise InputError(f"{self.k} neighbors asked of {len(self.labels)} stored rows; at most 499 can vote")
        if self.labels.min() < 0 or self.labels.max() >= self.n_classes:
            raise InputError(f"stored rows need labels in [0, {self.n_classes}); drop unlabeled rows first")

    def search(self, z: Float[np.ndarray, "n d"]) -> tuple[Int[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
        """Return row numbers and cosines of the k nearest stored rows, the nearest first; on a tie the first row."""
        rows = np.empty((len(z), self.k), dtype=np.int64)
        cosines = np.empty((len(z), self.k), dtype=np.float32)
        block = max(1, _BLOCK_SIMILARITIES // len(self.vectors))
        for start in range(0, len(z), block):
            cosine = z[start : start + block] @ self.vectors.T
            # a stable full sort: argpartition would break ties at the k-th place differently from run to run
            nearest = np.argsort(-cosine, axis=1, kind="stable")[:, : self.k]
            rows[start : start + block] = nearest
            cosines[start : start + block] = np.take_along_axis(cosine, nearest, axis=1)
        return rows, cosines

    def scores(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the share of the k votes that each class gets, ties settled by similarity."""
        rows, cosines = self.search(z)
        votes = (1.0 + _TIE_BREAK * cosines.astype(np.float64)) / self.k
        ballots = np.eye(self.n_classes)[self.labels[rows]]
        return np.asarray((ballots * votes[:, :, None]).sum(axis=1))

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the head's arrays."""
        return {"vectors": self.vectors, "labels": self.labels}

    def config(self) -> dict[str, Any]:
        """Return the head's settings as plain JSON values."""
        return {"n_classes": self.n_classes, "k": self.k}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> NeighborHead:
        """Return the head that `as_arrays` and `config` wrote.

        Raises:
            DamagedArtifactError: parts are missing or do not fit.
        """
        try:
            return cls(vectors=arrays["vectors"], labels=arrays["labels"], n_classes=config["n_classes"], k=config["k"])
        except (KeyError, TypeError, InputError) as error:
            raise DamagedArtifactError(f"the neighbor head is not whole ({error!r}); train it anew") from error


def unit(z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Scale rows to length 1; a row of zeros stays one."""
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return np.asarray(z / np.where(length > 0, length, 1))
