"""What people decided about suspect pairs: an SQLite file in the audit's folder that several may write at once.

Decisions are only ever added; the last one about a row holds, and taking one back is a decision too. So nothing is
lost, whoever was faster, and the file tells who changed what when.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from threatclip.errors import DamagedArtifactError, InputError, StorageError

FILE = "reviews.sqlite"
Decision = Literal["keep", "drop", "open"]
"""Keep the pair, drop it, or leave that open again."""

DECISIONS: tuple[str, ...] = get_args(Decision)
_VERSION = 1
_WAIT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE audited (content_hash TEXT NOT NULL);
CREATE TABLE decisions (
    number INTEGER PRIMARY KEY,
    row INTEGER NOT NULL CHECK (row >= 0),
    pair_id TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('keep', 'drop', 'open')),
    decided_at TEXT NOT NULL
);
CREATE INDEX decisions_by_row ON decisions (row, number);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision, as it was made."""

    row: int
    pair_id: str
    decision: Decision
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """The decisions about the rows of one table; see `open_reviews`."""

    path: Path

    def decide(self, row: int, decision: str, *, pair_id: str, at: datetime) -> None:
        """Add a decision.

        Args:
            row: of the audited table.
            decision: "keep", "drop" or "open".
            pair_id: of that row.
            at: when, with a zone.

        Raises:
            InputError: another decision, a negative row, or a time without a zone.
            StorageError: the disk refused, or others held the file for ten seconds.
            DamagedArtifactError: the file is not what was written.
        """
        if decision not in DECISIONS or row < 0 or at.utcoffset() is None:
            raise InputError(
                f"row {row}, decision {decision[:40]!a}, time {at.isoformat()}: want a row from 0, one of "
                f"{', '.join(DECISIONS)}, and a time with a zone"
            )
        when = at.astimezone(UTC).isoformat(timespec="milliseconds")
        with _opened(self.path) as connection, connection:
            connection.execute(
                "INSERT INTO decisions (row, pair_id, decision, decided_at) VALUES (?, ?, ?, ?)",
                (row, pair_id.encode("utf-8", "replace").decode(), decision, when),
            )

    def current(self) -> dict[int, Decision]:
        """Return by row the decisions that hold; rows that were left open again are not among them."""
        return {one.row: one.decision for one in self._rows(_CURRENT)}

    def history(self) -> list[Decided]:
        """Return every decision in the order in which they were made."""
        return list(self._rows(_ALL))

    def _rows(self, query: str) -> Iterator[Decided]:
        with _opened(self.path) as connection:
            found = connection.execute(query).fetchall()
        for row, pair_id, decision, when in found:
            yield Decided(row=row, pair_id=pair_id, decision=decision, decided_at=datetime.fromisoformat(when))


_ALL = "SELECT row, pair_id, decision, decided_at FROM decisions ORDER BY number"
_CURRENT = """
SELECT row, pair_id, decision, decided_at FROM decisions
WHERE number IN (SELECT MAX(number) FROM decisions GROUP BY row) AND decision != 'open' ORDER BY row
"""


def open_reviews(path: Path, *, content_hash: str) -> Reviews:
    """Return the decisions in a file about the table of that content; an absent file is made.

    Raises:
        InputError: they are about another table.
        StorageError: the disk refused.
        DamagedArtifactError: the file is not one of decisions.
    """
    with _opened(path, make=True) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")  # of two that make the file, one waits and finds it made
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";\n")):
                    connection.execute(statement)
                connection.execute("INSERT INTO audited VALUES (?)", (content_hash,))
                connection.execute(f"PRAGMA user_version={_VERSION}")
            elif version != _VERSION:
                raise InputError(f"{path} is of version {version}, this is {_VERSION}; move it away to review anew")
        audited = connection.execute("SELECT content_hash FROM audited").fetchone()
    if audited is None or audited[0] != content_hash:
        raise InputError(f"{path} holds decisions about another table; move it away to review this one")
    return Reviews(path=path)


@contextmanager
def _opened(path: Path, *, make: bool = False) -> Iterator[sqlite3.Connection]:
    """Yield a connection of its own, so that threads and processes share nothing but the file."""
    try:
        address = f"{path.absolute().as_uri()}?mode={'rwc' if make else 'rw'}"
        with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            yield connection
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot use {path}: {error}; free space, mend its permissions or try again") from error
    except sqlite3.DatabaseError as error:
        raise DamagedArtifactError(f"{path} holds no decisions ({error}); move it away to review anew") from error


def counts(decisions: Mapping[int, Decision]) -> dict[str, int]:
    """Return how many rows are kept and how many dropped."""
    values: list[str] = list(decisions.values())
    return {name: values.count(name) for name in ("keep", "drop")}
