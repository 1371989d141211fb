"""Near-duplicate posts: the same picture by its perceptual hash, the same words by their shingles.

Two pictures are near-duplicates when their 64-bit hashes differ in at most 6 bits, which survives encoding anew,
another size and a change of light, but no cut, and not every mark or border. Candidates come from multi-index hashing
[Norouzi 2012]: of 7 parts of the hash one at least is equal, so only rows that share a part are compared.
Words count where they are long enough to be nobody else's: short captions recur under different pictures.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from threatclip.errors import ImageFaultError
from threatclip.pairs.images import decode_batch, perceptual_hash
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import normalize_post

# at 6 nearly all joined pictures of CIFAR-10, MEDIC and DMD are copies; at 10 most are not (docs/pairs.md)
HASH_DISTANCE = 6
# characters, normalized: the longest template caption has fewer than 100
WORDS_BESIDE_PICTURE = 100
WORDS_ALONE = 40

_SIDE = 64  # pixels are hashed at this size, so that a large JPEG need not be decoded whole
_CHUNK = 256
_COMPARED_AT_ONCE = 2**22
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Near-duplicates among n pairs: cluster numbers by first occurrence, int64[n] each.

    Attributes:
        together: what must not straddle a split; two pairs may be joined through a third.
        pictures: of image pairs, by the picture alone; a post without one stands alone. None for other modalities.
        words: of image pairs, by the words alone; a post with none, or too few, stands alone.
    """

    together: np.ndarray
    pictures: np.ndarray | None = None
    words: np.ndarray | None = None


def clusters_of(pairs: Sequence[Pair], *, modality: Modality) -> Clusters:
    """Return which pairs are near-duplicates: image pairs by picture or words, others by the bytes of their view."""
    views = [pair.view for pair in pairs]
    if modality != "image":
        return Clusters(together=near_duplicate_clusters(views))
    pictures = picture_clusters(views)
    words = word_clusters([pair.caption for pair in pairs], with_picture=[bool(view) for view in views])
    return Clusters(together=joined([pictures.tolist(), words.tolist()]), pictures=pictures, words=words)


def picture_clusters(views: Sequence[bytes], *, distance: int = HASH_DISTANCE) -> np.ndarray:
    """Return the cluster of every picture: equal bytes, or hashes at most `distance` bits apart. Int64[n].

    An empty view stands alone, and a picture that does not decode equals only its own bytes. Costs a decode of every
    distinct picture; memory stays at a few megabytes beside them.
    """
    first_of: dict[bytes, int] = {}
    rows = [first_of.setdefault(view, len(first_of)) if view else None for view in views]
    hashes = list(_hashes(list(first_of)))
    hashed = [place for place, value in enumerate(hashes) if value is not None]
    values = np.array([value for value in hashes if value is not None], np.uint64)
    near = hash_clusters(values, distance=distance)
    cluster_of: dict[int, Hashable] = dict(zip(hashed, near.tolist(), strict=True))
    keys = [("none", at) if row is None else cluster_of.get(row, ("broken", row)) for at, row in enumerate(rows)]
    return _numbered(keys)


def hash_clusters(hashes: np.ndarray, *, distance: int = HASH_DISTANCE) -> np.ndarray:
    """Return the connected components of "at most `distance` (below 64) of 64 bits apart", for uint64[n]. Int64[n]."""
    if not hashes.size:
        return np.zeros(0, np.int64)
    distinct, place = np.unique(hashes, return_inverse=True)
    ends = [np.zeros((2, 0), np.int64)]
    for mask in _part_masks(distance + 1):
        order = np.argsort(distinct & mask, kind="stable")
        parts = distinct[order] & mask
        bounds = [0, *(np.flatnonzero(parts[1:] != parts[:-1]) + 1).tolist(), parts.size]
        for start, end in pairwise(bounds):
            ends += [order[start + near] for near in _near(distinct[order[start:end]], distance)]
    sources, targets = np.concatenate(ends, axis=1)
    graph = coo_array((np.ones(sources.size, np.int8), (sources, targets)), shape=(distinct.size, distinct.size))
    return _numbered(connected_components(graph, directed=False)[1][place].tolist())


def word_clusters(captions: Sequence[str | None], *, with_picture: Sequence[bool]) -> np.ndarray:
    """Return the cluster of every post by its words. Int64[n].

    Words are compared as `near_duplicates` compares payloads, after `normalize_post`, letters and digits alone. They
    count from 100 characters on. Where a post has no picture, words are all there is: it is joined from 40 on, with
    every post of the same words.
    """
    least = WORDS_BESIDE_PICTURE if all(with_picture) else WORDS_ALONE
    words = [_compared(caption, least) for caption in captions]
    rows = [row for row, text in enumerate(words) if len(text) >= least]
    clusters = near_duplicate_clusters([words[row].encode() for row in rows]).tolist()
    lone = {cluster for row, cluster in zip(rows, clusters, strict=True) if not with_picture[row]}
    keys: list[Hashable] = [("none", row) for row in range(len(words))]
    for row, cluster in zip(rows, clusters, strict=True):
        if len(words[row]) >= WORDS_BESIDE_PICTURE or cluster in lone:
            keys[row] = cluster
    return _numbered(keys)


def joined(columns: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """Return the connected components of rows that share a value in any column, numbered by first row. Int64[n]."""
    n = len(columns[0])
    sources, targets = [], []
    for values in columns:
        first: dict[Hashable, int] = {}
        for row, value in enumerate(values):
            sources.append(row)
            targets.append(first.setdefault(value, row))
    graph = coo_array((np.ones(len(sources), np.int8), (sources, targets)), shape=(n, n))
    return _numbered(connected_components(graph, directed=False)[1].tolist() if n else [])


def _compared(caption: str | None, least: int) -> str:
    if caption is None or len(caption) < least:
        return ""
    return " ".join(_WORD.findall(normalize_post(caption).casefold()))


def _hashes(views: Sequence[bytes]) -> Iterator[int | None]:
    """Yield the perceptual hash of each picture, None where it does not decode."""
    for start in range(0, len(views), _CHUNK):
        chunk = views[start : start + _CHUNK]
        try:
            yield from (perceptual_hash(picture.transpose(1, 2, 0)) for picture in decode_batch(chunk, side=_SIDE))
        except ImageFaultError:
            yield from map(_hash, chunk)


def _hash(view: bytes) -> int | None:
    try:
        return perceptual_hash(decode_batch([view], side=_SIDE)[0].transpose(1, 2, 0))
    except ImageFaultError:
        return None


def _part_masks(parts: int) -> list[np.uint64]:
    """Return masks that deal the 64 bits out to `parts` parts in turn: neighbors, which are alike, are spread."""
    return [np.uint64(sum(1 << bit for bit in range(part, 64, parts))) for part in range(parts)]


def _near(hashes: np.ndarray, distance: int) -> Iterator[np.ndarray]:
    """Yield the pairs of places, int64[2, m], of which the hashes differ in at most `distance` bits."""
    step = max(1, _COMPARED_AT_ONCE // max(1, hashes.size))
    for start in range(0, hashes.size - 1, step):
        block = hashes[start : start + step, None] ^ hashes[None, start:]
        near = np.stack(np.nonzero(np.bitwise_count(block) <= distance))
        yield near[:, near[0] < near[1]] + start


def _numbered(keys: Sequence[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
