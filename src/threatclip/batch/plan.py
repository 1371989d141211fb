"""What a scoring job is: which inputs, cut into which shards, by which model. Two jobs of one plan write one result."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from threatclip.artifacts import MANIFEST, read_json, reading_errors, sha256_file
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.run_folder import bundle_folder
from threatclip.pairs.sources.mapping import check_map
from threatclip.pairs.table import PairTable

PLAN = "plan.json"
VERSION = 1
Form = Literal["pairs", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredInput:
    """One Parquet file: its name below the inputs' common folder, the SHA-256 of its bytes, its rows, its form."""

    name: str
    sha256: str
    rows: int
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Rows `start` to `stop` (0-based, exclusive) of the input number `source`: what one part file answers."""

    number: int
    source: int
    start: int
    stop: int

    @property
    def part(self) -> str:
        """The name of the part file."""
        return f"part-{self.number:05d}.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides what is written; `model` is the hash that names the bundle."""

    inputs: tuple[ScoredInput, ...]
    model: str
    columns: Mapping[str, str]
    shard_rows: int

    @property
    def shards(self) -> tuple[Shard, ...]:
        """Every shard in order: no row is in two, and none is left out."""
        spans = [
            (source, start, min(start + self.shard_rows, item.rows))
            for source, item in enumerate(self.inputs)
            for start in range(0, item.rows, self.shard_rows)
        ]
        return tuple(
            Shard(number=number, source=source, start=start, stop=stop)
            for number, (source, start, stop) in enumerate(spans)
        )

    @property
    def rows(self) -> int:
        """The rows of all inputs."""
        return sum(item.rows for item in self.inputs)

    def as_plain(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {"version": VERSION, **asdict(self), "inputs": [asdict(item) for item in self.inputs]}

    @property
    def key(self) -> str:
        """The hash that a part carries: parts of another plan are never taken for this one's."""
        return hashlib.sha256(json.dumps(self.as_plain(), sort_keys=True).encode()).hexdigest()


def input_paths(pattern: str) -> list[Path]:
    """Return the files that a path or a glob (`*`, `**`) names, in order of their names.

    Raises:
        InputError: it names none, or a folder.
    """
    path = Path(pattern)
    if path.is_dir():
        raise InputError(f"{pattern} is a folder; name its files, as in '{pattern}/*.parquet'")
    found = [path] if path.is_file() else [Path(name) for name in glob.glob(pattern, recursive=True)]
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise InputError(f"no file {pattern}; name a Parquet file, or several by a glob in quotes")
    return files


def make_plan(paths: Sequence[Path], run: Path, *, columns: Mapping[str, str], shard_rows: int) -> Plan:
    """Look at every input and the bundle; rows are not read, but every byte is hashed.

    Args:
        paths: Parquet files: pair tables, or any other with a column of views.
        run: a bundle, or the folder of the run that wrote it.
        columns: of files that are no pair tables: field of a pair -> column; empty: `view`, and `id` where it is there.
        shard_rows: most rows of a part.

    Raises:
        InputError: an unusable file, column map or number of rows; no bundle.
        StorageError: a file cannot be read.
    """
    if shard_rows < 1:
        raise InputError(f"--shard-rows is {shard_rows}; give at least 1")
    if columns:
        check_map(columns)
    bundle = bundle_folder(run)
    common = os.path.commonpath([path.absolute().parent for path in paths])
    inputs = tuple(_looked_at(path, os.path.relpath(path.absolute(), common)) for path in paths)
    plan = Plan(inputs=inputs, model=sha256_file(bundle / MANIFEST), columns=dict(columns), shard_rows=shard_rows)
    if not plan.rows:
        raise InputError(f"{paths[0]} holds no rows" if len(paths) == 1 else "the files hold no rows")
    return plan


def _looked_at(path: Path, name: str) -> ScoredInput:
    with reading_errors(path):
        digest = sha256_file(path)
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{path} is not readable Parquet ({' '.join(str(error).split())[:200]}); "
            "for EVE JSON use `threatclip classify --eve` or `threatclip watch`"
        ) from error
    form: Form = "pairs" if b"threatclip.modality" in (metadata.metadata or {}) else "columns"
    rows = len(PairTable.open(path)) if form == "pairs" else metadata.num_rows
    return ScoredInput(name=name, sha256=digest, rows=rows, form=form)


def check_same(plan: Plan, folder: Path) -> None:
    """Refuse to go on in a folder that was begun with another plan.

    Raises:
        InputError: it was; the message names what differs.
        DamagedArtifactError: its plan is not what was written.
    """
    stored, own = read_json(folder / PLAN), json.loads(json.dumps(plan.as_plain()))
    if not isinstance(stored, dict):
        raise DamagedArtifactError(f"{folder / PLAN} holds no plan; choose another folder")
    differing = next((name for name in own if stored.get(name) != own[name]), None)
    if differing is not None:
        raise InputError(
            f"{folder} was begun with another {_WORDS.get(differing, differing)}; go on with the same, or choose "
            "another folder"
        )


_WORDS = {"inputs": "input", "columns": "column map", "shard_rows": "number of rows a shard"}
