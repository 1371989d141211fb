"""Nearest neighbors of unit vectors: exact in blocks of bounded memory, approximate beyond a size.

Distances are Euclidean, sqrt(2 - 2 cos), computed anew from differences once the neighbors are known: the product of
two nearly equal vectors rounds to a distance of 3e-4 in float32, and outlier scores divide by distances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from threatclip.errors import InputError

EXACT_ROWS = 200_000  # of a gallery; beyond, a whole search takes minutes
PROBES = 64  # cells that an approximate search looks into
_BLOCK_CELLS = 2**24  # numbers held at a time: 64 MiB
_GROUP = 32  # columns of which only the best says whether they are looked at
_ROWS_PER_CENTER = 40  # of the sample that places the centers of cells
_ROUNDS = 6  # of k-means: cells need no perfect centers
_CELLS_PER_ROOT = 4  # cells are so many times the root of the gallery's rows
_MOST_CANDIDATES = 2**17  # a hostile table of equal rows would put all of them into one cell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbors:
    """The k nearest rows of a gallery to each query, the nearest first.

    Attributes:
        distances: Euclidean, float32 [n, k], ascending.
        places: row of the gallery, int64 [n, k].
    """

    distances: Float[np.ndarray, "n k"]
    places: Int[np.ndarray, "n k"]


def nearest(
    queries: Float[np.ndarray, "n d"],
    gallery: Float[np.ndarray, "m d"] | None = None,
    *,
    k: int,
    rng: np.random.Generator,
    exact_rows: int = EXACT_ROWS,
) -> Neighbors:
    """Return the k nearest rows of the gallery to each query: exactly up to `exact_rows` of them, else nearly.

    Args:
        queries: unit vectors.
        gallery: unit vectors; None: the queries themselves, none of which is its own neighbor.
        k: neighbors of each.
        rng: places the cells of an approximate search.
        exact_rows: largest gallery that is searched as a whole.

    Raises:
        InputError: k < 1, or the gallery has no k rows (beside the query itself).
    """
    size = len(queries) if gallery is None else len(gallery)
    if size <= exact_rows:
        return exact_neighbors(queries, gallery, k=k)
    return approximate_neighbors(queries, gallery, k=k, rng=rng)


def exact_neighbors(
    queries: Float[np.ndarray, "n d"], gallery: Float[np.ndarray, "m d"] | None = None, *, k: int
) -> Neighbors:
    """Return the k nearest rows by looking at all, a block of queries at a time; see `nearest`.

    Raises:
        InputError: as `nearest`.
    """
    asked = _rows(queries)
    items = asked if gallery is None else _rows(gallery)
    _check(k, len(items) - (gallery is None))
    step = max(1, _BLOCK_CELLS // len(items))
    places = torch.empty((len(asked), k), dtype=torch.int64)
    for start in range(0, len(asked), step):
        cosines = asked[start : start + step] @ items.T
        if gallery is None:
            rows = torch.arange(len(cosines))
            cosines[rows, start + rows] = -torch.inf
        places[start : start + step] = _best(cosines, k)
    return _measured(asked, items, places)


def approximate_neighbors(
    queries: Float[np.ndarray, "n d"],
    gallery: Float[np.ndarray, "m d"] | None = None,
    *,
    k: int,
    rng: np.random.Generator,
    probes: int = PROBES,
) -> Neighbors:
    """Return nearly the k nearest rows: those in the cells about each query; see `nearest`.

    The gallery is divided among 4 sqrt(m) centers by k-means (an inverted file [Jegou 2011]). All queries of one cell
    search the same cells, so that a search is one product of matrices.

    Args:
        probes: cells that are searched, those nearest to the center of the query's own cell.

    Raises:
        InputError: as `nearest`.
    """
    asked = _rows(queries)
    items = asked if gallery is None else _rows(gallery)
    _check(k, len(items) - (gallery is None))
    centers = _centers(items, rng)
    cell_of_item = _cells(items, centers)
    cell_of_query = cell_of_item if gallery is None else _cells(asked, centers)
    members = [torch.from_numpy(rows) for rows in _grouped(cell_of_item.numpy(), len(centers))]
    sizes = torch.tensor([len(rows) for rows in members])
    about = torch.argsort(centers @ centers.T, dim=1, descending=True, stable=True)
    places = torch.empty((len(asked), k), dtype=torch.int64)
    for cell, rows in enumerate(_grouped(cell_of_query.numpy(), len(centers))):
        if rows.size:
            # beside the query itself and a margin for equal rows, at least k candidates must be there
            enough = int(torch.searchsorted(torch.cumsum(sizes[about[cell]], 0), k + 1)) + 1
            searched = about[cell, : max(probes, enough)].tolist()
            candidates = _thinned(torch.cat([members[place] for place in searched]).sort().values, k)
            for own in torch.split(torch.from_numpy(rows), max(1, _BLOCK_CELLS // len(candidates))):
                places[own] = _among(asked[own], items[candidates], candidates, own if gallery is None else None, k)
    return _measured(asked, items, places)


def _among(asked: Tensor, items: Tensor, numbers: Tensor, own: Tensor | None, k: int) -> Tensor:
    """Return the k best of `items`, as their `numbers` (ascending), without the queries' `own` ones."""
    cosines = asked @ items.T
    if own is not None:
        at = torch.searchsorted(numbers, own).clamp(max=len(numbers) - 1)
        rows = torch.nonzero(numbers[at] == own).squeeze(1)
        cosines[rows, at[rows]] = -torch.inf
    return numbers[_best(cosines, k)]


