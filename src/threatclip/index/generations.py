"""Which rows an index consists of now: a table of generations, whose last row is the one that readers see.

A generation names a LanceDB table *and its version*. Whatever a build or an append wrote is invisible until one row
joins this table, in one atomic commit of LanceDB's, on disk and in object stores alike. A killed build leaves rows
that nobody sees.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from threatclip import __version__
from threatclip.errors import DamagedArtifactError, InputError, StorageError
from threatclip.index.cases import HALVES, MAX_DIM, Half, case_schema
from threatclip.index.storage import connect, lance_errors, local_folder
from threatclip.pairs.pair import MODALITIES, Modality

if TYPE_CHECKING:
    from lancedb.db import DBConnection
    from lancedb.table import Table

GENERATIONS = "generations"
_SCHEMA = pa.schema([pa.field("number", pa.int64(), nullable=False), pa.field("facts", pa.string(), nullable=False)])
_CASES = "cases-"
_STAMP = "%Y%m%d%H%M%S"
_ABANDONED = timedelta(days=1)  # a build that takes longer is dead
_MAX_FACTS_CHARS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows of one pair table in an index."""

    name: str
    rows: int
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approximate:
    """An approximate index over the vectors, how it is asked, and what share of the exact neighbors it then finds."""

    kind: str
    effort: int  # candidates that the search keeps
    refine: int  # times k: how many candidates are compared exactly
    recall: float
    k: int
    n_queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One state of an index.

    Attributes:
        number: counts up from 1.
        table, version: the LanceDB table of cases and the version of it.
        model: the hash that names what made the vectors.
        kind: of the model's bundle.
        modality: of the views that the model reads.
        half: which half of the pairs the vectors are of.
        precision: what they were computed in.
        approximate: None where search is exact.
        written_by, written_at: the version of threatclip, and the time (ISO 8601, UTC).
    """

    number: int
    table: str
    version: int
    model: str
    kind: str
    modality: Modality
    half: Half
    dim: int
    precision: str
    rows: int
    sources: tuple[Source, ...]
    approximate: Approximate | None
    written_by: str = __version__
    written_at: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def read_generations(database: DBConnection, uri: str) -> list[Generation]:
    """Return every generation, oldest first; none where there is no index.

    Raises:
        DamagedArtifactError: the index is not what was written.
        StorageError: the disk or the store refused.
    """
    with lance_errors(uri):
        if not has_table(database, GENERATIONS):
            return []
        rows = database.open_table(GENERATIONS).search().to_arrow().to_pylist()
    found = [_parsed(uri, row) for row in rows]
    found.sort(key=lambda generation: generation.number)
    return found


def current(database: DBConnection, uri: str) -> Generation:
    """Return the generation that readers see.

    Raises:
        InputError: there is no index.
        DamagedArtifactError: the index is not what was written.
        StorageError: the disk or the store refused.
    """
    found = read_generations(database, uri)
    if not found:
        raise InputError(f"no index at {uri}; make one with `threatclip index build TABLE --model RUN -o {uri}`")
    return found[-1]


def open_database(uri: str, *, writing: bool) -> DBConnection:
    """Return the database at `uri`; only a writer makes a folder, and none in somebody else's.

    Raises:
        InputError: no index there to read, or something else there to write over.
        StorageError: the disk or the store refused.
    """
    folder = local_folder(uri)
    if folder is not None and not writing and not folder.is_dir():
        raise InputError(f"no index at {uri}; make one with `threatclip index build TABLE --model RUN -o {uri}`")
    if folder is not None and writing:
        _check_ours(folder, uri)
    return connect(uri)


def _check_ours(folder: Path, uri: str) -> None:
    try:
        strangers = [path.name for path in folder.iterdir() if not path.name.endswith(".lance")]
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise InputError(f"{uri} is a file; name a folder for the index") from error
    except OSError as error:
        raise StorageError(f"cannot read {uri}: {error.strerror or error}; mend its permissions") from error
    if strangers:
        raise InputError(f"{uri} holds {min(strangers)!a}, which is of no index; choose an empty folder")


def publish(database: DBConnection, uri: str, generation: Generation) -> Generation:
    """Let readers see `generation`, with the time of now, in one commit.

    Raises:
        InputError: another process published one of this number meanwhile.
        StorageError: the disk or the store refused.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {**asdict(generation), "written_at": now, "written_by": __version__}
    row = pa.table({"number": [generation.number], "facts": [json.dumps(facts, sort_keys=True)]}, schema=_SCHEMA)
    with lance_errors(uri):
        table = database.create_table(GENERATIONS, schema=_SCHEMA, exist_ok=True)
        inserted = table.merge_insert("number").when_not_matched_insert_all().execute(row).num_inserted_rows
    if inserted != 1:
        raise InputError(f"another process changed the index {uri} meanwhile; run this again on what it left")
    return _from_facts(facts)


