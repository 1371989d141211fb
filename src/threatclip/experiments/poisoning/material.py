"""The pairs of a sweep: the pool that is poisoned, and the test rows that every model is judged on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from threatclip.errors import InputError
from threatclip.experiments.contrastive.places import placed_file
from threatclip.experiments.material import file_modality, read_file
from threatclip.experiments.poisoning.labels import lexicon_labels
from threatclip.experiments.poisoning.recipe import Rows
from threatclip.pairs.pair import Pair
from threatclip.pairs.splits import split_pairs
from threatclip.seeds import rng


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepPairs:
    """What one sweep reads.

    Attributes:
        pool: training pairs, clean; a row without a label belongs to no class.
        test: labeled test pairs.
        classes: of both, in the order of their names.
    """

    pool: tuple[Pair, ...]
    test: tuple[Pair, ...]
    classes: tuple[str, ...]

    def truth(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the class numbers of labeled pairs, int64 [n]."""
        return np.array([self.classes.index(pair.label or "") for pair in pairs], dtype=np.int64)


def load_pairs(rows: Rows) -> SweepPairs:
    """Read, label, split and cut the pairs of a sweep; the same for every seed of it.

    Raises:
        InputError: a file is missing, a class is absent, or nothing is left to learn from or to judge.
        BadRowsError: a file has broken rows.
    """
    return _cut(rows, _read(rows))


def load_with_trusted(rows: Rows, count: int) -> tuple[SweepPairs, list[Pair]]:
    """Return the pairs of a sweep, and clean ones that a defender holds: training views that are not in the pool.

    Args:
        count: trusted views, drawn evenly.

    Raises:
        InputError: as `load_pairs`, or fewer views are left over than `count`; make the pool smaller.
    """
    pairs = _read(rows)
    cut = _cut(rows, pairs)
    taken = {view_of(pair) for pair in cut.pool}
    rest = [
        pair for pair in pairs if pair.split == "train" and pair.label in cut.classes and view_of(pair) not in taken
    ]
    left = len(distinct_views(rest))
    if left < count:
        raise InputError(f"{count} trusted views asked for, {left} training views are outside the pool; cut the pool")
    return cut, _drawn(rest, count, rows.split_seed, "trusted")


def _read(rows: Rows) -> list[Pair]:
    """Return all pairs with both halves, with their splits and labels."""
    root = sweep_root(rows)
    pairs = [pair for pair in read_file(placed_file(rows.file, root), root) if pair.view and pair.caption]
    if rows.split is not None:
        modality, generator = file_modality(rows.file, root), rng(rows.split_seed, "sweep/split")
        splits, _ = split_pairs(pairs, rows.split, generator, root=root, modality=modality)
        pairs = [replace(pair, split=split) for pair, split in zip(pairs, splits, strict=True)]
    if rows.lexicon:
        labels = lexicon_labels(pairs)
        pairs = [replace(pair, label=label) for pair, label in zip(pairs, labels, strict=True)]
    return pairs


def _cut(rows: Rows, pairs: Sequence[Pair]) -> SweepPairs:
    train = [pair for pair in pairs if pair.split == "train"]
    test = [pair for pair in pairs if pair.split == "test"]
    classes = _classes(rows, train)
    known = set(classes)
    test = _drawn([pair for pair in test if pair.label in known], rows.test, rows.split_seed, "test")
    # a picture of no class still teaches what words mean; a payload of another class would only dilute
    pool = [pair for pair in train if pair.label in known or rows.lexicon]
    pool = _drawn(_with_rare(pool, rows), rows.pool, rows.split_seed, "pool")
    absent = sorted(known - {pair.label for pair in test}) or sorted(known - {pair.label for pair in pool})
    if absent or not pool:
        raise InputError(f"class {absent[0] if absent else '?'!r} has no row in {rows.file.path} to learn or to judge")
    return SweepPairs(pool=tuple(pool), test=tuple(test), classes=classes)


def sweep_root(rows: Rows) -> Path:
    """Return the folder of the data: what the recipe says, else THREATCLIP_DATA, else ../shared/data."""
    return Path(rows.root or os.environ.get("THREATCLIP_DATA") or "../shared/data")


def _classes(rows: Rows, train: Sequence[Pair]) -> tuple[str, ...]:
    counts = Counter(pair.label for pair in train if pair.label is not None)
    if rows.classes:
        return tuple(sorted(rows.classes))
    # the most frequent first, equal ones by name, so that the choice does not hang on the table's order
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    return tuple(sorted(ranked[: rows.n_classes]))


def _with_rare(pool: Sequence[Pair], rows: Rows) -> list[Pair]:
    """Leave only some views of the rare classes."""
    kept = list(pool)
    for label, count in rows.rare.items():
        own = [pair for pair in kept if pair.label == label]
        if not own:
            raise InputError(f"rare.{label}: no training row is of class {label!r}")
        left = {pair.id for pair in _drawn(own, count, rows.split_seed, f"rare/{label}")}
        kept = [pair for pair in kept if pair.label != label or pair.id in left]
    return kept


def _drawn(pairs: Sequence[Pair], count: int | None, seed: int, name: str) -> list[Pair]:
    """Return the pairs of `count` views drawn evenly, in the table's order; all where fewer are there."""
    views = list(dict.fromkeys(view_of(pair) for pair in pairs))
    if count is None or count >= len(views):
        return list(pairs)
    chosen = {views[place] for place in rng(seed, f"sweep/{name}").choice(len(views), size=count, replace=False)}
    return [pair for pair in pairs if view_of(pair) in chosen]


def view_of(pair: Pair) -> str:
    """Return what names a pair's view: captions of one picture share its group, anything else stands for itself."""
    return pair.group if "#" in pair.id and pair.group is not None else pair.id


def distinct_views(pairs: Sequence[Pair]) -> list[Pair]:
    """Return one pair for each view, the first."""
    found: dict[str, Pair] = {}
    for pair in pairs:
        found.setdefault(view_of(pair), pair)
    return list(found.values())
