"""What is in a pair table: a description for people and scripts, made in one pass."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from threatclip.pairs.columns import pairs_of
from threatclip.pairs.image_facts import ImageFacts, ImageTally
from threatclip.pairs.leakage import leakage_report
from threatclip.pairs.near_duplicate_posts import Clusters, clusters_of
from threatclip.pairs.near_duplicates import THRESHOLD
from threatclip.pairs.pair import Modality, Pair, pair_content
from threatclip.pairs.table import PairTable

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
NEAR_DUPLICATE_ROWS = 200_000  # above it near-duplicates are not searched for unless asked: minutes and gigabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Rows whose view occurs more than once; the captions of one picture (one group) count as one row.

    Attributes:
        exact_rows: rows whose view, byte for byte, occurred in an earlier row.
        near_rows: rows with a near-duplicate in an earlier row, exact ones included; None when not searched for.
        largest_cluster: rows of the largest cluster of near-duplicates; None when not searched for.
        conflicting_rows: rows with a label whose view occurs with another label too.
    """

    exact_rows: int
    near_rows: int | None
    largest_cluster: int | None
    conflicting_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDescription:
    """What `describe` found; lengths are quantiles, of views in bytes, of captions in characters.

    `splits` counts rows by split ("unused" for none) and class; `leakage` is what its parts share, as measured now
    (None without a split, or when near-duplicates were not searched for); `split_info` how the split was made;
    `images` is None for other modalities.
    """

    path: str
    modality: str
    content_hash: str
    rows: int
    captions: int
    labeled: int
    groups: int
    classes: Mapping[str, int]
    view_bytes: Mapping[str, int]
    caption_characters: Mapping[str, int]
    duplicates: Duplicates
    first_time: datetime | None
    last_time: datetime | None
    years: Mapping[str, int]
    splits: Mapping[str, Mapping[str, int]]
    leakage: Mapping[str, Any] | None
    split_info: Mapping[str, Any] | None
    images: ImageFacts | None

    def as_dict(self) -> dict[str, Any]:
        """Return the description as plain JSON values."""
        values = asdict(self)
        for name in ("first_time", "last_time"):
            values[name] = None if values[name] is None else values[name].isoformat()
        values["near_duplicate_threshold"] = THRESHOLD
        return values


class _Tally:
    """The small facts of every pair; views are kept as 16-byte digests only.

    `units` has one number for each row: all captions of one picture in an image table share it.
    """

    def __init__(self, modality: Modality) -> None:
        self._shares = modality == "image"
        self._units: dict[tuple[bytes, str | None], int] = {}
        self.units: list[int] = []
        self.view_bytes: list[int] = []
        self.caption_characters: list[int] = []
        self.digests: list[bytes] = []
        self.labels: list[str | None] = []
        self.groups: list[str | None] = []
        self.vendors: list[str | None] = []
        self.splits: list[str | None] = []
        self.times: list[datetime] = []

    def add(self, pair: Pair) -> None:
        self.view_bytes.append(len(pair.view))
        if pair.caption is not None:
            self.caption_characters.append(len(pair.caption))
        digest = hashlib.blake2b(pair_content(pair), digest_size=16).digest()
        self.digests.append(digest)
        row = len(self.units)
        shared = self._shares and pair.group is not None
        self.units.append(self._units.setdefault((digest, pair.group), row) if shared else row)
        self.labels.append(pair.label)
        self.groups.append(pair.group)
        self.vendors.append(pair.meta.get("vendor"))
        self.splits.append(pair.split)
        if pair.time is not None:
            self.times.append(pair.time)


def describe(table: PairTable, *, near_duplicates: bool | None = None) -> TableDescription:
    """Read the whole table once and say what is in it.

    `near_duplicates` says whether to search for them; None means up to 200,000 rows.

    Raises:
        DamagedArtifactError: bytes of the table were changed.
    """
    tally, images = _Tally(table.modality), ImageTally() if table.modality == "image" else None
    search = len(table) <= NEAR_DUPLICATE_ROWS if near_duplicates is None else near_duplicates
    pairs: list[Pair] = []
    for batch in table.iter_batches():
        for pair in pairs_of(batch):
            tally.add(pair)
            if images is not None:
                images.add(pair)
            if search:
                pairs.append(pair)
    clusters = clusters_of(pairs, modality=table.modality) if search else None
    labels = [label for label in tally.labels if label is not None]
    return TableDescription(
        path=str(table.path),
        modality=table.modality,
        content_hash=table.content_hash,
        rows=len(table),
        captions=len(tally.caption_characters),
        labeled=len(labels),
        groups=len(set(tally.groups) - {None}),
        classes=dict(Counter(labels).most_common()),
        view_bytes=_quantiles(tally.view_bytes),
        caption_characters=_quantiles(tally.caption_characters),
        duplicates=_duplicates(tally, clusters),
        first_time=min(tally.times, default=None),
        last_time=max(tally.times, default=None),
        years=dict(sorted(Counter(str(time.year) for time in tally.times).items())),
        splits=_split_sizes(tally),
        leakage=_leakage(tally, clusters),
        split_info=table.split_info,
        images=None if images is None else images.facts(),
    )


def _split_sizes(tally: _Tally) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for split, label in zip(tally.splits, tally.labels, strict=True):
        counts.setdefault(split or "unused", Counter())[label or "(none)"] += 1
    return {name: dict(classes.most_common()) for name, classes in sorted(counts.items())}


def _leakage(tally: _Tally, clusters: Clusters | None) -> dict[str, Any] | None:
    if clusters is None or not any(tally.splits):
        return None
    report = leakage_report(
        tally.splits, views=tally.digests, clusters=clusters, groups=tally.groups, vendors=tally.vendors
    )
    return report.as_dict()


def _quantiles(lengths: Sequence[int]) -> dict[str, int]:
    if not lengths:
        return {}
    values = np.quantile(lengths, QUANTILES, method="nearest")
    return {f"{quantile:g}": int(value) for quantile, value in zip(QUANTILES, values, strict=True)}


def _duplicates(tally: _Tally, clusters: Clusters | None) -> Duplicates:
    labels_of: dict[bytes, set[str]] = {}
    for digest, label in zip(tally.digests, tally.labels, strict=True):
        labels_of.setdefault(digest, set()).update([label] if label is not None else [])
    conflicting = sum(
        label is not None and len(labels_of[digest]) > 1
        for digest, label in zip(tally.digests, tally.labels, strict=True)
    )
    units = np.unique(tally.units)
    near = None if clusters is None else clusters.together[units]
    return Duplicates(
        exact_rows=len(units) - len(labels_of),
        near_rows=None if near is None else len(near) - len(np.unique(near)),
        largest_cluster=None if near is None else int(np.bincount(near).max(initial=0)),
        conflicting_rows=conflicting,
    )
