"""Pictures, requests and models small enough to be judged by plain loops."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from threat_pairs import payload_pairs
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import build_tower
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.poisoning.judge import Judge
from threatclip.experiments.poisoning.material import SweepPairs
from threatclip.pairs.image_samples import sample_pictures
from threatclip.pairs.pair import Pair

SHAPES = ("blue-circle", "green-square", "red-star", "yellow-ring")


@cache
def pictures() -> SweepPairs:
    """48 pictures of four classes, every third a test picture; each test picture has a second caption."""
    drawn = [
        replace(pair, id=f"p{place}#0", group=f"p{place}")
        for place, pair in enumerate(sample_pictures(48, seed=3, side=16, classes=SHAPES))
    ]
    pool = tuple(replace(pair, split="train") for place, pair in enumerate(drawn) if place % 3)
    first = [replace(pair, split="test") for pair in drawn[::3]]
    second = [replace(pair, id=f"{pair.group}#1", caption=f"see: {pair.caption}") for pair in first]
    return SweepPairs(
        pool=pool,
        test=tuple(pair for both in zip(first, second, strict=True) for pair in both),
        classes=tuple(sorted({pair.label or "" for pair in drawn})),
    )


def picture_judge(*, heads: bool = True) -> Judge:
    """Four classes with two prompts each."""
    return Judge(
        pairs=pictures(),
        prompts={name: (f"a {name}", f"one {name.replace('-', ' ')}") for name in pictures().classes},
        seed=0,
        heads=heads,
    )


class Remembering:
    """A bundle that encodes each view and each text once, whoever asks."""

    def __init__(self, bundle: DualBundle) -> None:
        self.bundle = bundle
        self.known: dict[bytes | str, np.ndarray] = {}

    def view_vectors(self, views: Sequence[bytes]) -> np.ndarray:
        return self._vectors(views, self.bundle.view_vectors)

    def text_vectors(self, texts: Sequence[str]) -> np.ndarray:
        return self._vectors(texts, self.bundle.text_vectors)

    def _vectors(self, contents: Sequence[Any], encode: Callable[[Sequence[Any]], np.ndarray]) -> np.ndarray:
        new = [content for content in dict.fromkeys(contents) if content not in self.known]
        if new:
            self.known |= dict(zip(new, encode(new), strict=True))
        return np.stack([self.known[content] for content in contents])


@cache
def picture_model(seed: int) -> Any:
    """Untrained towers: their answers are arbitrary, and the same in every run."""
    texts = [pair.caption or "" for pair in pictures().pool]
    view = build_tower(ResnetTower(side=16, width=4, stages=2, blocks=1, dim=8), seed=seed)
    config = BpeTower(vocabulary=300, max_tokens=48, width=16, layers=1, heads=2, dim=8, dropout=0.0)
    text = build_tower(config, seed=seed, texts=texts)
    return Remembering(DualBundle(dual=DualEncoder(view_tower=view, text_tower=text), modality="image"))


def request_pairs() -> SweepPairs:
    """Requests of three classes and harmless ones; the last test rows are no requests, and have no place for a mark."""
    made = payload_pairs(80)
    bare = [Pair(id=f"bare-{n}", view=b"no request %d" % n, caption="bare", label="xss", split="test") for n in (1, 2)]
    split = {name: tuple(pair for pair in [*made, *bare] if pair.split == name) for name in ("train", "test")}
    labels = sorted({pair.label for pair in split["test"] if pair.label} & {pair.label for pair in split["train"]})
    test = tuple(pair for pair in split["test"] if pair.label in labels)
    return SweepPairs(pool=split["train"], test=test, classes=tuple(labels))


class HashModel:
    """Any view or text has the vector that its bytes' hash makes; another salt is another model."""

    def __init__(self, salt: str) -> None:
        self.salt = salt

    def view_vectors(self, views: Sequence[bytes]) -> np.ndarray:
        return np.stack([self._vector(view) for view in views])

    def text_vectors(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(text.encode()) for text in texts])

    def _vector(self, content: bytes) -> np.ndarray:
        digest = hashlib.sha256(self.salt.encode() + content).digest()
        vector = np.random.default_rng(list(digest)).normal(size=6)
        return (vector / np.linalg.norm(vector)).astype(np.float32)
