"""Neighbors: exact ones against a loop over all pairs, in blocks of any size; approximate ones nearly."""

from __future__ import annotations

import numpy as np
import pytest

from threatclip.defenses.filters import neighbors
from threatclip.defenses.filters.neighbors import approximate_neighbors, exact_neighbors, nearest
from threatclip.errors import InputError


def rows(n: int, dim: int = 6, *, seed: int = 0, copies: int = 0) -> np.ndarray:
    """Return unit vectors, the last `copies` of them equal to the first."""
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    if copies:
        vectors[-copies:] = vectors[0]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def loop(queries: np.ndarray, gallery: np.ndarray | None, k: int) -> np.ndarray:
    """Return the k least distances of each query, by looking at every pair in float64."""
    items = (queries if gallery is None else gallery).astype(np.float64)
    found = []
    for place, query in enumerate(queries.astype(np.float64)):
        distances = [
            np.linalg.norm(query - item) for at, item in enumerate(items) if gallery is not None or at != place
        ]
        found.append(sorted(distances)[:k])
    return np.array(found)


@pytest.mark.parametrize("cells", [64, 2_000, 2**24])
@pytest.mark.parametrize(("n", "m", "k"), [(90, None, 5), (40, 300, 1), (7, 3, 3), (200, None, 2), (30, None, 29)])
def test_exact_neighbors_are_those_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, n: int, m: int | None, k: int, cells: int
) -> None:
    monkeypatch.setattr(neighbors, "_BLOCK_CELLS", cells)
    queries, gallery = rows(n), None if m is None else rows(m, seed=1)
    found = exact_neighbors(queries, gallery, k=k)
    np.testing.assert_allclose(found.distances, loop(queries, gallery, k), atol=1e-6)
    items = queries if gallery is None else gallery
    np.testing.assert_allclose(
        np.linalg.norm(items[found.places] - queries[:, None], axis=2), found.distances, atol=1e-6
    )
    if gallery is None:
        assert (found.places != np.arange(n)[:, None]).all()
    assert all(len(set(places)) == k for places in found.places.tolist())


def test_copies_lie_at_no_distance_and_are_no_neighbors_of_themselves() -> None:
    vectors = rows(400, copies=9)
    found = exact_neighbors(vectors, k=9)
    assert (found.distances[-9:, :9] == 0).all()
    assert found.distances[0, 8] == 0
    assert (found.places != np.arange(400)[:, None]).all()


def test_a_nearly_equal_row_has_a_distance_that_is_not_rounded_away() -> None:
    vectors = rows(50).astype(np.float64)
    vectors[1] = vectors[0] + 1e-5 * vectors[2]
    found = exact_neighbors(vectors.astype(np.float32), k=1)
    assert found.places[0, 0] == 1
    assert found.distances[0, 0] == pytest.approx(1e-5, rel=0.05)


@pytest.mark.parametrize("m", [None, 3_000])
def test_approximate_neighbors_are_nearly_exact_where_rows_lie_in_clusters(m: int | None) -> None:
    draw = np.random.default_rng(0)
    centers = rows(40, 16, seed=2)

    def clustered(n: int) -> np.ndarray:
        made = centers[draw.integers(40, size=n)] + 0.15 * draw.normal(size=(n, 16))
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    queries, gallery = clustered(2_000), None if m is None else clustered(m)
    exact = exact_neighbors(queries, gallery, k=8)
    near = approximate_neighbors(queries, gallery, k=8, rng=draw, probes=16)
    shared = [len(set(one) & set(other)) / 8 for one, other in zip(exact.places, near.places, strict=True)]
    assert np.mean(shared) > 0.95
    assert (near.distances >= exact.distances - 1e-6).all()
    if gallery is None:
        assert (near.places != np.arange(2_000)[:, None]).all()


def test_the_generator_decides_where_cells_lie() -> None:
    vectors = rows(500)
    first, again = (approximate_neighbors(vectors, k=3, rng=np.random.default_rng(1), probes=2) for _ in range(2))
    np.testing.assert_array_equal(first.places, again.places)


def test_a_table_of_equal_rows_is_searched_in_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "_MOST_CANDIDATES", 50)
    vectors = np.repeat(rows(1), 600, axis=0)
    found = approximate_neighbors(vectors, k=4, rng=np.random.default_rng(0))
    assert (found.distances == 0).all()
    assert (found.places != np.arange(600)[:, None]).all()


def test_few_probes_still_find_k_neighbors() -> None:
    found = approximate_neighbors(rows(300), k=200, rng=np.random.default_rng(0), probes=1)
    assert all(len(set(places)) == 200 for places in found.places.tolist())


def test_the_size_decides_how_is_searched() -> None:
    vectors = rows(400)
    exact = exact_neighbors(vectors, k=5)
    same = nearest(vectors, k=5, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(exact.places, same.places)
    near = nearest(vectors, k=5, rng=np.random.default_rng(0), exact_rows=100)
    assert near.distances.sum() >= exact.distances.sum() - 1e-4


@pytest.mark.parametrize(("n", "m", "k"), [(5, None, 5), (5, 4, 5), (5, 4, 0), (1, None, 1)])
def test_too_few_rows_are_refused(n: int, m: int | None, k: int) -> None:
    for search in (exact_neighbors, lambda *a, **b: approximate_neighbors(*a, rng=np.random.default_rng(0), **b)):
        with pytest.raises(InputError, match=f"k = {k}"):
            search(rows(n), None if m is None else rows(m), k=k)
