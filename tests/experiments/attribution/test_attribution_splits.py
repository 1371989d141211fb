"""Splits H and K share no report between what is learned from and what is judged; random ones do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from attribution_cases import real_rows

from threatclip.errors import InputError
from threatclip.experiments.attribution.rows import AttackRows, counts_by_group, reports_of
from threatclip.experiments.attribution.splits import (
    FILE,
    FILE_SEEDS,
    GroupSplit,
    inner_split,
    split_h,
    split_k,
    split_random,
)


def assert_sound(split: GroupSplit) -> None:
    """Check what must hold of every honest split."""
    assert not reports_of(split.train) & split.held_out
    assert not {row.text for row in split.train} & {row.text for row in split.test}
    assert not {row.id for row in split.train} & {row.id for row in split.test}
    assert set(split.truth) <= set(split.groups)
    assert len(split.test) == len(split.truth) == len(split.incidents)
    assert all(row.group == truth for row, truth in zip(split.test, split.truth, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_split_h_holds_reports_out(rows: AttackRows, seed: int) -> None:
    split = split_h(rows, seed)
    assert_sound(split)
    assert split.name == f"H-{seed}"
    assert split.incidents == split.truth
    assert min(counts_by_group(split.train).values()) >= 10
    assert len(split.train) + len(split.test) + split.dropped == 8 * 16
    assert split == split_h(rows, seed)


def test_seeds_differ(rows: AttackRows) -> None:
    assert split_h(rows, 0).held_out != split_h(rows, 1).held_out


def test_the_file_s_seeds_are_taken_from_the_file(rows: AttackRows, tmp_path: Path) -> None:
    own = rows.of("group")
    test = [row.id for row in own if row.reports == {"Den 3-1"}]
    train = [row.id for row in own if not row.reports & {"Den 3-1", "Den 3-2"}]
    file = tmp_path / "splits.json.gz"
    with gzip.open(file, "wt") as handle:
        json.dump({"seed0": {"train": train, "test": test, "dropped": [], "eligible_groups": ["G8003"]}}, handle)
    split = split_h(rows, 0, file=file)
    assert_sound(split)
    assert {row.id for row in split.test} <= set(test)
    assert set(split.truth) == {"G8003"}
    assert split_h(rows, 7, file=file) == split_h(rows, 7)
    with pytest.raises(InputError, match="seed1"):
        split_h(rows, 1, file=file)


def test_split_k_judges_campaigns(rows: AttackRows) -> None:
    split = split_k(rows)
    assert_sound(split)
    assert {row.kind for row in split.train} == {"group"}
    assert {row.kind for row in split.test} == {"campaign"}
    assert set(split.incidents) == {f"C8{number:03d}" for number in range(8)}


def test_the_random_split_leaks_reports(rows: AttackRows) -> None:
    folds = list(split_random(rows, 0))
    assert sorted(row.id for fold in folds for row in fold.test) == sorted(row.id for row in rows.of("group"))
    assert all(reports_of(fold.train) & fold.held_out for fold in folds)
    assert all(set(fold.truth) == set(fold.groups) for fold in folds)


def test_inner_splits_are_sound_too(rows: AttackRows) -> None:
    outer = split_k(rows)
    inner = inner_split(outer.train, 0, name=outer.name)
    assert_sound(inner)
    assert {row.id for row in (*inner.train, *inner.test)} <= {row.id for row in outer.train}


def test_nothing_to_hold_out_is_told(rows: AttackRows) -> None:
    with pytest.raises(InputError, match="several reports"):
        inner_split([row for row in rows.of("group") if row.reports == {"Den 0-0"}], 0, name="x")


@pytest.mark.data
def test_real_splits_are_as_measured(data_dir: Path) -> None:
    found = real_rows(data_dir)
    for seed in (0, 5):
        split = split_h(found, seed, file=data_dir / FILE)
        assert_sound(split)
        assert len(split.groups) == 109
        assert 70 <= len(set(split.truth)) <= 81
        assert 2100 < len(split.train) < 2350
        assert (seed in FILE_SEEDS) == (len(split.test) == 699)
    assert len(set(split_k(found).incidents)) == 15
