"""One shard scored: the same code for every engine, so that every engine writes the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from threatclip.artifacts import atomic_path
from threatclip.batch.plan import Plan, Shard
from threatclip.batch.reading import shard_rows
from threatclip.errors import InputError
from threatclip.experiments.tasks import Classifier, load_classifier
from threatclip.pairs.pair import Pair

BATCH_ROWS, BATCH_BYTES = 256, 2**24
_MARK = b"threatclip.scores"
_ANSWER = pa.struct([("label", pa.string()), ("name", pa.string()), ("probability", pa.float64())])
SCHEMA = pa.schema(
    [
        pa.field("input", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("label", pa.string()),
        pa.field("probability", pa.float64()),
        pa.field("abstained", pa.bool_()),
        pa.field("answers", pa.list_(_ANSWER)),
        pa.field("evidence", pa.string()),
        pa.field("fault", pa.string()),
    ]
)
"""One row an input row, in the inputs' order. `evidence` is JSON; `fault` says why a row has no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan on this machine: where its inputs, its bundle and its folder lie."""

    plan: Plan
    paths: tuple[Path, ...]
    run: Path
    out: Path

    def shard_file(self, shard: Shard) -> Path:
        """Return where the part of a shard lies."""
        return self.out / shard.part


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCounts:
    """What a part holds."""

    rows: int
    abstained: int
    faults: int


class Scorer:
    """A loaded model that scores shards of one job."""

    def __init__(self, job: Job) -> None:
        """Load the model.

        Raises:
            InputError: no bundle, one that does not classify, or another than the plan's.
            DamagedArtifactError: a file of it was changed.
        """
        self._job = job
        self._classifier = load_classifier(job.run)
        if self._classifier.model != job.plan.model:
            raise InputError(
                f"{job.run} is another model here than where the job was planned; give every worker the same folder"
            )

    def __call__(self, shard: Shard) -> None:
        """Write the part of a shard, whole or not at all; a part that is there already is left alone.

        Raises:
            InputError: rows that the model does not read.
            DamagedArtifactError: the input is damaged.
            StorageError: the disk refused.
        """
        if part_counts(self._job, shard) is not None:
            return
        plan, source = self._job.plan, self._job.plan.inputs[shard.source]
        rows = shard_rows(
            self._job.paths[shard.source],
            source.form,
            shard.start,
            shard.stop,
            columns=plan.columns,
            modality=self._classifier.modality,
        )
        found = list(scored(self._classifier, rows))
        for number, row in enumerate(found, start=shard.start):
            row |= {"input": source.name, "row": number}
        _write(self._job, shard, found)


def scored(classifier: Classifier, rows: Iterable[Pair | str]) -> Iterator[dict[str, Any]]:
    """Yield a row of `SCHEMA`, without its input and number, for every pair or fault, in order."""
    for batch in _batches(rows):
        pairs = [row for row in batch if isinstance(row, Pair)]
        answers = iter(classifier.classify_pairs(pairs))
        for row in batch:
            yield {"fault": row} if isinstance(row, str) else _answer_row(next(answers))


def batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Yield the pairs in lists of at most 256, and of 16 MiB of views or a single larger one."""
    for batch in _batches(pairs):
        yield [pair for pair in batch if isinstance(pair, Pair)]


def _batches(rows: Iterable[Pair | str]) -> Iterator[list[Pair | str]]:
    batch: list[Pair | str] = []
    n_bytes = 0
    for row in rows:
        batch.append(row)
        n_bytes += len(row.view) if isinstance(row, Pair) else 0
        if len(batch) == BATCH_ROWS or n_bytes >= BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _answer_row(answer: dict[str, Any]) -> dict[str, Any]:
    best = answer["answers"][0]
    return {
        "id": answer["id"],
        "label": best["label"],
        "probability": best["probability"],
        "abstained": answer["abstained"],
        "answers": answer["answers"],
        "evidence": json.dumps(answer["evidence"], allow_nan=False),
    }


def _write(job: Job, shard: Shard, rows: Sequence[dict[str, Any]]) -> None:
    counts = {
        "rows": len(rows),
        "abstained": sum(bool(row.get("abstained")) for row in rows),
        "faults": sum("fault" in row for row in rows),
    }
    mark = json.dumps({"plan": job.plan.key, "shard": shard.number, "model": job.plan.model, **counts})
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA.with_metadata({_MARK: mark.encode()}))
    with atomic_path(job.shard_file(shard)) as part:
        pq.write_table(table, part, compression="zstd", write_page_checksum=True, version="2.6")


def part_counts(job: Job, shard: Shard) -> PartCounts | None:
    """Return what the part of a shard holds, or None where it is absent, torn, or of another plan."""
    path = job.shard_file(shard)
    try:
        metadata = pq.read_metadata(path)
        mark = json.loads((metadata.metadata or {})[_MARK])
        if (mark["plan"], mark["shard"]) != (job.plan.key, shard.number) or metadata.num_rows != mark["rows"]:
            return None
        if metadata.num_rows != shard.stop - shard.start:
            return None
        return PartCounts(rows=mark["rows"], abstained=mark["abstained"], faults=mark["faults"])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
