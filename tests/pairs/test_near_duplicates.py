from __future__ import annotations

from itertools import combinations
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.pairs.near_duplicates import VIEW_BYTES, near_duplicate_clusters, shingles
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Nuclei


def slow_jaccard(left: bytes, right: bytes) -> float:
    sets = [{view[at : at + 5] for at in range(max(1, len(view) - 4))} for view in (left, right)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def slow_clusters(views: list[bytes], threshold: float) -> list[int]:
    """Number the connected components of near-duplicates by first occurrence, comparing every two views."""
    clusters = list(range(len(views)))
    for left, right in combinations(range(len(views)), 2):
        if slow_jaccard(views[left], views[right]) >= threshold:
            old, new = clusters[right], clusters[left]
            clusters = [new if cluster == old else cluster for cluster in clusters]
    numbers: dict[int, int] = {}
    return [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]


def edited(seed: int) -> list[bytes]:
    """Return views of which many are small edits of one another."""
    rng = np.random.default_rng(seed)
    views = [rng.integers(97, 123, size=int(size), dtype=np.uint8).tobytes() for size in rng.integers(3, 400, 12)]
    for _ in range(30):
        view = bytearray(views[rng.integers(len(views))])
        for place in rng.integers(len(view), size=int(rng.integers(0, 4))):
            view[place] = 65
        views.append(bytes(view))
    return views


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.9, 0.95]))
def test_clusters_are_those_of_comparing_every_two_views(seed: int, threshold: float) -> None:
    views = edited(seed)
    assert near_duplicate_clusters(views, threshold=threshold).tolist() == slow_clusters(views, threshold)


@given(view=st.binary(max_size=60))
def test_shingles_are_the_set_of_five_byte_windows(view: bytes) -> None:
    want = {view[at : at + 5] for at in range(max(1, len(view) - 4))}
    assert len(shingles(view)) == len(want)
    if len(view) >= 5:
        assert {int(code).to_bytes(5, "little") for code in shingles(view)} == want


@given(left=st.binary(max_size=4), right=st.binary(max_size=5))
def test_short_views_are_alike_only_when_equal(left: bytes, right: bytes) -> None:
    assert (shingles(left).tolist() == shingles(right).tolist()) == (left == right)


def test_equal_views_share_a_cluster_and_numbers_follow_first_occurrence() -> None:
    assert near_duplicate_clusters([b"b" * 9, b"a", b"b" * 9, b"c", b"a"]).tolist() == [0, 1, 0, 2, 1]
    assert near_duplicate_clusters([]).tolist() == []


def test_only_the_start_of_a_long_view_is_compared() -> None:
    start = np.random.default_rng(0).bytes(VIEW_BYTES)
    assert near_duplicate_clusters([start + b"x" * 10**6, start + b"y" * 10**6]).tolist() == [0, 0]


def test_many_near_duplicates_of_one_view_cost_little() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(97, 123, size=2_000, dtype=np.uint8)
    views = []
    for _ in range(1_500):
        view = base.copy()
        view[rng.integers(2_000, size=6)] = 65
        views.append(view.tobytes())
    start = process_time()
    assert set(near_duplicate_clusters(views).tolist()) == {0}
    assert process_time() - start < 20


@pytest.mark.data
def test_the_real_payloads_are_compared_in_seconds(data_dir: Path) -> None:
    rows = Nuclei().read(data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz")
    views = [row.view for row in rows if isinstance(row, Pair)]
    start = process_time()
    clusters = near_duplicate_clusters(views)
    assert process_time() - start < 20
    assert 3_400 < len(set(clusters.tolist())) < 3_440
