"""Near-duplicate views: byte 5-shingles, MinHash to find candidates, the exact Jaccard similarity to decide.

Similarity is J(A, B) = |A & B| / |A | B| over the sets of 5-byte shingles of the first 16 KiB. Clusters are the
connected components of "J >= threshold", so that no two near-duplicates ever lie in two clusters; two rows of one
cluster may be less alike than the threshold, through a third. MinHash is [Broder 1997], from datasketch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH

THRESHOLD = 0.9
SHINGLE_BYTES = 5
VIEW_BYTES = 2**14
# 18 bands of 7 rows: a pair at J = 0.9 is missed with probability (1 - 0.9^7)^18 < 1e-5
_BANDS, _BAND_ROWS = 18, 7
# the estimate's standard deviation at J = 0.9 is 0.027 of 126 permutations: five of them below the threshold
_ESTIMATE_SLACK = 0.13
_CHUNK = 256


def shingles(view: bytes) -> np.ndarray:
    """Return the sorted set of 5-byte shingles of a view as uint64 codes; a shorter view is one shingle."""
    content = np.frombuffer(view[:VIEW_BYTES], np.uint8).astype(np.uint64)
    if content.size < SHINGLE_BYTES:
        code = int.from_bytes(view, "little") | (len(view) + 1) << 40  # beyond every code of five bytes
        return np.array([code], np.uint64)
    n = content.size - SHINGLE_BYTES + 1
    codes = np.zeros(n, np.uint64)
    for place in range(SHINGLE_BYTES):
        codes |= content[place : place + n] << np.uint64(8 * place)
    return np.unique(codes)


def near_duplicate_clusters(views: Sequence[bytes], *, threshold: float = THRESHOLD) -> np.ndarray:
    """Return the cluster of every view, numbered from 0 by first occurrence; equal views share one. Int64[n].

    The same views give the same clusters: the permutations are fixed. Memory: the views and about 8 KiB for each
    distinct one.
    """
    first_of: dict[bytes, int] = {}
    distinct = [first_of.setdefault(view, len(first_of)) for view in views]
    parents = _joined(list(first_of), threshold)
    roots = [_root(parents, place) for place in distinct]
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root, len(numbers)) for root in roots], np.int64)


def _joined(views: Sequence[bytes], threshold: float) -> list[int]:
    """Return a union-find forest over distinct views, in which near-duplicates have the same root."""
    parents = list(range(len(views)))
    sets = [shingles(view) for view in views]
    signatures = np.zeros((len(views), _BANDS * _BAND_ROWS), np.uint32)
    index = MinHashLSH(num_perm=_BANDS * _BAND_ROWS, params=(_BANDS, _BAND_ROWS))
    for place, signature in enumerate(_signatures(sets)):
        signatures[place] = signature.hashvalues
        earlier = np.array(index.query(signature), np.int64)
        index.insert(place, signature, check_duplication=False)
        if not earlier.size:
            continue
        alike = np.count_nonzero(signatures[earlier] == signatures[place], axis=1) / signatures.shape[1]
        promising = alike >= threshold - _ESTIMATE_SLACK
        order = np.argsort(-alike[promising], kind="stable")
        _join(sets, parents, place, earlier[promising][order].tolist(), threshold)
    return parents


def _join(sets: Sequence[np.ndarray], parents: list[int], place: int, candidates: list[int], threshold: float) -> None:
    """Join `place` with those of `candidates`, the most promising first, that are alike enough."""
    size = 1
    while candidates:
        own = _root(parents, place)
        candidates = [candidate for candidate in candidates if _root(parents, candidate) != own]
        chunk, candidates = candidates[:size], candidates[size:]
        if not chunk:
            return
        for candidate in np.array(chunk)[_similarities(sets[place], [sets[c] for c in chunk]) >= threshold]:
            parents[_root(parents, int(candidate))] = _root(parents, place)
        size = _CHUNK  # the best candidate alone comes first: mostly it settles the matter


def _similarities(own: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Return the Jaccard similarity of one sorted set to each of several."""
    sizes = np.array([other.size for other in others])
    codes = np.concatenate(others)
    found = own[np.minimum(np.searchsorted(own, codes), own.size - 1)] == codes
    shared = np.add.reduceat(found, np.concatenate([[0], np.cumsum(sizes)[:-1]]), dtype=np.int64)
    similarities: np.ndarray = shared / (own.size + sizes - shared)
    return similarities


def _signatures(sets: Sequence[np.ndarray]) -> Iterator[Any]:
    codes = (_short_codes(codes) for codes in sets)
    yield from MinHash.generator(codes, num_perm=_BANDS * _BAND_ROWS, seed=1, hashfunc=_as_it_is, scheme="affine32")


def _short_codes(codes: np.ndarray) -> list[int]:
    """Return shingle codes folded to 32 bits, which is what the fast MinHash scheme takes."""
    folded = (codes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    short: list[int] = folded.tolist()
    return short


def _as_it_is(code: int) -> int:
    return code


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place
