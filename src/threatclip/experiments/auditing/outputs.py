"""The two tables that an audit writes: the scores of every pair, and the pairs that nobody suspects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool

from threatclip.artifacts import atomic_path
from threatclip.experiments.auditing.survey import BROKEN, STATES, Survey
from threatclip.experiments.auditing.verdict import Verdict
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, WriteReport, write_pairs


def suspect_rows(survey: Survey, verdict: Verdict) -> Bool[np.ndarray, " rows"]:
    """Return which rows of the table are suspects, broken pictures among them."""
    rows: np.ndarray = survey.states == BROKEN
    rows[survey.rows[verdict.suspect]] = True
    return rows


def write_scores(path: Path, table: PairTable, survey: Survey, verdict: Verdict) -> None:
    """Write one row a pair, in the table's order: id, state, every filter's score, rank of all judged, suspect.

    Scores and ranks of pairs that were not judged are null.

    Raises:
        StorageError: the disk refused.
    """
    columns = {one.kind: _spread(one.scores, survey) for one in verdict.scored}
    columns["ranking"] = _spread(verdict.ranking, survey)
    ranks = np.empty(len(survey.rows))
    ranks[np.argsort(-verdict.ranking, kind="stable")] = np.arange(1, len(ranks) + 1)
    rank, suspect = _spread(ranks, survey), suspect_rows(survey, verdict)
    schema = pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("state", pa.string(), nullable=False),
            *(pa.field(name, pa.float64()) for name in columns),
            pa.field("rank", pa.int64()),
            pa.field("suspect", pa.bool_(), nullable=False),
        ]
    )
    names = np.array(STATES)
    with atomic_path(path) as part, contextlib.closing(pq.ParquetWriter(part, schema, compression="zstd")) as writer:
        start = 0
        for batch in table.iter_batches(columns=["id"], batch_size=65_536):
            here = slice(start, start + batch.num_rows)
            figures = [pa.array(values[here], type=pa.float64(), from_pandas=True) for values in columns.values()]
            arrays = [
                batch.column(0),
                pa.array(names[survey.states[here]].tolist()),
                *figures,
                pa.array(rank[here], type=pa.float64(), from_pandas=True).cast(pa.int64()),
                pa.array(suspect[here]),
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            start = here.stop


def _spread(values: np.ndarray, survey: Survey) -> np.ndarray:
    spread = np.full(len(survey.states), np.nan)
    spread[survey.rows] = values
    return spread


def write_cleaned(path: Path, table: PairTable, suspect: Bool[np.ndarray, " rows"]) -> WriteReport | None:
    """Write the pairs that are no suspects as a pair table, in order and as they are; None where none is left.

    Raises:
        StorageError: the disk refused.
    """
    if suspect.all():
        path.unlink(missing_ok=True)
        return None
    pairs = _kept(table, suspect)
    return write_pairs(path, pairs, modality=table.modality, split_info=table.split_info, checked=True)


def _kept(table: PairTable, suspect: Bool[np.ndarray, " rows"]) -> Iterator[Pair]:
    for pair, drop in zip(table.iter_pairs(), suspect.tolist(), strict=True):
        if not drop:
            yield pair
