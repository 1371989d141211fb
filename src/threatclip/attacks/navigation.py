"""MP-Nav: let a surrogate's vectors choose which classes to confuse and which pairs to poison [ICML 2025].

Concepts: the two classes whose mean vectors are closest are the easiest to confuse. Instances: pairs close to the
center of their class speak for it best. The paper was read in abstract and in other papers' tables only; ours uses
the mean of view and caption similarities for concepts, captions for class A and views for class B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from threatclip.attacks.choice import trainable
from threatclip.attacks.surrogate import Surrogate
from threatclip.attacks.view_swaps import Goal, Unit
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair

Concepts = Literal["given", "nearest"]
Instances = Literal["random", "center"]


def view_vectors(clean: Sequence[Pair], rows: Sequence[int], surrogate: Surrogate) -> Float[np.ndarray, "n d"]:
    """Return the unit vector of each row's view; one that several rows share is encoded once."""
    places: dict[bytes, int] = {}
    for row in rows:
        places.setdefault(clean[row].view, len(places))
    distinct = surrogate.encode_bytes(list(places)).detach().cpu().numpy()
    return np.asarray(distinct[[places[clean[row].view] for row in rows]], dtype=np.float64)


def caption_vectors(clean: Sequence[Pair], rows: Sequence[int], surrogate: Surrogate) -> Float[np.ndarray, "n d"]:
    """Return the unit vector of each row's caption."""
    vectors = surrogate.encode_texts([clean[row].caption or "" for row in rows]).detach().cpu().numpy()
    return np.asarray(vectors, dtype=np.float64)


def center_of(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """Return the normalized mean of unit rows; zeros where they cancel out."""
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else mean)


def nearest_first(vectors: Float[np.ndarray, "n d"]) -> list[int]:
    """Return row numbers by cosine to the center of all rows, nearest first; ties in the order given."""
    return [int(row) for row in np.argsort(-(vectors @ center_of(vectors)), kind="stable")]


def central_units(
    clean: Sequence[Pair], units: Sequence[Unit], surrogate: Surrogate, *, by: Literal["view", "caption"]
) -> list[Unit]:
    """Order units by how close they stand to the center of all of them, nearest first.

    Args:
        clean: the pairs.
        units: rows of one view each.
        surrogate: makes the vectors.
        by: the view, or the mean of the captions, of each unit.
    """
    if by == "view":
        vectors = view_vectors(clean, [unit[0] for unit in units], surrogate)
    else:
        rows = [row for unit in units for row in unit]
        starts = np.cumsum([0, *map(len, units)])[:-1]
        sums = np.add.reduceat(caption_vectors(clean, rows, surrogate), starts, axis=0)
        vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return [units[place] for place in nearest_first(vectors)]


def nearest_goal(
    clean: Sequence[Pair], *, queries: str, target: str, count: int, surrogate: Surrogate, taken: Sequence[str] = ()
) -> Goal:
    """Return the goal whose two classes have the most similar mean vectors; what is named already stays.

    Args:
        clean: labeled pairs.
        queries: class A, or "" for any with at least `count` captioned training pairs.
        target: class B, or "" for any.
        count: pairs to be poisoned.
        surrogate: makes the vectors.
        taken: classes of other goals, which are left alone.

    Raises:
        InputError: no two classes are left to choose from.
    """
    rows = [row for row in trainable(clean) if clean[row].view and clean[row].caption and clean[row].label]
    labels = np.array([clean[row].label for row in rows], dtype=object)
    names = [name for name in dict.fromkeys(labels.tolist()) if name not in taken]
    sides = [name for name in names if queries in ("", name) and int((labels == name).sum()) >= count]
    wanted = [name for name in names if target in ("", name)]
    if not any(one != other for one in sides for other in wanted):
        raise InputError(
            f'concepts = "nearest" finds no two of {len(names)} labels, one of them with {count} captioned pairs; '
            "name queries and target, or lower the count"
        )
    both = (view_vectors(clean, rows, surrogate), caption_vectors(clean, rows, surrogate))
    centers = {name: [center_of(vectors[labels == name]) for vectors in both] for name in {*sides, *wanted}}
    pairs = [(one, other) for one in sides for other in wanted if one != other]
    closeness = [sum(float(a @ b) for a, b in zip(centers[one], centers[other], strict=True)) for one, other in pairs]
    best = pairs[int(np.argmax(closeness))]
    return Goal(queries=best[0], target=best[1])
