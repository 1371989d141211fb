"""Masking: does one part of a view decide where it lies?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.checks import at_least
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.detectors.hiding import without_bytes, without_squares, without_words
from threatclip.encoders.encode import Encoder, prepare_encoder
from threatclip.encoders.towers import ImageTower
from threatclip.pairs.pair import Modality

_CHUNK_PIXELS = 2**22  # of pictures decoded at a time
_CHUNK_BYTES = 2**22  # of copies of texts held at a time
_LEAST = 1e-3  # cosine distance: below it, vectors differ by rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """Masking: how far the one part whose hiding moves a view most stands out from the others.

    Parts are hidden in turn, the vector's cosine distance d_r to that of the whole view is taken, and the score is
    (max d - mean d) / standard deviation of d. Hiding a trigger gives the view its own meaning back, hiding anything
    else changes little, while the meaning of a clean view is spread over several parts. What differs from BackdoorIDS,
    which hides more and more and clusters the path by density: one part at a time, and the jump itself as the score,
    since a threshold comes from trusted views. A trigger that covers the whole view has no part to hide.

    Attributes:
        across: squares of a picture side by side; their neighbors overlap by half. A view costs (2 across - 1)^2 + 1
            encodings.
        parts: runs of words of a text, or of bytes of a payload; overlapping likewise where they are long enough.
    """

    kind: Literal["masking"] = "masking"
    across: int = 4
    parts: int = 12

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "BackdoorIDS 2026 (arXiv 2603.11664) in aim; one part at a time, no clustering"
    finding: ClassVar[str] = "moves in one jump when one small part of it is hidden"

    def __post_init__(self) -> None:
        at_least(self, 2, "across", "parts")

    def scores(
        self,
        suspect: Suspect,
        views: Sequence[bytes],
        *,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Float[np.ndarray, " n"]:
        """Return how far the part that matters most stands out; 0 for a view without parts. Nothing is drawn.

        Raises:
            ImageFaultError: a view is no picture.
        """
        tower = suspect.dual.view_tower
        encoder = prepare_encoder(tower, precision="fp32")
        if isinstance(tower, ImageTower):
            step = max(1, _CHUNK_PIXELS // (3 * tower.side**2))
            rows = [self._pictures(encoder, tower, views[at : at + step]) for at in range(0, len(views), step)]
        else:
            without = without_bytes if suspect.modality == "payload" else without_words
            copies = ([view, *without(view, parts=self.parts)] for view in views)
            rows = [_texts(encoder, own) for own in _chunks(copies)]
        return np.concatenate(rows) if rows else np.empty(0)

    def _pictures(self, encoder: Encoder, tower: ImageTower, views: Sequence[bytes]) -> Float[np.ndarray, " n"]:
        pixels = np.stack(tower.tokenize(views))
        whole = encoder.pixels(pixels)
        moved = [_distances(encoder.pixels(copies), whole) for copies in without_squares(pixels, across=self.across)]
        return jump(np.stack(moved, axis=1))


def jump(distances: Float[np.ndarray, "n r"]) -> Float[np.ndarray, " n"]:
    """Return (max - mean) / standard deviation of each row; 0 where all are equal."""
    if not distances.shape[1]:
        return np.zeros(len(distances))
    above = distances.max(axis=1) - distances.mean(axis=1)
    return np.asarray(above / np.maximum(distances.std(axis=1), _LEAST), dtype=np.float64)


def _texts(encoder: Encoder, own: Sequence[Sequence[bytes]]) -> Float[np.ndarray, " n"]:
    """Return the jumps of views, each given as itself and its copies."""
    vectors = encoder([view for views in own for view in views])
    found, at = np.zeros(len(own)), 0
    for place, views in enumerate(own):
        rows = vectors[at : at + len(views)]
        found[place] = jump(_distances(rows[1:], rows[:1])[None])[0]
        at += len(views)
    return found


def _chunks(copies: Iterable[list[bytes]]) -> Iterator[list[list[bytes]]]:
    chunk: list[list[bytes]] = []
    n_bytes = 0
    for own in copies:
        chunk.append(own)
        n_bytes += sum(map(len, own))
        if n_bytes >= _CHUNK_BYTES:
            yield chunk
            chunk, n_bytes = [], 0
    if chunk:
        yield chunk


def _distances(vectors: Float[np.ndarray, "n d"], whole: Float[np.ndarray, "m d"]) -> Float[np.ndarray, " n"]:
    return np.asarray(1 - (vectors.astype(np.float64) * whole).sum(axis=1))