def remove_unused(database: DBConnection, uri: str, kept: Generation) -> None:
    """Drop tables of cases that no reader needs: those before the last but one, and what dead builds left.

    A reader that still has the last table open goes on with it; it looks for a new generation by itself.

    Raises:
        StorageError: the disk or the store refused.
    """
    used: list[str] = []
    for generation in reversed(read_generations(database, uri)):
        if generation.table not in used:
            used.append(generation.table)
    recent = {kept.table, *used[:2]}
    oldest = datetime.now(UTC) - _ABANDONED
    with lance_errors(uri):
        for name in table_names(database):
            if name.startswith(_CASES) and name not in recent and (name in used or _begun(name) < oldest):
                database.drop_table(name)


def new_table_name() -> str:
    """Return a name for a table of cases, which tells when its build began."""
    return f"{_CASES}{datetime.now(UTC).strftime(_STAMP)}-{uuid4().hex[:12]}"


def _begun(name: str) -> datetime:
    try:
        return datetime.strptime(name.removeprefix(_CASES).split("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(UTC)  # no name of ours: left alone


def table_names(database: DBConnection) -> list[str]:
    """Return the names of all tables."""
    names: list[str] = []
    page: str | None = None
    while True:
        found = database.list_tables(page_token=page)
        names.extend(found.tables)
        page = found.page_token
        if not page:
            return names


def has_table(database: DBConnection, name: str) -> bool:
    """Tell whether there is a table of this name."""
    return name in table_names(database)


def open_cases(database: DBConnection, uri: str, generation: Generation) -> Table:
    """Return the table of a generation, at its version: what is appended later is not seen.

    Raises:
        DamagedArtifactError: it is gone, or not what was written.
        StorageError: the disk or the store refused.
    """
    with lance_errors(uri):
        table = database.open_table(generation.table)
        table.checkout(generation.version)
        n_rows, schema = int(table.count_rows()), table.schema
    if n_rows != generation.rows or not schema.equals(case_schema(generation.dim)):
        raise DamagedArtifactError(
            f"the index {uri}: {generation.table} is not the {generation.rows:,} cases of its generation; build it anew"
        )
    return table


def _parsed(uri: str, row: Mapping[str, Any]) -> Generation:
    try:
        text = row["facts"]
        if len(text) > _MAX_FACTS_CHARS:
            raise ValueError(f"facts of {len(text):,} characters")
        generation = _from_facts(json.loads(text))
        _check(generation)
        if generation.number != row["number"]:
            raise ValueError(f"number {row['number']} of generation {generation.number}")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamagedArtifactError(
            f"the index {uri} has a generation that is not ours ({error}); build it anew"
        ) from error
    return generation


def _from_facts(facts: Mapping[str, Any]) -> Generation:
    approximate = facts["approximate"]
    values = {
        **facts,
        "sources": tuple(Source(**source) for source in facts["sources"]),
        "approximate": None if approximate is None else Approximate(**approximate),
    }
    return Generation(**values)


def _check(found: Generation) -> None:
    numbers = (found.number, found.version, found.dim, found.rows, *(source.rows for source in found.sources))
    texts = (found.table, found.model, found.kind, found.precision, found.written_by, found.written_at)
    if not all(isinstance(number, int) and number > 0 for number in numbers) or found.dim > MAX_DIM:
        raise ValueError("counts that are no positive numbers")
    if not all(isinstance(text, str) for text in (*texts, *(source.name for source in found.sources))):
        raise ValueError("names that are no texts")
    if found.modality not in MODALITIES or found.half not in HALVES or not found.table.startswith(_CASES):
        raise ValueError(f"modality {found.modality!r}, half {found.half!r}, table {found.table!r}")
    one = found.approximate
    if one is not None and not (0 < one.effort <= 10_000 and 0 < one.refine <= 1_000 and 0 <= one.recall <= 1):
        raise ValueError("an approximate index of impossible figures")


def half_of(name: str) -> Half:
    """Return the half that an option names.

    Raises:
        InputError: it names none.
    """
    if name not in HALVES:
        raise InputError(f"half {name!r} of a pair; choose {' or '.join(HALVES)}")
    return name
