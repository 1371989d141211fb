"""Which cases a search may find: by label, source and time; the same rule for rows in memory and rows in LanceDB.

Labels and sources come from strangers. They are compared as values, never written into a query's text.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool

from threatclip.errors import InputError

if TYPE_CHECKING:
    from lancedb.expr import Expr

MAX_NAMES = 100  # labels or sources of one filter
MAX_NAME_CHARS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A filter of cases; nothing given lets every case pass.

    Attributes:
        labels: any of these; a case without label has none of them.
        sources: any of these.
        since: known at this time or later (UTC); a case without time is not.
        until: known before this time.
    """

    labels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for what, names in (("labels", self.labels), ("sources", self.sources)):
            if len(names) > MAX_NAMES or any(len(name) > MAX_NAME_CHARS for name in names):
                raise InputError(f"too many {what}, or too long; give at most {MAX_NAMES} of {MAX_NAME_CHARS} letters")
            for name in names:
                _check_unicode(what, name)
        for what, time in (("since", self.since), ("until", self.until)):
            if time is not None and time.utcoffset() is None:
                raise InputError(f"{what} {time.isoformat()} has no time zone; give one")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InputError(f"since {self.since.isoformat()} is not before until {self.until.isoformat()}; swap them")

    @property
    def everything(self) -> bool:
        """Whether every case passes."""
        return not (self.labels or self.sources or self.since or self.until)


def parse_time(text: str, *, what: str) -> datetime:
    """Return a year, a day or an ISO 8601 time as the first moment of it, UTC where it names no zone.

    Raises:
        InputError: it is none of them.
    """
    try:
        if len(text) == 4 and text.isascii() and text.isdigit():
            return datetime(int(text), 1, 1, tzinfo=UTC)
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{what} {text[:60]!a} is no time; write 2024, 2024-05-31 or 2024-05-31T12:00") from error


def expression(where: Where) -> Expr | None:
    """Return the filter as LanceDB's expression of literals, or None where everything passes."""
    from lancedb.expr import col, lit

    def any_of(column: str, names: Sequence[str]) -> Expr:
        return functools.reduce(operator.or_, (col(column) == lit(name) for name in names))

    parts: list[Expr] = []
    if where.labels:
        parts.append(any_of("label", where.labels))
    if where.sources:
        parts.append(any_of("source", where.sources))
    if where.since is not None:
        parts.append(col("time") >= lit(_whole(where.since)))
    if where.until is not None:
        parts.append(col("time") < lit(_whole(where.until)))
    return functools.reduce(operator.and_, parts) if parts else None


def passing(where: Where, rows: pa.Table) -> Bool[np.ndarray, " n"]:
    """Return which rows pass, from their columns label, source and time."""
    passed = np.ones(len(rows), dtype=bool)
    for column, names in (("label", where.labels), ("source", where.sources)):
        if names:
            passed &= _true(pc.is_in(rows[column], value_set=pa.array(names, type=rows[column].type)))
    kind = rows.schema.field("time").type
    if where.since is not None:
        passed &= _true(pc.greater_equal(rows["time"], pa.scalar(_whole(where.since), type=kind)))
    if where.until is not None:
        passed &= _true(pc.less(rows["time"], pa.scalar(_whole(where.until), type=kind)))
    return passed


def _whole(time: datetime) -> datetime:
    """Return the first whole millisecond that is not before `time`: among whole ones both bounds mean the same.

    LanceDB would cut a bound down to the column's milliseconds, and so move it.
    """
    own = time.astimezone(UTC)
    down = own.replace(microsecond=own.microsecond // 1000 * 1000)
    try:
        return down if down == own else down + timedelta(milliseconds=1)
    except OverflowError:  # in the last millisecond that can be written
        return down


def _true(answers: pa.ChunkedArray) -> Bool[np.ndarray, " n"]:
    return np.asarray(pc.fill_null(answers, False).to_numpy(), dtype=bool)


def _check_unicode(what: str, name: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{what} hold {name[:40]!a} with a lone surrogate, which no case can have") from error
