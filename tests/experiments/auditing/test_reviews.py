"""Decisions about suspects: nothing is lost, the last one holds, and the file belongs to one table."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from threatclip.errors import DamagedArtifactError, InputError, StorageError
from threatclip.experiments.auditing.reviews import DECISIONS, FILE, counts, open_reviews
from threatclip.seeds import rng

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_the_last_decision_holds_and_all_are_remembered(tmp_path: Path) -> None:
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    for row, decision in ((3, "drop"), (5, "keep"), (3, "keep"), (7, "drop"), (7, "open")):
        reviews.decide(row, decision, pair_id=f"p{row}", at=NOON)
    again = open_reviews(tmp_path / FILE, content_hash="a")
    assert again.current() == {3: "keep", 5: "keep"}
    assert [(one.row, one.decision) for one in again.history()] == [
        (3, "drop"),
        (5, "keep"),
        (3, "keep"),
        (7, "drop"),
        (7, "open"),
    ]
    assert counts(again.current()) == {"keep": 2, "drop": 0}


def test_times_are_kept_in_utc(tmp_path: Path) -> None:
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    reviews.decide(0, "keep", pair_id="p", at=datetime(2026, 3, 4, 14, tzinfo=timezone(timedelta(hours=2))))
    assert reviews.history()[0].decided_at == NOON


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            reviews = open_reviews(tmp_path / FILE, content_hash="a")
            for number in range(10):
                reviews.decide(100 * worker + number, "drop", pair_id="p", at=NOON)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    assert reviews.current().keys() == {100 * worker + number for worker in range(4) for number in range(10)}


def test_current_is_what_a_dictionary_would_hold(tmp_path: Path) -> None:
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    draw, held = rng(0, "test/reviews"), dict[int, str]()
    for _ in range(25):
        row, decision = int(draw.integers(5)), DECISIONS[draw.integers(3)]
        reviews.decide(row, decision, pair_id="'; DROP TABLE decisions; --", at=NOON)
        held[row] = decision
    assert reviews.current() == {row: one for row, one in held.items() if one != "open"}


@pytest.mark.parametrize(
    ("row", "decision", "at"),
    [(0, "burn", NOON), (-1, "keep", NOON), (0, "keep", NOON.replace(tzinfo=None))],
)
def test_what_is_no_decision_is_refused(tmp_path: Path, row: int, decision: str, at: datetime) -> None:
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    with pytest.raises(InputError, match="one of keep, drop, open"):
        reviews.decide(row, decision, pair_id="p", at=at)


def test_decisions_about_another_table_are_refused(tmp_path: Path) -> None:
    open_reviews(tmp_path / FILE, content_hash="a")
    with pytest.raises(InputError, match="about another table"):
        open_reviews(tmp_path / FILE, content_hash="b")


def test_another_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database, but long enough to be read as one" * 40)
    with pytest.raises(DamagedArtifactError, match="holds no decisions"):
        open_reviews(tmp_path / FILE, content_hash="a")


def test_a_file_that_went_away_is_not_made_anew(tmp_path: Path) -> None:
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    reviews.path.unlink()
    with pytest.raises(StorageError, match="cannot use"):
        reviews.decide(0, "keep", pair_id="p", at=NOON)


def test_a_lone_surrogate_in_an_id_is_no_fault(tmp_path: Path) -> None:
    reviews = open_reviews(tmp_path / FILE, content_hash="a")
    reviews.decide(0, "keep", pair_id="\ud800", at=NOON)
    assert reviews.current() == {0: "keep"}
