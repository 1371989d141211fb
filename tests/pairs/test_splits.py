from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.errors import InputError, LeakageError
from threatclip.pairs.fixed_splits import FixedSplit
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Nuclei
from threatclip.pairs.splits import (
    GroupSplit,
    RandomSplit,
    SplitSpec,
    TemporalSplit,
    assign_split,
    split_info,
    split_pairs,
)
from threatclip.pairs.table import PairTable, with_split, write_pairs
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng


def make_pairs(seed: int, n: int = 120) -> list[Pair]:
    """Return pairs with near-duplicates, shared groups and vendors, some without either."""
    generator = np.random.default_rng(seed)
    bases = [generator.integers(97, 123, size=300, dtype=np.uint8) for _ in range(n // 2)]
    pairs = []
    for row in range(n):
        view = bases[generator.integers(len(bases))].copy()
        view[generator.integers(300)] = 65
        group, vendor, year = generator.integers(0, [n // 2, 12, 6])
        pairs.append(
            Pair(
                id=f"row-{row}",
                view=view.tobytes(),
                label=["xss", "ssrf"][row % 2],
                group=f"CVE-{group}" if group else None,
                time=datetime(2018 + int(year), 6, 1, tzinfo=UTC) if row % 7 else None,
                meta={"vendor": f"v{vendor}"} if vendor else {},
            )
        )
    return pairs


def parts_of(splits: list[str | None], keys: list[object]) -> dict[object, set[str]]:
    parts: dict[object, set[str]] = {}
    for split, key in zip(splits, keys, strict=True):
        if split is not None and key is not None:
            parts.setdefault(key, set()).add(split)
    return parts


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), by=st.sampled_from(["", "group", "meta.vendor"]))
def test_near_duplicates_and_groups_never_straddle(seed: int, by: str) -> None:
    pairs = make_pairs(seed)
    spec: SplitSpec = GroupSplit(by=by, train=0.6, validation=0.2) if by else RandomSplit(train=0.6, validation=0.2)
    try:
        splits, report = split_pairs(pairs, spec, rng(seed, "split"))
    except InputError:
        assert by  # one component may hold nearly everything; then it is said, not broken up
        return
    clusters: list[object] = near_duplicate_clusters([pair.view for pair in pairs]).tolist()
    assert all(len(parts) == 1 for parts in parts_of(splits, clusters).values())
    if by:
        assert all(len(parts) == 1 for parts in parts_of(splits, [pair.group for pair in pairs]).values())
    if by == "meta.vendor":
        assert all(len(parts) == 1 for parts in parts_of(splits, [pair.meta.get("vendor") for pair in pairs]).values())
    for overlap in report.overlaps:
        assert overlap.near_duplicates == overlap.exact_duplicates == 0
        assert not by or overlap.shared_groups == 0
        assert by != "meta.vendor" or overlap.shared_vendors == 0
    assert None not in splits


def test_shares_come_out_as_asked_and_the_generator_decides_who() -> None:
    pairs = [Pair(id=str(n), view=b"%d" % n, label="xss") for n in range(1_000)]
    spec = RandomSplit(train=0.7, validation=0.1)
    splits, report = split_pairs(pairs, spec, rng(0, "split"))
    assert report.sizes == {"train": 700, "validation": 100, "test": 200}
    assert splits == split_pairs(pairs, spec, rng(0, "split"))[0]
    assert splits != split_pairs(pairs, spec, rng(1, "split"))[0]
    without = split_pairs(pairs, RandomSplit(train=0.5, validation=0), rng(0, "split"))[1]
    assert without.sizes == {"train": 500, "validation": 0, "test": 500}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), drop=st.booleans())
def test_a_temporal_split_keeps_the_order_of_time(seed: int, drop: bool) -> None:
    pairs = make_pairs(seed)
    spec = TemporalSplit(train_until=2020, validation_until=2021, near_duplicates="drop" if drop else "report")
    splits, report = split_pairs(pairs, spec, rng(0, "split"))
    years = {
        part: {pair.time.year for pair, split in zip(pairs, splits, strict=True) if split == part and pair.time}
        for part in ("train", "validation", "test")
    }
    assert max(years["train"]) <= 2020
    assert years["validation"] <= {2021}
    assert min(years["test"]) >= 2022
    assert report.sizes["test"] == sum(pair.time is not None and pair.time.year > 2021 for pair in pairs)
    timeless = sum(pair.time is None for pair in pairs)
    assert report.unused == timeless + report.dropped
    if drop:
        assert all(overlap.near_duplicates == 0 for overlap in report.overlaps)
    else:
        assert report.dropped == 0


