"""When an index is searched approximately, and how well it then must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from threatclip.errors import InputError

Kind = Literal["IVF_HNSW_SQ", "IVF_PQ"]
KINDS: tuple[Kind, ...] = ("IVF_HNSW_SQ", "IVF_PQ")
LEAST_APPROXIMATE_ROWS = 5_000  # fewer have nothing to gain, and too few rows to fit an index to


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """How an index is searched.

    Attributes:
        exact_rows: up to this many cases every vector is compared: 300,000 of 384 components take 460 MB of memory
            and some 40 ms a query on one core.
        kind: of the approximate index beyond that.
        recall: the share of the exact k nearest that it must find; the least effort that does is kept.
        k: for which recall is measured.
        n_queries: stored cases that it is measured with, each without itself.
        seed: draws them (stream "index/recall").
        batch_rows: pairs encoded and written at a time.
    """

    exact_rows: int = 300_000
    kind: Kind = "IVF_HNSW_SQ"
    recall: float = 0.95
    k: int = 10
    n_queries: int = 200
    seed: int = 0
    batch_rows: int = 4_096

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind {self.kind!r} of an approximate index; choose {' or '.join(KINDS)}")
        if not 0 < self.recall <= 1:
            raise InputError(f"recall = {self.recall}; choose above 0, up to 1")
        for name, most in (("k", 100), ("n_queries", 10_000), ("batch_rows", 65_536)):
            if not 1 <= getattr(self, name) <= most:
                raise InputError(f"{name} = {getattr(self, name)} of an index; choose 1 to {most:,}")
        if self.exact_rows < LEAST_APPROXIMATE_ROWS:
            raise InputError(f"exact_rows = {self.exact_rows:,}; choose at least {LEAST_APPROXIMATE_ROWS:,}")
