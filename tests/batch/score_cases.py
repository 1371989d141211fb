"""A bundle in name, tables of numbered requests, and scoring them without a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from watch_cases import Echo

from threatclip.artifacts import MANIFEST, sha256_file, write_manifest
from threatclip.batch import scoring
from threatclip.batch.score import Machines, score
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs


def make_bundle(folder: Path) -> Path:
    """Write a bundle that only its hash tells apart."""
    (folder / "bundle").mkdir(parents=True)
    (folder / "bundle" / "config.json").write_text("{}")
    write_manifest(folder / "bundle", extra={"kind": "payload-weakness"})
    return folder / "bundle"


def make_table(path: Path, n: int, *, start: int = 0) -> Path:
    """Write a pair table of `n` numbered requests."""
    rows = (Pair(id=f"row-{number}", view=f"GET /{number}".encode()) for number in range(start, start + n))
    write_pairs(path, rows, modality="payload")
    return path


@contextmanager
def echoing(run: Path) -> Iterator[None]:
    """Let scoring load the classifier that answers with the payload itself."""
    echo, before = Echo(), scoring.load_classifier
    echo.model = sha256_file(run / MANIFEST)
    scoring.load_classifier = lambda _: echo
    try:
        yield
    finally:
        scoring.load_classifier = before


def scored(pattern: str | Path, out: Path, *, run: Path, **options: Any) -> dict[str, Any]:
    """Score in this process."""
    columns: Mapping[str, str] = options.pop("columns", {})
    settings = {"machines": Machines(), "shard_rows": 7, "on_progress": lambda _: None, **options}
    with echoing(run):
        return score(str(pattern), out, run=run, columns=columns, **settings)


def rows_of(out: Path) -> list[dict[str, Any]]:
    """Return the rows of every part, in order."""
    return [row for part in sorted(out.glob("part-*.parquet")) for row in pq.read_table(part).to_pylist()]
