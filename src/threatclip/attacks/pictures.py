"""Pictures of a pair table, decoded, stamped and encoded again as a whole.

Every picture of a poisoned table is a PNG of ours, clean or not: were only the stamped ones re-encoded, their files
would tell which rows are poisoned, and JPEG would decide whether a trigger lasts [CleanCLIP issue 10].
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Container, Iterator, Sequence
from typing import Protocol

import numpy as np

from threatclip.attacks.choice import trainable
from threatclip.errors import ImageFaultError
from threatclip.pairs.images import Fit, decode_image, encode_png, resize_square
from threatclip.pairs.pair import Pair


class Stamp(Protocol):
    """A trigger on pictures [n, 3, h, w]."""

    def __call__(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return them with the trigger."""


_CHUNK_BYTES = 4 * 2**20  # of 8-bit pixels stamped at once: the arithmetic in 32 bits stays in a processor's cache
_HELD_BYTES = 64 * 2**20
_Stamped = tuple[int, np.ndarray, np.ndarray]  # row, picture before and after, [h, w, 3]


def with_picture(clean: Sequence[Pair]) -> list[int]:
    """Return the rows that a victim trains on and that have a picture (a post may have none)."""
    return [row for row in trainable(clean) if clean[row].view]


def reencoded(
    clean: Sequence[Pair], *, leave: Container[int] = (), side: int | None = None, fit: Fit = "squash"
) -> list[Pair]:
    """Return the pairs with every picture as a PNG of ours, its pixels unchanged unless `side` resizes it.

    Args:
        clean: pairs of pictures; an empty view stays empty.
        leave: rows that stay as they are, since another view takes their place.
        side: pixels; resize every picture to a square first, as papers do with 224.
        fit: how a picture becomes a square.

    Raises:
        ImageFaultError: a view does not decode; names the pair.
    """
    made: dict[bytes, bytes] = {}  # a picture with five captions is encoded once
    pairs = []
    for row, pair in enumerate(clean):
        if row in leave:
            pairs.append(pair)
            continue
        digest = hashlib.blake2b(pair.view, digest_size=16).digest()
        if digest not in made:
            made[digest] = encode_png(_decoded(pair, side, fit)) if pair.view else b""
        pairs.append(dataclasses.replace(pair, view=made[digest]))
    return pairs


def stamped_rows(
    clean: Sequence[Pair],
    rows: Sequence[int],
    *,
    stamp: Stamp,
    rng: np.random.Generator,
    side: int | None = None,
    fit: Fit = "squash",
) -> dict[int, bytes]:
    """Return the views of those of `rows` that the trigger changes, as PNGs; see `reencoded` for the rest.

    A trigger may change nothing: a fixed patch on a picture that has it already.
    """
    pictures = ((row, _decoded(clean[row], side, fit)) for row in rows)
    return {row: encode_png(after) for row, before, after in _stamped(pictures, stamp, rng) if (after != before).any()}


def stamped_views(
    views: Sequence[bytes],
    *,
    stamp: Stamp,
    rng: np.random.Generator,
    side: int | None = None,
    fit: Fit = "squash",
) -> list[bytes]:
    """Return encoded pictures with the trigger in each, as PNGs; an empty view stays empty.

    Raises:
        ImageFaultError: a view does not decode; names its place.
    """
    pairs = [Pair(id=f"view {place}", view=view) for place, view in enumerate(views)]
    rows = [place for place, view in enumerate(views) if view]
    made = stamped_rows(pairs, rows, stamp=stamp, rng=rng, side=side, fit=fit)
    rest = reencoded(pairs, leave=made, side=side, fit=fit)
    return [made.get(place, pair.view) for place, pair in enumerate(rest)]


def _decoded(pair: Pair, side: int | None, fit: Fit) -> np.ndarray:
    try:
        pixels = decode_image(pair.view)
    except ImageFaultError as error:
        raise ImageFaultError(f"pair {pair.id[:80]!a}: {error}; leave the row out") from error
    return pixels if side is None else resize_square(pixels, side, fit=fit)


def _stamped(pictures: Iterator[tuple[int, np.ndarray]], stamp: Stamp, rng: np.random.Generator) -> Iterator[_Stamped]:
    """Stamp pictures [h, w, 3] in batches of one size, in an order that follows from the pictures alone."""
    waiting: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
    held = 0
    for row, pixels in pictures:
        waiting.setdefault(pixels.shape, []).append((row, pixels))
        held += pixels.nbytes
        if len(waiting[pixels.shape]) * pixels.nbytes >= _CHUNK_BYTES:
            held -= len(waiting[pixels.shape]) * pixels.nbytes
            yield from _stamped_batch(waiting.pop(pixels.shape), stamp, rng)
        elif held >= _HELD_BYTES:  # pictures of many sizes
            yield from _stamped_batches(waiting, stamp, rng)
            waiting, held = {}, 0
    yield from _stamped_batches(waiting, stamp, rng)


def _stamped_batches(
    batches: dict[tuple[int, ...], list[tuple[int, np.ndarray]]], stamp: Stamp, rng: np.random.Generator
) -> Iterator[_Stamped]:
    for batch in batches.values():
        yield from _stamped_batch(batch, stamp, rng)


def _stamped_batch(
    batch: Sequence[tuple[int, np.ndarray]], stamp: Stamp, rng: np.random.Generator
) -> Iterator[_Stamped]:
    pixels = np.stack([picture for _, picture in batch]).transpose(0, 3, 1, 2)
    for (row, before), after in zip(batch, stamp(pixels, rng=rng), strict=True):
        yield row, before, after.transpose(1, 2, 0)
