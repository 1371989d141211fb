"""What two splits share that they should not: the leakage report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from threatclip.pairs.near_duplicate_posts import HASH_DISTANCE, Clusters
from threatclip.pairs.near_duplicates import THRESHOLD
from threatclip.pairs.pair import SPLITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How many of `rows` rows of split `later` have a counterpart in split `earlier`, by kind of counterpart.

    Attributes:
        exact_duplicates: rows whose view (the words of a post without a picture) occurs there byte for byte.
        near_duplicates: rows whose cluster of near-duplicates (exact ones included) reaches there.
        near_pictures: of image pairs, those by the picture alone; None for other modalities.
        near_words: of image pairs, those by the words alone.
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
    near_pictures: int | None = None
    near_words: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return counts and their rates over `rows` as plain JSON values."""
        counts = {name: count for name in KINDS if (count := getattr(self, name)) is not None}
        rates = {f"{name}_rate": count / self.rows if self.rows else 0.0 for name, count in counts.items()}
        return {"earlier": self.earlier, "later": self.later, "rows": self.rows, **counts, **rates}


KINDS = ("exact_duplicates", "near_duplicates", "near_pictures", "near_words", "shared_groups", "shared_vendors")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageReport:
    """How a split came out: sizes, and what its parts share.

    Attributes:
        sizes: rows of each split.
        unused: rows in no split.
        dropped: rows taken out of a split because a near-duplicate of theirs is in a later one.
        absent_ids: ids that a fixed split names and the table does not have.
        threshold: Jaccard similarity from which two views, or the words of two posts, are near-duplicates.
        hash_distance: bits up to which the perceptual hashes of two pictures of near-duplicates differ; None where
            there are no pictures.
        overlaps: train-validation, train-test and validation-test, where both have rows.
    """

    sizes: Mapping[str, int]
    unused: int
    dropped: int
    absent_ids: int
    threshold: float
    hash_distance: int | None
    overlaps: tuple[Overlap, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "sizes": dict(self.sizes),
            "unused": self.unused,
            "dropped": self.dropped,
            "absent_ids": self.absent_ids,
            "near_duplicate_threshold": self.threshold,
            **({} if self.hash_distance is None else {"near_duplicate_hash_distance": self.hash_distance}),
            "overlaps": [overlap.as_dict() for overlap in self.overlaps],
        }


def leakage_report(
    splits: Sequence[str | None],
    *,
    views: Sequence[bytes],
    clusters: Clusters,
    groups: Sequence[str | None],
    vendors: Sequence[str | None],
    dropped: int = 0,
    absent_ids: int = 0,
) -> LeakageReport:
    """Compare the splits of a table whose columns and near-duplicate clusters are given row by row.

    `views` are what `pair_content` gives, or digests of it.
    """
    places = {name: [row for row, split in enumerate(splits) if split == name] for name in SPLITS}
    keys: dict[str, Sequence[Any]] = {
        "exact_duplicates": views,
        "near_duplicates": clusters.together.tolist(),
        "shared_groups": groups,
        "shared_vendors": vendors,
    }
    if clusters.pictures is not None and clusters.words is not None:
        keys |= {"near_pictures": clusters.pictures.tolist(), "near_words": clusters.words.tolist()}
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
        hash_distance=None if clusters.pictures is None else HASH_DISTANCE,
        overlaps=tuple(overlaps),
    )
