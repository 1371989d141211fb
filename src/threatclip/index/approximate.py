"""Approximate search: LanceDB's index over the vectors, asked with the least effort that finds enough.

What an approximate index finds is measured, never assumed: stored cases are asked for their nearest others, once
exactly and once approximately, with growing effort until the share found in both reaches the wanted recall.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int

from threatclip.index.exact import Best
from threatclip.index.generations import Approximate
from threatclip.index.settings import IndexSettings
from threatclip.seeds import rng

if TYPE_CHECKING:
    from lancedb.expr import Expr
    from lancedb.table import Table

EFFORTS = (64, 128, 256, 512, 1024)
_REFINE = 5
_ROW = "_rowid"
COLUMN = "vector"


def fit_approximate(table: Table, settings: IndexSettings, *, dim: int) -> None:
    """Make the index over the vectors of `table`, whose latest version then has it."""
    from lancedb.index import HnswSq, IvfPq

    n_rows = table.count_rows()
    config: HnswSq | IvfPq
    if settings.kind == "IVF_HNSW_SQ":
        # one graph for each million: a graph needs no partitions until it outgrows a machine's memory
        config = HnswSq(distance_type="cosine", num_partitions=max(1, n_rows // 1_000_000), m=20, ef_construction=150)
    else:
        n_parts = max(1, min(round(n_rows**0.5), n_rows // 256))  # LanceDB fits no part to fewer than 256 rows
        # a byte for each four components, where they come in fours; else LanceDB's own choice
        n_bytes = dim // 4 if dim % 4 == 0 else None
        config = IvfPq(distance_type="cosine", num_partitions=n_parts, num_sub_vectors=n_bytes)
    table.create_index(COLUMN, config=config)


def measure(table: Table, settings: IndexSettings, *, dim: int) -> Iterator[Approximate]:
    """Yield what the index finds at each effort, from the least, until it finds enough; the last one is to be kept."""
    n_rows = table.count_rows()
    drawn = rng(settings.seed, "index/recall").choice(n_rows, size=min(settings.n_queries, n_rows), replace=False)
    offsets = np.sort(drawn)
    asked = table.take_offsets(offsets.tolist()).with_row_id().select([COLUMN]).to_arrow()
    own, queries = row_ids(asked), vectors_of(asked, dim)
    exact = _others(exact_rows(table, queries, k=settings.k + 1), own, settings.k)
    n_wanted = int((exact >= 0).sum())
    for effort in EFFORTS:
        found = _others(
            np.stack(
                [asked_one(table, query, k=settings.k + 1, effort=effort, kind=settings.kind) for query in queries]
            ),
            own,
            settings.k,
        )
        hit = sum(
            len(set(true[true >= 0].tolist()) & set(near.tolist())) for true, near in zip(exact, found, strict=True)
        )
        one = Approximate(
            kind=settings.kind,
            effort=effort,
            refine=_REFINE,
            recall=hit / max(1, n_wanted),
            k=settings.k,
            n_queries=len(queries),
        )
        yield one
        if one.recall >= settings.recall:
            return


def asked_one(table: Table, query: Float[np.ndarray, " d"], *, k: int, effort: int, kind: str) -> Int[np.ndarray, " k"]:
    """Return the row ids of the k that the index finds nearest to one query, filled up with -1."""
    found = approximate_query(table, query, k=k, effort=effort, refine=_REFINE, kind=kind).select([]).to_arrow()
    ids = row_ids(found)[:k]
    return np.concatenate([ids, np.full(k - len(ids), -1, dtype=np.int64)])


def approximate_query(
    table: Table,
    query: Float[np.ndarray, " d"],
    *,
    k: int,
    effort: int,
    refine: int,
    kind: str,
    allowed: Expr | None = None,
) -> Any:
    """Return LanceDB's query for the k nearest, with row ids; filtered before it searches."""
    asked: Any = table.search(query.astype(np.float32), vector_column_name=COLUMN)
    asked = asked.distance_type("cosine").limit(k)
    asked = asked.refine_factor(refine).with_row_id(True)
    if kind == "IVF_HNSW_SQ":
        asked = asked.ef(max(effort, k * refine)).nprobes(16)
    else:
        asked = asked.nprobes(max(1, effort // 4))
    return asked if allowed is None else asked.where(allowed, prefilter=True)


def exact_rows(table: Table, queries: Float[np.ndarray, "q d"], *, k: int) -> Int[np.ndarray, "q k"]:
    """Return the row ids of the k nearest to each query, from one pass over the table that keeps one batch of it."""
    best, ids, start = Best(torch.from_numpy(queries), k), list[np.ndarray](), 0
    for batch in table.search().select([COLUMN]).with_row_id(True).to_batches():
        ids.append(row_ids(batch))
        best.look(torch.from_numpy(vectors_of(batch, queries.shape[1])), start)
        start += batch.num_rows
    places = best.found().places
    every = np.concatenate([*ids, np.array([-1], dtype=np.int64)])
    found: np.ndarray = every[places]
    return found  # a place of -1 is the last: no row


def row_ids(rows: pa.Table | pa.RecordBatch) -> Int[np.ndarray, " n"]:
    """Return LanceDB's numbers of rows."""
    return np.asarray(rows.column(_ROW)).astype(np.int64)


def vectors_of(rows: pa.Table | pa.RecordBatch, dim: int) -> Float[np.ndarray, "n d"]:
    """Return the vectors of rows as an array of their own."""
    column = rows.column(COLUMN)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [np.asarray(chunk.flatten(), dtype=np.float32).reshape(-1, dim) for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros((0, dim), dtype=np.float32)


def _others(found: Int[np.ndarray, "q k1"], own: Int[np.ndarray, " q"], k: int) -> Int[np.ndarray, "q k"]:
    """Return the first k of each row that are not the query itself, filled up with -1."""
    kept = np.full((len(found), k), -1, dtype=np.int64)
    for row, (ids, itself) in enumerate(zip(found, own, strict=True)):
        others = ids[ids != itself][:k]
        kept[row, : len(others)] = others
    return kept