def test_the_report_counts_what_is_shared() -> None:
    long = bytes(range(256)) * 3
    times = [datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2020, 2022, 2022, 2022, 2022)]
    views = [b"same view", long, b"same view", long[:-1] + b"!", b"other", b"fourth"]
    groups = ["a", "b", "c", "d", "a", None]
    vendors = ["v", "", "w", "v", "", "v"]
    pairs = [
        Pair(id=str(row), view=view, group=group, time=time, meta={"vendor": vendor} if vendor else {})
        for row, (view, group, time, vendor) in enumerate(zip(views, groups, times, vendors, strict=True))
    ]
    report = split_pairs(pairs, TemporalSplit(train_until=2020, validation_until=2021), rng(0, "split"))[1]
    (overlap,) = report.as_dict()["overlaps"]
    assert overlap == {
        "earlier": "train",
        "later": "test",
        "rows": 4,
        "exact_duplicates": 1,
        "near_duplicates": 2,
        "shared_groups": 1,
        "shared_vendors": 2,
        "exact_duplicates_rate": 0.25,
        "near_duplicates_rate": 0.5,
        "shared_groups_rate": 0.25,
        "shared_vendors_rate": 0.5,
    }
    orjson.dumps(report.as_dict())


def test_rows_of_other_labels_stay_unused() -> None:
    pairs = make_pairs(0)
    for spec in (
        RandomSplit(labels=("xss",)),
        GroupSplit(labels=("xss",)),
        TemporalSplit(train_until=2019, validation_until=2020, labels=("xss",)),
    ):
        splits, _ = split_pairs(pairs, spec, rng(0, "split"))
        used = {pair.label for pair, split in zip(pairs, splits, strict=True) if split}
        assert used == {"xss"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (RandomSplit(train=1.0), "split shares train=1.0"),
        (RandomSplit(train=0.5, validation=0.5), "leave some for test"),
        (RandomSplit(labels=("rce",)), "leaves train empty"),
        (GroupSplit(by="vendor"), "cannot split by 'vendor'"),
        (GroupSplit(by="meta.color"), "no pair has one"),
        (TemporalSplit(train_until=2022, validation_until=2020), "lies after"),
        (TemporalSplit(train_until=2010, validation_until=2011), "leaves train empty"),
        (TemporalSplit(train_until=2018, validation_until=2099), "leaves test empty"),
    ],
)
def test_a_split_that_cannot_work_is_refused(spec: SplitSpec, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_pairs(make_pairs(0), spec, rng(0, "split"))


FIXED = {
    "note": "text",
    "dated": {"train": ["row-0", "row-1"], "val": ["row-2"], "test": ["row-3", "gone"]},
    "folds": [["row-0", "row-1"], ["row-2"], ["row-3", "row-4"]],
    "leaky": {"train": ["row-0"], "test": ["row-0"]},
    "odd": {"train": [1], "test": ["row-0"]},
    "elsewhere": {"train": ["x"], "test": ["y"]},
}


@pytest.fixture
def fixed(tmp_path: Path) -> Path:
    (tmp_path / "s.json.gz").write_bytes(gzip.compress(orjson.dumps(FIXED)))
    return tmp_path


def test_fixed_ids_are_followed_and_absent_ones_counted(fixed: Path) -> None:
    splits, report = split_pairs(make_pairs(0), FixedSplit(path="s.json.gz", name="dated"), rng(0, "s"), root=fixed)
    assert splits[:5] == ["train", "train", "validation", "test", None]
    assert report.absent_ids == 1


def test_one_of_several_folds_is_the_test(fixed: Path) -> None:
    spec = FixedSplit(path=str(fixed / "s.json.gz"), name="folds/1")
    splits, _ = split_pairs(make_pairs(0), spec, rng(0, "s"))
    assert splits[:6] == ["train", "train", "test", "train", "train", None]
    with_validation = FixedSplit(path=str(fixed / "s.json.gz"), name="folds/1", validation=0.25)
    splits, report = split_pairs(make_pairs(0), with_validation, rng(0, "s"))
    assert splits[2] == "test"
    assert report.sizes == {"train": 3, "validation": 1, "test": 1}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope", "at 'nope' there is only note, dated, folds"),
        ("folds/3", "at '3' there is only 0 to 2"),
        ("folds/x", "at 'x' there is only 0 to 2"),
        ("note/x", "at 'x' there is only"),
        ("folds", "is neither lists named"),
        ("odd", "is not made of lists of ids"),
        ("elsewhere", "none of the ids"),
    ],
)
def test_a_name_that_leads_to_no_split_is_told(fixed: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_pairs(make_pairs(0), FixedSplit(path="s.json.gz", name=name), rng(0, "s"), root=fixed)


def test_an_id_in_train_and_test_is_a_leak(fixed: Path) -> None:
    with pytest.raises(LeakageError, match="has id 'row-0' in train and test"):
        split_pairs(make_pairs(0), FixedSplit(path="s.json.gz", name="leaky"), rng(0, "s"), root=fixed)


def test_a_broken_split_file_is_told(fixed: Path) -> None:
    content = (fixed / "s.json.gz").read_bytes()
    for name, broken in {"cut": content[:-9], "text": b"ids", "empty": b"", "nan": b"[NaN]"}.items():
        (fixed / name).write_bytes(broken)
        with pytest.raises(InputError):
            split_pairs(make_pairs(0), FixedSplit(path=name), rng(0, "s"), root=fixed)
    for share in (-0.1, 1.0):
        with pytest.raises(InputError, match="validation share"):
            split_pairs(make_pairs(0), FixedSplit(path="s.json.gz", validation=share), rng(0, "s"), root=fixed)
    with pytest.raises(InputError, match="has its own validation rows"):
        split_pairs(make_pairs(0), FixedSplit(path="s.json.gz", name="dated", validation=0.1), rng(0, "s"), root=fixed)


def test_a_table_is_split_as_its_pairs_are(tmp_path: Path) -> None:
    pairs = make_pairs(3)
    write_pairs(tmp_path / "t.parquet", pairs, modality="payload")
    table = PairTable.open(tmp_path / "t.parquet")
    spec = RandomSplit()
    splits, report = assign_split(table, spec, rng(0, "s"))
    assert (splits, report) == split_pairs(pairs, spec, rng(0, "s"))
    with_split(table, splits, split_info(spec, report), table.path)
    stored = PairTable.open(table.path).split_info
    assert stored is not None
    expected = {"kind": "random", "near_duplicates": "together", "train": 0.8, "validation": 0.1, "labels": []}
    assert stored["spec"] == expected
    assert stored["leakage"] == report.as_dict()


def test_the_leaky_control_lets_near_duplicates_straddle() -> None:
    pairs = [replace(pair, view=b"GET /the/same/request?for=every&row=of HTTP/1.1") for pair in make_pairs(0, 40)]
    splits, report = split_pairs(pairs, RandomSplit(near_duplicates="ignore"), rng(0, "s"))
    assert {split: splits.count(split) for split in set(splits)} == {"train": 32, "validation": 4, "test": 4}
    assert all(overlap.near_duplicates == overlap.rows for overlap in report.overlaps)


@pytest.mark.data
def test_the_fixed_splits_of_the_real_payloads_are_reproduced(data_dir: Path) -> None:
    rows = Nuclei().read(data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz")
    pairs = [row for row in rows if isinstance(row, Pair)]
    path = "splits/payload_splits.json.gz"
    listed = orjson.loads(gzip.decompress((data_dir / path).read_bytes()))
    splits, report = split_pairs(pairs, FixedSplit(path=path), rng(0, "s"), root=data_dir)
    assert report.sizes == {"train": 1617, "validation": 503, "test": 958}
    assert (report.absent_ids, report.dropped) == (0, 0)
    for part, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        assert {pair.id for pair, split in zip(pairs, splits, strict=True) if split == part} == set(
            listed["temporal"][name]
        )
    assert {pair.label for pair, split in zip(pairs, splits, strict=True) if split} == set(WEAKNESSES)
    splits, _ = split_pairs(
        pairs, FixedSplit(path=path, name="cve_5fold/2", validation=0.1), rng(0, "s"), root=data_dir
    )
    test = {pair.id for pair, split in zip(pairs, splits, strict=True) if split == "test"}
    assert test == set(listed["cve_5fold"][2])
