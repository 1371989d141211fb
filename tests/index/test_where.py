"""A filter lets the same cases pass in memory and in LanceDB, whatever strangers write into labels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.index.cases import case_schema
from threatclip.index.storage import connect
from threatclip.index.where import Where, expression, parse_time, passing

HOSTILE = (
    "x' OR '1'='1",
    "x'; DROP TABLE cases; --",
    "'",
    "''",
    '"',
    "`",
    "\\",
    "\\'",
    "%",
    "_",
    "label",
    "NULL",
    "null",
    "true",
    "1 = 1",
    ") OR (1=1",
    "/* */",
    "\n",
    "\t\r",
    "\x00",
    "a\x00' OR 1=1",
    "\u202e",
    "é",
    "e\u0301",
    "\U0001f600",
    "{label}",
    "$1",
    "?",
    " x",
    "x",
    "X",
    "",
)
TIMES = tuple(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=step) for step in (-1, 0, 1, 86_400_000))
names = st.lists(st.sampled_from(HOSTILE), max_size=3).map(tuple)
times = st.none() | st.sampled_from(TIMES) | st.sampled_from(TIMES).map(lambda time: time + timedelta(microseconds=500))


def hostile_rows() -> list[dict[str, Any]]:
    values = [*HOSTILE, None]
    return [
        {
            "id": str(number),
            "content": "",
            "source": HOSTILE[number % 7 + (number // 7) % 3],
            "label": values[number % len(values)],
            "group": None,
            "time": (*TIMES, None)[number % 5],
            "text": None,
            "caption": None,
            "vector": [1.0, float(number)],
        }
        for number in range(3 * len(values))
    ]


def passes(where: Where, row: dict[str, Any]) -> bool:
    since, until = where.since, where.until
    return (
        (not where.labels or row["label"] in where.labels)
        and (not where.sources or row["source"] in where.sources)
        and (since is None or (row["time"] is not None and row["time"] >= since))
        and (until is None or (row["time"] is not None and row["time"] < until))
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    database = connect(str(tmp_path_factory.mktemp("where") / "index"))
    return database.create_table("cases", pa.Table.from_pylist(hostile_rows(), schema=case_schema(2)))


@given(labels=names, sources=names, since=times, until=times)
def test_rows_in_memory_pass_as_told(
    labels: tuple[str, ...], sources: tuple[str, ...], since: datetime | None, until: datetime | None
) -> None:
    if since is not None and until is not None and since >= until:
        return
    where = Where(labels=labels, sources=sources, since=since, until=until)
    rows = hostile_rows()
    found = passing(where, pa.Table.from_pylist(rows, schema=case_schema(2)))
    assert found.tolist() == [passes(where, row) for row in rows]


def ids_of(stored: Any, where: Where) -> list[str]:
    query = stored.search().select(["id"])
    allowed = expression(where)
    found = query if allowed is None else query.where(allowed)
    return sorted(found.to_arrow()["id"].to_pylist(), key=int)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_label_of_strangers_is_a_value_and_nothing_else(stored: Any, name: str) -> None:
    for where in (Where(labels=(name,)), Where(sources=(name,)), Where(labels=(name, "é"), sources=HOSTILE[:3])):
        assert ids_of(stored, where) == [row["id"] for row in hostile_rows() if passes(where, row)]
    assert stored.count_rows() == len(hostile_rows())


@pytest.mark.parametrize("since", [None, TIMES[0], TIMES[0] + timedelta(microseconds=1), TIMES[1]])
@pytest.mark.parametrize("until", [None, TIMES[1] + timedelta(microseconds=1), TIMES[3]])
def test_times_mean_the_same_in_memory_and_stored(stored: Any, since: datetime | None, until: datetime | None) -> None:
    where = Where(since=since, until=until)
    assert ids_of(stored, where) == [row["id"] for row in hostile_rows() if passes(where, row)]


def test_filters_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="no time zone"):
        Where(since=datetime(2020, 1, 1))
    with pytest.raises(InputError, match="is not before"):
        Where(since=TIMES[1], until=TIMES[1])
    with pytest.raises(InputError, match="lone surrogate"):
        Where(labels=("\ud800",))
    with pytest.raises(InputError, match="too many labels"):
        Where(labels=("x",) * 101)
    with pytest.raises(InputError, match="too many sources"):
        Where(sources=("x" * 1_001,))


def test_times_are_read_as_their_first_moment() -> None:
    assert parse_time("2024", what="since") == datetime(2024, 1, 1, tzinfo=UTC)
    assert parse_time("2024-05-31", what="since") == datetime(2024, 5, 31, tzinfo=UTC)
    at_two = datetime(2024, 5, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    assert parse_time("2024-05-31T12:00+02:00", what="since") == at_two
    for text in ("", "yesterday", "20x4", "0000", "99999", "٢٠٢٤", "2024-13-01", "x" * 10_000):
        with pytest.raises(InputError, match=r"--since .* is no time"):
            parse_time(text, what="--since")
