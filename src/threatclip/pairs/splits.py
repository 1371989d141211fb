"""Splits of pairs into train, validation and test, and the report of what leaks between them.

Random and group splits keep near-duplicates together. Splits by time and splits that others fixed cannot: there
the report tells, and `near_duplicates = "drop"` takes the earlier copy out of use. The pairs of one picture (one group
of an image table) are one thing in every split that chooses at random.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from threatclip.errors import InputError
from threatclip.pairs.fixed_splits import FixedSplit, read_fixed_split
from threatclip.pairs.leakage import LeakageReport, leakage_report
from threatclip.pairs.near_duplicate_posts import clusters_of, joined
from threatclip.pairs.pair import SPLITS, Modality, Pair, pair_content
from threatclip.pairs.table import PairTable

Splits = list[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSplit:
    """Rows at random; near-duplicates stay together.

    Attributes:
        near_duplicates: "together", or "ignore" them: the leaky control that shows what the leak is worth.
        train: share of the rows, in (0, 1).
        validation: share of the rows; the rest is test.
        labels: when not empty, rows with another label (or none) stay unused.
    """

    kind: Literal["random"] = "random"
    near_duplicates: Literal["together", "ignore"] = "together"
    train: float = 0.8
    validation: float = 0.1
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSplit:
    """Whole groups at random; near-duplicates stay together too, even across groups.

    Attributes:
        by: "group" (a CVE, a campaign), "label", or "meta.NAME" such as meta.vendor, beside the group itself; a row
            without one stands alone.
        train: share of the rows, in (0, 1).
        validation: share of the rows; the rest is test.
        labels: when not empty, rows with another label (or none) stay unused.
    """

    kind: Literal["group"] = "group"
    by: str = "group"
    train: float = 0.8
    validation: float = 0.1
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalSplit:
    """Train on the past, judge on the future; rows without a time stay unused.

    Attributes:
        train_until: last year of train (UTC, inclusive).
        validation_until: last year of validation; test is everything later.
        near_duplicates: "report" them, or "drop" the copy in the earlier split.
        labels: when not empty, rows with another label (or none) stay unused.
    """

    kind: Literal["temporal"] = "temporal"
    train_until: int
    validation_until: int
    near_duplicates: Literal["report", "drop"] = "report"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSplit:
    """The split that the pairs came with, such as the official one of their source.

    Attributes:
        near_duplicates: "report" them, or "drop" the copy in the earlier split.
        labels: when not empty, rows with another label (or none) stay unused.
    """

    kind: Literal["own"] = "own"
    near_duplicates: Literal["report", "drop"] = "report"
    labels: tuple[str, ...] = ()


SplitSpec = RandomSplit | GroupSplit | TemporalSplit | FixedSplit | OwnSplit


def assign_split(
    table: PairTable, spec: SplitSpec, rng: np.random.Generator, *, root: Path | None = None
) -> tuple[Splits, LeakageReport]:
    """Split a table; see `split_pairs`. Store the result with `table.with_split` and `split_info`."""
    return split_pairs(list(table.iter_pairs()), spec, rng, root=root, modality=table.modality)


def split_pairs(
    pairs: Sequence[Pair],
    spec: SplitSpec,
    rng: np.random.Generator,
    *,
    root: Path | None = None,
    modality: Modality = "payload",
) -> tuple[Splits, LeakageReport]:
    """Return the split of every pair ("train", "validation", "test", or None for unused) and what leaks.

    `root` is the folder that a fixed split's relative path starts from; `modality` says how near-duplicates are found.

    Raises:
        InputError: a spec that cannot work, or one that leaves train or test empty.
        LeakageError: a fixed split that puts an id into two of its parts.
    """
    clusters = clusters_of(pairs, modality=modality)
    wanted = [not spec.labels or pair.label in spec.labels for pair in pairs]
    absent = 0
    if isinstance(spec, RandomSplit):
        keys = [clusters.together.tolist()] if spec.near_duplicates == "together" else []
        keys += [_groups(pairs)] if modality == "image" else []
        splits = _divide(pairs, wanted, spec, rng, keys)
    elif isinstance(spec, GroupSplit):
        splits = _divide(pairs, wanted, spec, rng, [clusters.together.tolist(), *_group_keys(pairs, spec.by)])
    elif isinstance(spec, TemporalSplit):
        splits = _by_time(pairs, wanted, spec)
    elif isinstance(spec, OwnSplit):
        splits = [pair.split if use else None for pair, use in zip(pairs, wanted, strict=True)]
    else:
        splits, absent = _fixed(pairs, wanted, clusters.together, spec, rng, root)
    dropped = 0
    if isinstance(spec, TemporalSplit | FixedSplit | OwnSplit) and spec.near_duplicates == "drop":
        splits, dropped = _drop_earlier_copies(splits, clusters.together)
    for name in ("train",) if isinstance(spec, OwnSplit) else ("train", "test"):  # a source may keep its test rows back
        if name not in splits:
            raise InputError(f"the {spec.kind} split leaves {name} empty of {len(pairs)} pairs; change its limits")
    report = leakage_report(
        splits,
        views=[pair_content(pair) for pair in pairs],
        clusters=clusters,
        groups=[pair.group for pair in pairs],
        vendors=[pair.meta.get("vendor") for pair in pairs],
        dropped=dropped,
        absent_ids=absent,
    )
    return splits, report


def split_info(spec: SplitSpec, report: LeakageReport) -> dict[str, Any]:
    """Return the account of a split that is stored with its table, as plain JSON values."""
    return {"spec": asdict(spec), "leakage": report.as_dict()}


def _divide(
    pairs: Sequence[Pair],
    wanted: Sequence[bool],
    spec: RandomSplit | GroupSplit,
    rng: np.random.Generator,
    keys: Sequence[Sequence[Hashable]],
) -> Splits:
    if not (0 < spec.train < 1 and 0 <= spec.validation < 1 and spec.train + spec.validation < 1):
        raise InputError(
            f"split shares train={spec.train}, validation={spec.validation} must lie in (0, 1) and leave some for test"
        )
    shares = {"train": spec.train, "validation": spec.validation, "test": 1 - spec.train - spec.validation}
    rows = [row for row, use in enumerate(wanted) if use]
    units = joined([[key[row] for row in rows] for key in keys] or [range(len(rows))])
    parts = _fill(units, shares, rng)
    splits: Splits = [None] * len(pairs)
    for row, unit in zip(rows, units, strict=True):
        splits[row] = parts[unit]
    return splits


def _group_keys(pairs: Sequence[Pair], by: str) -> list[list[Hashable]]:
    """Return what must stay together: `by`, and the group, which never straddles a group split."""
    if by not in ("group", "label") and not by.startswith("meta."):
        raise InputError(f"cannot split by {by!r}; name group, label, or meta.NAME")
    name = by.removeprefix("meta.")
    values = [pair.meta.get(name) if by.startswith("meta.") else getattr(pair, by) for pair in pairs]
    if not any(values):
        raise InputError(f"cannot split by {by!r}: no pair has one")
    return [[value or (row,) for row, value in enumerate(values)], _groups(pairs)]


def _groups(pairs: Sequence[Pair]) -> list[Hashable]:
    return [pair.group or (row,) for row, pair in enumerate(pairs)]


def _fill(units: np.ndarray, shares: dict[str, float], rng: np.random.Generator) -> list[str]:
    """Return the split of every unit: the largest first, each to the split that still lacks the most rows."""
    sizes = np.bincount(units)
    order = rng.permutation(sizes.size)
    order = order[np.argsort(-sizes[order], kind="stable")]
    lacking = {name: share * units.size for name, share in shares.items() if share > 0}
    parts = [""] * sizes.size
    for unit in order.tolist():
        name = max(lacking, key=lambda name: lacking[name])
        parts[unit] = name
        lacking[name] -= int(sizes[unit])
    return parts


def _by_time(pairs: Sequence[Pair], wanted: Sequence[bool], spec: TemporalSplit) -> Splits:
    if spec.train_until >= spec.validation_until + 1:
        raise InputError(f"train_until={spec.train_until} lies after validation_until={spec.validation_until}")
    splits: Splits = []
    for pair, use in zip(pairs, wanted, strict=True):
        if pair.time is None or not use:
            splits.append(None)
        elif pair.time.year <= spec.train_until:
            splits.append("train")
        else:
            splits.append("validation" if pair.time.year <= spec.validation_until else "test")
    return splits


def _fixed(
    pairs: Sequence[Pair],
    wanted: Sequence[bool],
    clusters: np.ndarray,
    spec: FixedSplit,
    rng: np.random.Generator,
    root: Path | None,
) -> tuple[Splits, int]:
    part_of = read_fixed_split(spec, root)
    known = {pair.id for pair in pairs}
    if known.isdisjoint(part_of):
        raise InputError(f"none of the ids of split {spec.name!r} in {spec.path} is in the table")
    splits: Splits = [part_of.get(pair.id) if use else None for pair, use in zip(pairs, wanted, strict=True)]
    if spec.validation > 0:
        rows = [row for row, split in enumerate(splits) if split == "train"]
        groups: list[Hashable] = [pairs[row].group or (row,) for row in rows]
        units = joined([clusters[rows].tolist(), groups])
        parts = _fill(units, {"train": 1 - spec.validation, "validation": spec.validation}, rng)
        for row, unit in zip(rows, units, strict=True):
            splits[row] = parts[unit]
    return splits, len(part_of.keys() - known)


def _drop_earlier_copies(splits: Sequence[str | None], clusters: np.ndarray) -> tuple[Splits, int]:
    """Take rows out of use whose near-duplicate cluster reaches into a later split."""
    latest: dict[int, int] = {}
    ranks = [-1 if split is None else SPLITS.index(split) for split in splits]
    for rank, cluster in zip(ranks, clusters.tolist(), strict=True):
        latest[cluster] = max(latest.get(cluster, -1), rank)
    kept: Splits = [
        split if rank == latest[cluster] else None
        for split, rank, cluster in zip(splits, ranks, clusters.tolist(), strict=True)
    ]
    return kept, _count(splits) - _count(kept)


def _count(splits: Iterable[str | None]) -> int:
    return sum(split is not None for split in splits)
