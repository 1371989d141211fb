"""Known cases that are quick to embed: a text's vector is drawn from its bytes, so that equal texts are one point."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from threatclip.index.build import BuildReport, BuildStep, Steps
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.table import write_pairs

DIM = 16
LABELS = ("xss", "sql-injection", "it's \"quoted\" -- 'x'", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnEncoder:
    """Reads whatever bytes; another `model` draws other vectors."""

    model: str = "drawn 1"
    kind: str = "drawn"
    modality: Modality = "text"
    dim: int = DIM
    precision: str = "fp32"

    def views(self, views: Sequence[bytes]) -> np.ndarray:
        return np.stack([self._vector(b"view", view) for view in views])

    def captions(self, captions: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(b"caption", caption.encode()) for caption in captions])

    def _vector(self, half: bytes, content: bytes) -> np.ndarray:
        seed = hashlib.sha256(b"\0".join([self.model.encode(), half, content])).digest()
        vector = np.random.default_rng(list(seed)).normal(size=self.dim).astype(np.float32)
        return vector / np.linalg.norm(vector)


def cases(n: int, *, name: str = "case") -> list[Pair]:
    """Return n texts with labels, times and captions; some lack one or the other."""
    return [
        Pair(
            id=f"{name}-{number}",
            view=f"{name} number {number}".encode(),
            caption=None if number % 3 == 0 else f"what {name} {number} is",
            label=LABELS[number % len(LABELS)],
            group=f"g{number // 2}",
            time=None if number % 5 == 0 else datetime(2000 + number % 20, 1, 1, tzinfo=UTC),
        )
        for number in range(n)
    ]


def written(path: Path, pairs: Sequence[Pair], *, modality: Modality = "text") -> Path:
    """Write a pair table and return its path."""
    write_pairs(path, pairs, modality=modality)
    return path


def finished(steps: Steps, on_step: Callable[[BuildStep], object] = lambda _: None) -> BuildReport:
    """Take every step and return the report."""
    while True:
        try:
            on_step(next(steps))
        except StopIteration as end:
            report: BuildReport = end.value
            return report
