"""Splits of the sentences of groups: by held-out report (H), by campaign (K), and at random, which leaks.

A sentence of the report that another sentence came from tells the report, not the group. Split H therefore holds whole
reports out, group by group: rows that cite both sides are dropped. Split K learns from groups' rows and is judged on
campaigns, without any row that cites a campaign's report.
"""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from threatclip.errors import InputError
from threatclip.experiments.attribution.rows import AttackRow, AttackRows, citing_none, counts_by_group, reports_of
from threatclip.pairs.sources.lines import open_bytes
from threatclip.seeds import rng

LEAST_ROWS, LEAST_TRAIN, LEAST_TEST = 10, 10, 3
INNER_ROWS, INNER_TRAIN = 8, 5
SHARE, TRIES = 0.25, 200
FILE_SEEDS = (0, 1, 2)  # that the project's own file of splits holds
_FILE_LIMIT_BYTES = 256 * 2**20
FILE = "splits/group_heldout_report_splits.json.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSplit:
    """Rows to learn from and rows to be judged on, and which rows make one incident.

    Attributes:
        name: as "H-0", "K", "random-0-3".
        train: rows of groups.
        test: rows, each of one group that `train` has.
        incidents: by row of `test`, what it belongs to: its group's held-out reports, or its campaign.
        truth: by row of `test`, the group it tells of.
        dropped: rows that cite both sides, or whose text stands in `train`.
        foreign: rows of `train` left out because they cite a held-out report of another group.
    """

    name: str
    train: tuple[AttackRow, ...]
    test: tuple[AttackRow, ...]
    incidents: tuple[str, ...]
    truth: tuple[str, ...]
    dropped: int
    foreign: int

    @property
    def groups(self) -> tuple[str, ...]:
        """The candidates: groups with a row in `train`, in order of their ids."""
        return tuple(sorted(counts_by_group(self.train)))

    def truths(self) -> dict[str, Any]:
        """Return what a judge needs, as plain values: the groups, the rows' ids, incidents and groups."""
        return {
            "name": self.name,
            "groups": list(self.groups),
            "ids": [row.id for row in self.test],
            "incidents": list(self.incidents),
            "truth": list(self.truth),
        }

    @classmethod
    def told(cls, truths: Mapping[str, Any]) -> GroupSplit:
        """Return the split that `truths` was of, its rows without their texts: enough to judge by."""
        return cls(
            name=str(truths["name"]),
            train=tuple(_bare(group, group) for group in truths["groups"]),
            test=tuple(_bare(name, group) for name, group in zip(truths["ids"], truths["truth"], strict=True)),
            incidents=tuple(map(str, truths["incidents"])),
            truth=tuple(map(str, truths["truth"])),
            dropped=0,
            foreign=0,
        )

    @property
    def held_out(self) -> frozenset[str]:
        """Every report that a test row cites: nothing that is learned from may cite one of them."""
        return reports_of(self.test)


def _bare(name: str, group: str) -> AttackRow:
    return AttackRow(
        id=name, kind="group", actor=group, groups=(group,), technique="", text="", raw="", reports=frozenset()
    )


def split_h(rows: AttackRows, seed: int, *, file: Path | None = None) -> GroupSplit:
    """Return split H of a seed: as `file` has it, where it is given and holds that seed, else made here.

    Made here: groups with 10 rows or more stand for election; per group, 200 random sets of its reports, of which the
    one is taken that leaves 10 rows or more to train on and 3 or more to test on, with the test rows nearest to a
    quarter of the group and few rows dropped. Groups that no set splits stay in training as distractors.

    Raises:
        InputError: the file is unusable, or no group can be split.
    """
    if file is not None and seed in FILE_SEEDS:
        train, test, dropped = _from_file(rows, seed, file)
    else:
        train, test, dropped = _made(rows.of("group"), seed)
    return _whole(f"H-{seed}", train, test, dropped, incidents=[row.actor for row in test])


def split_k(rows: AttackRows) -> GroupSplit:
    """Return split K: groups' rows that cite no campaign's report, judged on campaigns of a single known group.

    Raises:
        InputError: no campaign of a group that has rows.
    """
    everything = rows.of("campaign")
    candidates = _large(rows.of("group"))
    told = [row for row in everything if row.group is not None]
    reports = reports_of(told)
    train = citing_none(candidates, reports)
    known = counts_by_group(train)
    test = [row for row in told if known[row.group or ""]]
    return _whole("K", train, test, len(candidates) - len(train), incidents=[row.actor for row in test])


def split_random(rows: AttackRows, seed: int, *, folds: int = 5, least: int = LEAST_ROWS) -> Iterator[GroupSplit]:
    """Yield the folds of a split at random, stratified by group: the leaky control, no figure to be proud of."""
    chosen = _large(rows.of("group"), least=least)
    generator = rng(seed, "attribution/random")
    fold_of = np.empty(len(chosen), dtype=np.int64)
    for group in sorted(counts_by_group(chosen)):
        places = np.array([place for place, row in enumerate(chosen) if row.group == group])
        fold_of[generator.permutation(places)] = (np.arange(len(places)) + generator.integers(folds)) % folds
    for fold in range(folds):
        test = [row for row, own in zip(chosen, fold_of, strict=True) if own == fold]
        yield GroupSplit(
            name=f"random-{seed}-{fold}",
            train=tuple(row for row, own in zip(chosen, fold_of, strict=True) if own != fold),
            test=tuple(test),
            incidents=tuple(row.actor for row in test),
            truth=tuple(row.actor for row in test),
            dropped=0,
            foreign=0,
        )