def _thinned(candidates: Tensor, k: int) -> Tensor:
    """Return at most so many candidates as can be searched, spread evenly over the table."""
    most = max(_MOST_CANDIDATES, k + 2)
    if len(candidates) <= most:
        return candidates
    return candidates[torch.linspace(0, len(candidates) - 1, most, dtype=torch.float64).long()]


def _best(cosines: Tensor, k: int) -> Tensor:
    """Return the columns of the k largest numbers of each row, int64 [n, k].

    The k largest lie in the k groups of columns with the largest maxima; a pass of maxima is much cheaper than a heap.
    """
    whole = cosines.shape[1] // _GROUP * _GROUP
    if whole < 4 * k * _GROUP:
        return cosines.topk(k, dim=1).indices
    maxima = cosines[:, :whole].view(len(cosines), -1, _GROUP).amax(dim=2)
    groups = maxima.topk(k, dim=1).indices
    columns = (groups[:, :, None] * _GROUP + torch.arange(_GROUP)).flatten(1)
    rest = torch.arange(whole, cosines.shape[1]).expand(len(cosines), -1)
    columns = torch.cat([columns, rest], dim=1)
    return columns.gather(1, cosines.gather(1, columns).topk(k, dim=1).indices)


def _measured(asked: Tensor, items: Tensor, places: Tensor) -> Neighbors:
    """Return found neighbors with their distances, the nearest first."""
    k = places.shape[1]
    distances = torch.empty(places.shape)
    step = max(1, _BLOCK_CELLS // (k * asked.shape[1]))
    for start in range(0, len(asked), step):
        block = slice(start, start + step)
        distances[block] = (items[places[block]] - asked[block, None]).norm(dim=2)
    ascending, order = distances.sort(dim=1, stable=True)
    return Neighbors(distances=ascending.numpy(), places=places.gather(1, order).numpy())


def _centers(items: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the unit centers of cells, float32 [c, d], by a few rounds of spherical k-means over a sample."""
    count = max(1, min(len(items) // _ROWS_PER_CENTER, int(_CELLS_PER_ROOT * math.sqrt(len(items)))))
    sample = items[torch.from_numpy(rng.permutation(len(items))[: count * _ROWS_PER_CENTER])]
    centers = sample[:count].clone()
    for _ in range(_ROUNDS):
        totals = torch.zeros_like(centers).index_add_(0, _cells(sample, centers), sample)
        lengths = totals.norm(dim=1, keepdim=True)
        centers = torch.where(lengths > 0, totals / lengths.clamp(min=1e-12), centers)
    return centers


def _cells(rows: Tensor, centers: Tensor) -> Tensor:
    """Return the nearest center of each row, int64 [n]."""
    blocks = torch.split(rows, max(1, _BLOCK_CELLS // len(centers)))
    return torch.cat([(block @ centers.T).argmax(dim=1) for block in blocks])


def _grouped(cells: Int[np.ndarray, " n"], count: int) -> Iterator[Int[np.ndarray, " m"]]:
    """Yield the rows of each cell, ascending."""
    order = np.argsort(cells, kind="stable")
    ends = np.cumsum(np.bincount(cells, minlength=count))
    yield from np.split(order, ends[:-1])


def _rows(vectors: Float[np.ndarray, "n d"]) -> Tensor:
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    # torch shares the memory, and warns where it may not write there, as in a file mapped into memory
    return torch.from_numpy(rows if rows.flags.writeable else rows.copy())


def _check(k: int, others: int) -> None:
    if not 1 <= k <= others:
        raise InputError(f"k = {k} neighbors of each row, but there are {others} to choose from; choose a smaller k")
