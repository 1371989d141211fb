"""Small tables of requests, sentences and pictures for attacks on pairs, made here, and a surrogate made of hashes."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from threatclip.pairs.pair import Pair
from threatclip.pairs.samples import sample_pairs

GROUPS = ("Amber Fox", "Brass Owl", "Coral Wolf")
_DEEDS = (
    "sent mail with a macro document",
    "stole passwords from a browser",
    "moved through remote desktop",
    "hid its tool in a scheduled task",
    "uploaded an archive to a cloud store",
)


def payload_pairs(n: int = 60, *, seed: int = 0) -> list[Pair]:
    """Return generated requests, a fifth of them benign; every seventh row is no training row."""
    made = sample_pairs(n=n, seed=seed, classes=("xss", "sql-injection", "ssrf"), benign_fraction=0.2)
    return [dataclasses.replace(pair, split="test" if row % 7 == 6 else "train") for row, pair in enumerate(made)]


def sentence_pairs(n: int = 45) -> list[Pair]:
    """Return sentences about three invented groups, with profile captions."""
    pairs = []
    for row in range(n):
        name = GROUPS[row % 3]
        deed = _DEEDS[(row // 3) % len(_DEEDS)]
        pairs.append(
            Pair(
                id=f"s-{row}",
                view=f"In case {row}, the actor {deed}.".encode(),
                caption=f"{name} is a group that often {deed} ({row}).",
                label=name,
                split="test" if row % 5 == 4 else "train",
            )
        )
    return pairs


def captioned_views(
    n_views: int = 30, *, captions: int = 5, classes: Sequence[str] = ("ant", "bee", "cow")
) -> list[Pair]:
    """Return views with several captions each, as in a caption data set; every fifth view is of the test split."""
    return [
        Pair(
            id=f"v{view}#{number}",
            view=f"view {view} of {classes[view % len(classes)]}".encode(),
            caption=f"a {classes[view % len(classes)]} in place {view}, told {number} times",
            label=classes[view % len(classes)],
            group=f"v{view}",
            split="test" if view % 5 == 4 else "train",
        )
        for view in range(n_views)
        for number in range(captions)
    ]


class HashSurrogate:
    """Unit vectors of 16 dimensions: a direction by the first known word, and noise from a hash of the whole."""

    temperature = 0.07

    def __init__(self, words: Sequence[str] = ("ant", "bee", "cow")) -> None:
        self.words = tuple(words)

    def encode_views(self, pixels: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def encode_bytes(self, views: Sequence[bytes]) -> torch.Tensor:
        return torch.tensor(np.stack([self._vector(view) for view in views]), dtype=torch.float32)

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        return self.encode_bytes([text.encode() for text in texts])

    def _vector(self, view: bytes) -> np.ndarray:
        noise = np.random.default_rng(list(hashlib.sha256(view).digest())).normal(size=16) * 0.2
        for place, word in enumerate(self.words):
            if word.encode() in view:
                noise[place] += 1
        return noise / np.linalg.norm(noise)