def inner_split(train: Sequence[AttackRow], seed: int, *, name: str) -> GroupSplit:
    """Return a split H of training rows alone: what every hyper-parameter is chosen on.

    Training rows are fewer, so that groups of 8 rows stand for election and 5 are enough to learn from.

    Raises:
        InputError: no group can be split.
    """
    kept, test, dropped = _made(train, seed, least=INNER_ROWS, least_train=INNER_TRAIN)
    return _whole(f"{name}/inner-{seed}", kept, test, dropped, incidents=[row.actor for row in test])


def _whole(
    name: str, train: Iterable[AttackRow], test: Sequence[AttackRow], dropped: int, *, incidents: Sequence[str]
) -> GroupSplit:
    """Return a split without what leaks: test texts that are trained on, training rows of a held-out report."""
    before = tuple(train)
    kept = citing_none(before, reports_of(test))
    texts = {row.text for row in kept}
    known = counts_by_group(kept)
    fine = [place for place, row in enumerate(test) if row.text not in texts and known[row.group or ""]]
    if not fine:
        raise InputError(f"split {name}: no row is left to be judged on; are there groups with several reports?")
    return GroupSplit(
        name=name,
        train=kept,
        test=tuple(test[place] for place in fine),
        incidents=tuple(incidents[place] for place in fine),
        truth=tuple(test[place].group or "" for place in fine),
        dropped=dropped + len(test) - len(fine),
        foreign=len(before) - len(kept),
    )


def _from_file(rows: AttackRows, seed: int, file: Path) -> tuple[list[AttackRow], list[AttackRow], int]:
    part_of = _file_parts(file, seed)
    parts: dict[str, list[AttackRow]] = {"train": [], "test": []}
    for row in rows.of("group"):
        part = part_of.get(row.id)
        if part in parts:
            parts[part].append(row)
    if not parts["train"] or not parts["test"]:
        raise InputError(f"{file}: seed {seed} names no relationship of this bundle; leave the file of splits out")
    large = len(_large(rows.of("group")))
    return parts["train"], parts["test"], large - len(parts["train"]) - len(parts["test"])


@functools.lru_cache(maxsize=4)
def _file_parts(file: Path, seed: int) -> dict[str, str]:
    with open_bytes(file) as stream:
        try:
            content = orjson.loads(stream.read(_FILE_LIMIT_BYTES))
            parts = {part: content[f"seed{seed}"][part] for part in ("train", "test")}
            return {str(name): part for part, names in parts.items() for name in names}
        except (EOFError, zlib.error, gzip.BadGzipFile, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"{file} is no file of splits with seed{seed}, train and test; restore it") from error


def _large(rows: Sequence[AttackRow], *, least: int = LEAST_ROWS) -> tuple[AttackRow, ...]:
    counts = counts_by_group(rows)
    return tuple(row for row in rows if counts[row.group or ""] >= least)


def _made(
    rows: Sequence[AttackRow], seed: int, *, least: int = LEAST_ROWS, least_train: int = LEAST_TRAIN
) -> tuple[list[AttackRow], list[AttackRow], int]:
    by_group: dict[str, list[AttackRow]] = {}
    for row in _large(rows, least=least):
        by_group.setdefault(row.group or "", []).append(row)
    train: list[AttackRow] = []
    test: list[AttackRow] = []
    dropped = 0
    for group in sorted(by_group):
        own = by_group[group]
        reports = _best_reports(own, rng(seed, f"attribution/held-out/{group}"), least_train=least_train)
        kept = citing_none(own, reports)
        held = [row for row in own if row.reports and row.reports <= reports]
        train += kept
        test += held
        dropped += len(own) - len(kept) - len(held)
    return train, test, dropped


def _best_reports(rows: Sequence[AttackRow], generator: np.random.Generator, *, least_train: int) -> frozenset[str]:
    """Return the reports of a group to hold out; none where no try leaves enough rows on both sides."""
    names = sorted(reports_of(rows))
    cites = np.array([[name in row.reports for name in names] for row in rows], dtype=np.int64)
    held = (generator.random((TRIES, len(names))) < SHARE).astype(np.int64)
    touched = held @ cites.T  # [try, row]: how many reports of the row are held out
    n_test = ((touched == cites.sum(axis=1)) & (touched > 0)).sum(axis=1)
    n_train = (touched == 0).sum(axis=1)
    lost = len(rows) - n_test - n_train
    cost = np.abs(n_test / len(rows) - SHARE) + SHARE * lost / len(rows)
    cost[(n_train < least_train) | (n_test < LEAST_TEST)] = np.inf
    best = int(cost.argmin())
    return frozenset() if not np.isfinite(cost[best]) else frozenset(np.array(names, dtype=object)[held[best] == 1])
