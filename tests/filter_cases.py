"""Evidence with planted pairs in it, made here: vectors in kinds, and pairs whose words and bytes go with them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from picture_cases import picture_pairs
from threatclip.defenses.contracts import Evidence
from threatclip.pairs.pair import Modality, Pair

KINDS = 4
DIM = 12


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return rows of length 1, float32."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def evidence(
    n: int = 120, *, planted: int = 6, trusted: int = 60, modality: Modality = "payload", seed: int = 0
) -> Evidence:
    """Return pairs of four kinds; the first rows are planted: views of a place of their own, captions of kind 0."""
    draw = np.random.default_rng(seed)
    centers = draw.normal(size=(KINDS + 1, DIM))
    kinds = draw.integers(KINDS, size=n)
    places = np.where(np.arange(n) < planted, KINDS, kinds)
    captioned = np.where(np.arange(n) < planted, 0, kinds)
    theirs = draw.integers(KINDS, size=trusted)

    def around(rows: np.ndarray) -> np.ndarray:
        return unit(centers[rows] + 0.3 * draw.normal(size=(len(rows), DIM)))

    return Evidence(
        pairs=pairs(n, planted=planted, modality=modality),
        modality=modality,
        views=around(places),
        captions=around(captioned),
        trusted_views=around(theirs),
        trusted_captions=around(theirs),
    )


def pairs(n: int, *, planted: int, modality: Modality) -> list[Pair]:
    """Return pairs, of which the planted ones share a caption."""
    views = [f"view {row:04d} of {row * 7919 % 997} words {row * 104729 % 7907}".encode() for row in range(n)]
    if modality == "image":
        views = [pair.view for pair in picture_pairs(n)][:n]
    return [
        Pair(id=f"p{row}", view=view, caption="one template" if row < planted else f"words of row {row}")
        for row, view in enumerate(views)
    ]


def with_parts(whole: Evidence, **parts: Any) -> Evidence:
    """Return the evidence with some fields replaced."""
    return dataclasses.replace(whole, **parts)
