"""What two splits share that they should not: the leakage report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.pairs.near_duplicates import THRESHOLD
from threatclip.pairs.pair import SPLITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How many of `rows` rows of split `later` have a counterpart in split `earlier`, by kind of counterpart.

    Attributes:
        exact_duplicates: rows whose view occurs there byte for byte.
        near_duplicates: rows whose cluster of near-duplicates (exact ones included) reaches there.
        shared_groups: rows whose group occurs there.
        shared_vendors: rows whose `meta.vendor` occurs there.
    """

    earlier: str
    later: str
    rows: int
    exact_duplicates: int
    near_duplicates: int
    shared_groups: int
    shared_vendors: int

    def as_dict(self) -> dict[str, Any]:
        """Return counts and their rates over `rows` as plain JSON values."""
        counts = {name: getattr(self, name) for name in _KINDS}
        rates = {f"{name}_rate": count / self.rows if self.rows else 0.0 for name, count in counts.items()}
        return {"earlier": self.earlier, "later": self.later, "rows": self.rows, **counts, **rates}


_KINDS = ("exact_duplicates", "near_duplicates", "shared_groups", "shared_vendors")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageReport:
    """How a split came out: sizes, and what its parts share.

    Attributes:
        sizes: rows of each split.
        unused: rows in no split.
        dropped: rows taken out of a split because a near-duplicate of theirs is in a later one.
        absent_ids: ids that a fixed split names and the table does not have.
        threshold: Jaccard similarity from which two views are near-duplicates.
        overlaps: train-validation, train-test and validation-test, where both have rows.
    """

    sizes: Mapping[str, int]
    unused: int
    dropped: int
    absent_ids: int
    threshold: float
    overlaps: tuple[Overlap, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "sizes": dict(self.sizes),
            "unused": self.unused,
            "dropped": self.dropped,
            "absent_ids": self.absent_ids,
            "near_duplicate_threshold": self.threshold,
            "overlaps": [overlap.as_dict() for overlap in self.overlaps],
        }


def leakage_report(
    splits: Sequence[str | None],
    *,
    views: Sequence[bytes],
    clusters: np.ndarray,
    groups: Sequence[str | None],
    vendors: Sequence[str | None],
    dropped: int = 0,
    absent_ids: int = 0,
) -> LeakageReport:
    """Compare the splits of a table whose columns and near-duplicate clusters are given row by row."""
    places = {name: [row for row, split in enumerate(splits) if split == name] for name in SPLITS}
    keys: dict[str, Sequence[Any]] = {
        "exact_duplicates": views,
        "near_duplicates": clusters.tolist(),
        "shared_groups": groups,
        "shared_vendors": vendors,
    }
    overlaps = []
    for earlier, later in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if not places[earlier] or not places[later]:
            continue
        counts = {}
        for name, values in keys.items():
            known = {values[row] for row in places[earlier]} - {None, ""}
            counts[name] = sum(values[row] in known for row in places[later])
        overlaps.append(Overlap(earlier=earlier, later=later, rows=len(places[later]), **counts))
    sizes = {name: len(rows) for name, rows in places.items()}
    return LeakageReport(
        sizes=sizes,
        unused=len(splits) - sum(sizes.values()),
        dropped=dropped,
        absent_ids=absent_ids,
        threshold=THRESHOLD,
        overlaps=tuple(overlaps),
    )
