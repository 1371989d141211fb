"""Posts with their classes, and the folds that they are judged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from threatclip.errors import InputError
from threatclip.experiments.events.recipe import Data
from threatclip.experiments.material import file_modality, read_file
from threatclip.pairs.near_duplicate_posts import clusters_of, joined
from threatclip.pairs.pair import Pair
from threatclip.pairs.posts import Hashtags, normalize_post
from threatclip.seeds import rng


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posts:
    """Labeled posts; near-duplicates, and posts of one group, have one number in `clusters`.

    Attributes:
        pairs: the posts; a picture or words may be missing, not both.
        labels: class numbers, int64 [n].
        clusters: int64 [n].
        n_empty: posts left out since they have neither half.
        n_unlabeled: posts left out since they have none of the classes.
        n_test: posts left out since their table keeps them for tests.
    """

    pairs: tuple[Pair, ...]
    labels: np.ndarray
    clusters: np.ndarray
    n_empty: int
    n_unlabeled: int
    n_test: int

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def views(self) -> list[bytes]:
        """The encoded pictures."""
        return [pair.view for pair in self.pairs]

    @property
    def captions(self) -> list[str]:
        """The words; "" where there are none."""
        return [pair.caption or "" for pair in self.pairs]


def load_posts(data: Data, root: Path) -> Posts:
    """Read the posts that may be learned from, their words normalized.

    Raises:
        InputError: the file is missing, holds no image pairs, or not two classes that every fold can have.
        BadRowsError: a post is broken and `skip_bad` is not set.
    """
    if file_modality(data.posts, root) != "image":
        raise InputError(f"{data.posts.path} holds no pictures and words; events are classified in image pairs")
    read = [relabeled(plain_post(pair, hashtags=data.hashtags), data) for pair in read_file(data.posts, root)]
    learned = [pair for pair in read if pair.split != "test"]
    labeled = [pair for pair in learned if pair.label in data.classes]
    kept = tuple(pair for pair in labeled if pair.view or pair.caption)
    labels = np.array([data.classes.index(pair.label or "") for pair in kept], dtype=np.int64)
    sizes = np.bincount(labels, minlength=len(data.classes))
    rare = [f"{name} ({n})" for name, n in zip(data.classes, sizes.tolist(), strict=True) if n < 2 * data.folds]
    if rare:
        raise InputError(
            f"{data.posts.path} has too few posts of {', '.join(rare)} for {data.folds} folds; lower data.folds, or "
            "leave the class out of data.classes"
        )
    groups = [pair.group or (row,) for row, pair in enumerate(kept)]
    together = clusters_of(kept, modality="image").together.tolist()
    return Posts(
        pairs=kept,
        labels=labels,
        clusters=joined([together, groups]),
        n_empty=len(labeled) - len(kept),
        n_unlabeled=len(learned) - len(labeled),
        n_test=len(read) - len(learned),
    )


def relabeled(pair: Pair, data: Data) -> Pair:
    """Return a post with the label that a recipe judges by."""
    return pair if data.label == "label" else replace(pair, label=pair.meta.get(data.label.removeprefix("meta.")))


def plain_post(pair: Pair, *, hashtags: Hashtags) -> Pair:
    """Return a post with normalized words; None where none are left."""
    return replace(pair, caption=normalize_post(pair.caption or "", hashtags=hashtags) or None)


def folds_of(
    labels: np.ndarray, clusters: np.ndarray, *, n_folds: int, seed: int, stream: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (learned rows, judged rows) of every fold: classes spread evenly, no cluster in two folds."""
    state = int(rng(seed, stream).integers(2**31))
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=state)
    return list(splitter.split(np.zeros(len(labels)), labels, clusters))


def half_counts(pairs: Sequence[Pair]) -> dict[str, int]:
    """Return how many posts have which halves."""
    return {
        "both": sum(bool(pair.view and pair.caption) for pair in pairs),
        "picture": sum(bool(pair.view and not pair.caption) for pair in pairs),
        "words": sum(bool(pair.caption and not pair.view) for pair in pairs),
    }
