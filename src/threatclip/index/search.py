"""Searching an index: the nearest known cases of query vectors, among those that a filter lets pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.index.approximate import COLUMN, approximate_query, row_ids, vectors_of
from threatclip.index.build import check_model
from threatclip.index.cases import Hit
from threatclip.index.exact import nearest
from threatclip.index.generations import Approximate, Generation, current, open_cases, open_database
from threatclip.index.storage import lance_errors
from threatclip.index.where import Where, expression, passing

if TYPE_CHECKING:
    from lancedb.table import Table

MAX_K, MAX_QUERIES = 1_000, 10_000
_FACTS = ["label", "source", "time"]
_SHOWN = ["id", "source", "label", "group", "time", "text", "caption"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _InMemory:
    """The vectors [n, d] of a generation, the facts that filters read, and the rows' numbers in LanceDB."""

    vectors: Float[np.ndarray, "n d"]
    facts: pa.Table
    rows: Int[np.ndarray, " n"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Opened:
    """One generation as a reader has it; it never changes."""

    generation: Generation
    table: Table
    memory: _InMemory | None  # None where search is approximate


class Index:
    """An index that is open for reading; safe to ask from several threads.

    It looks for a newer generation at most every `refresh_s` seconds, in the thread of one question, while the
    others go on with the one they have.
    """

    def __init__(self, uri: str, *, refresh_s: float = 2.0) -> None:
        self.uri = uri
        self._refresh_s = refresh_s
        self._database = open_database(uri, writing=False)
        self._lock = threading.Lock()
        self._opened = self._open(current(self._database, uri))
        self._looked_at = time.monotonic()

    @property
    def generation(self) -> Generation:
        """What is being searched."""
        return self._opened.generation

    def refresh(self) -> bool:
        """Look for a newer generation now; return whether there was one.

        Raises:
            InputError: the index is gone.
            DamagedArtifactError: it is not what was written.
            StorageError: the disk or the store refused.
        """
        with self._lock:
            found = current(self._database, self.uri)
            self._looked_at = time.monotonic()
            if found.number == self._opened.generation.number:
                return False
            self._opened = self._open(found)
            return True

    def search(
        self, vectors: Float[np.ndarray, "q d"], *, model: str, k: int = 10, where: Where | None = None
    ) -> list[list[Hit]]:
        """Return the k nearest cases of each query vector, best first; fewer where fewer pass the filter.

        Args:
            vectors: of the queries; they are scaled to length 1.
            model: the hash of what made them.
            k: cases a query, 1 to 1,000.
            where: which cases may be found.

        Raises:
            InputError: another model than the index's, vectors of another space, or k out of range.
            DamagedArtifactError: the index is not what was written.
            StorageError: the disk or the store refused.
        """
        opened = self._latest()
        check_model(self.uri, opened.generation, model)
        asked = _unit(vectors, opened.generation.dim)
        if not 1 <= k <= MAX_K:
            raise InputError(f"k = {k}; ask for 1 to {MAX_K:,} cases")
        if not len(asked):
            return []
        with lance_errors(self.uri):
            if opened.memory is not None:
                return _exact(opened.table, opened.memory, asked, k, where or Where())
            approximate = opened.generation.approximate
            if approximate is None:
                raise DamagedArtifactError(f"the index {self.uri} tells no way to search it; build it anew")
            return [_approximate(opened.table, approximate, query, k, where or Where()) for query in asked]

    def like(self, case_id: str, *, source: str | None = None, k: int = 10, where: Where | None = None) -> list[Hit]:
        """Return the k other cases nearest to a stored one.

        Raises:
            InputError: no such case, one in several sources, or k out of range.
            DamagedArtifactError: the index is not what was written.
            StorageError: the disk or the store refused.
        """
        vector, own = self._stored(case_id, source)
        found = self.search(vector[None], model=self.generation.model, k=min(k + 1, MAX_K), where=where)[0]
        return [hit for hit in found if (hit.id, hit.source) != (case_id, own)][:k]

    def vector_of(self, case_id: str, *, source: str | None = None) -> Float[np.ndarray, " d"]:
        """Return the vector of a stored case.

        Raises:
            InputError: no such case, or one in several sources.
            DamagedArtifactError: the index is not what was written.
            StorageError: the disk or the store refused.
        """
        return self._stored(case_id, source)[0]

    def _stored(self, case_id: str, source: str | None) -> tuple[Float[np.ndarray, " d"], str]:
        from lancedb.expr import col, lit

        opened = self._latest()
        wanted = Where(sources=() if source is None else (source,), labels=(case_id,))  # checks the texts
        allowed = col("id") == lit(wanted.labels[0])
        if source is not None:
            allowed = allowed & (col("source") == lit(source))
        with lance_errors(self.uri):
            found = opened.table.search().where(allowed).select(["source", COLUMN]).limit(10).to_arrow()
        if not len(found):
            raise InputError(f"no case {case_id[:80]!a} in the index {self.uri}")
        if len(found) > 1:
            names = ", ".join(sorted(found["source"].to_pylist()))
            raise InputError(f"case {case_id[:80]!a} is in several sources ({names}); name its source")
        return vectors_of(found, opened.generation.dim)[0], found["source"][0].as_py()

    def _latest(self) -> _Opened:
        if time.monotonic() - self._looked_at >= self._refresh_s and self._lock.acquire(blocking=False):
            try:
                found = current(self._database, self.uri)
                if found.number != self._opened.generation.number:
                    self._opened = self._open(found)
                self._looked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._opened

    def _open(self, generation: Generation) -> _Opened:
        table = open_cases(self._database, self.uri, generation)
        with lance_errors(self.uri):
            memory = _in_memory(table, generation) if generation.approximate is None else None
        return _Opened(generation=generation, table=table, memory=memory)


def open_index(uri: str, *, refresh_s: float = 2.0) -> Index:
    """Open the index at `uri`: a folder, or an object store as LanceDB takes it.

    Raises:
        InputError: there is none.
        DamagedArtifactError: it is not what was written.
        StorageError: the disk or the store refused.
        NotInstalledError: LanceDB is not installed.
    """
    return Index(uri, refresh_s=refresh_s)


def _in_memory(table: Table, generation: Generation) -> _InMemory:
    vectors = np.empty((generation.rows, generation.dim), dtype=np.float32)
    facts: list[pa.RecordBatch] = []
    rows = np.empty(generation.rows, dtype=np.int64)
    start = 0
    for batch in table.search().select([*_FACTS, COLUMN]).with_row_id(True).to_batches():
        end = start + batch.num_rows
        vectors[start:end] = vectors_of(batch, generation.dim)
        rows[start:end] = row_ids(batch)
        facts.append(batch.select(_FACTS))
        start = end
    if not np.isfinite(vectors).all():
        raise DamagedArtifactError(f"{generation.table} holds vectors that are not finite; build the index anew")
    return _InMemory(vectors=vectors, facts=pa.Table.from_batches(facts), rows=rows)


def _exact(table: Table, memory: _InMemory, asked: np.ndarray, k: int, where: Where) -> list[list[Hit]]:
    passed = None if where.everything else passing(where, memory.facts)
    found = nearest(asked, memory.vectors, k=min(k, len(memory.vectors)), passed=passed)
    wanted = np.unique(memory.rows[found.places[found.places >= 0]])
    shown = _shown(table, wanted)
    return [
        [
            _hit(shown[int(memory.rows[place])], float(score))
            for place, score in zip(places, scores, strict=True)
            if place >= 0
        ]
        for places, scores in zip(found.places, found.scores, strict=True)
    ]


def _shown(table: Table, rows: Int[np.ndarray, " n"]) -> dict[int, dict[str, Any]]:
    """Return what is shown of rows, by their numbers."""
    if not len(rows):
        return {}
    taken = table.take_row_ids(rows.tolist()).select(_SHOWN).with_row_id().to_arrow()
    return dict(zip(row_ids(taken).tolist(), taken.to_pylist(), strict=True))


def _approximate(table: Table, how: Approximate, query: np.ndarray, k: int, where: Where) -> list[Hit]:
    allowed = expression(where)
    asked = approximate_query(
        table, query, k=k, effort=how.effort, refine=how.refine, kind=how.kind, allowed=allowed
    ).select([*_SHOWN, "_distance"])
    found = asked.to_arrow()
    if len(found) < k and allowed is not None:  # a narrow filter: the graph was left before enough had passed
        found = asked.bypass_vector_index().to_arrow()
    hits = [_hit(row, 1.0 - float(row["_distance"])) for row in found.to_pylist()]
    return sorted(hits, key=lambda hit: -hit.score)


def _hit(row: dict[str, Any], score: float) -> Hit:
    known = row["time"]
    return Hit(
        id=row["id"],
        score=score,
        source=row["source"],
        label=row["label"],
        group=row["group"],
        time=None if known is None else known.replace(tzinfo=UTC),
        text=row["text"],
        caption=row["caption"],
    )


def _unit(vectors: Sequence[Sequence[float]] | np.ndarray, dim: int) -> Float[np.ndarray, "q d"]:
    asked = np.asarray(vectors, dtype=np.float32)
    if asked.ndim != 2 or asked.shape[1] != dim:
        raise InputError(f"query vectors have shape {list(asked.shape)}; the index wants [queries, {dim}]")
    if len(asked) > MAX_QUERIES:
        raise InputError(f"{len(asked):,} queries at once; ask at most {MAX_QUERIES:,}")
    lengths = np.linalg.norm(asked, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise InputError("a query vector is zero or not finite; compute it anew")
    scaled: np.ndarray = asked / lengths
    return scaled
