"""Every line of a log once, whatever its writer does with the file."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.batch import follow
from threatclip.batch.follow import Line, LogFollower
from threatclip.batch.places import HEAD_BYTES, rotated
from threatclip.errors import BadRow


class Reader:
    """A follower with what it told, and lines as text."""

    def __init__(self, path: Path, place: follow.Place | None = None, *, grace_s: float = 0.0) -> None:
        self.notices: list[str] = []
        self.follower = LogFollower(path, place, on_notice=self.notices.append, grace_s=grace_s)

    def lines(self, *, final: bool = False, most: int = 1000) -> list[str]:
        rows = self.follower.lines(most=most, most_bytes=2**20, final=final)
        return [row.data.decode().rstrip("\n") if isinstance(row, Line) else f"bad: {row.reason}" for row in rows]

    def again(self) -> Reader:
        """Return a reader that starts where this one is, as after a crash."""
        place = self.follower.place
        self.follower.close()
        return Reader(self.follower.path, place)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


@pytest.fixture
def reader(log: Path) -> Iterator[Reader]:
    made = Reader(log)
    yield made
    made.follower.close()


def write(path: Path, text: str) -> None:
    with path.open("a") as handle:
        handle.write(text)


def touch(path: Path, age_s: int) -> None:
    """Let a file have been written some seconds ago."""
    facts = path.stat()
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns - age_s * 10**9))


def test_lines_come_as_they_are_finished(log: Path, reader: Reader) -> None:
    assert reader.lines() == []
    write(log, "a\nb")
    assert reader.lines() == ["a"]
    write(log, "c\n\nd\n")
    assert reader.lines() == ["bc", "", "d"]
    assert reader.lines() == []
    place = reader.follower.place
    assert place is not None
    assert (place.offset, place.lines) == (log.stat().st_size, 4)


def test_a_renamed_log_is_read_to_its_end(log: Path, reader: Reader) -> None:
    write(log, "a\n")
    assert reader.lines() == ["a"]
    log.rename(log.with_name("eve.json.1"))
    write(log.with_name("eve.json.1"), "b\n")
    assert reader.lines() == ["b"]
    write(log, "c\n")
    assert reader.lines() == ["c"]


def test_a_renamed_log_that_is_still_written_is_waited_for(log: Path) -> None:
    reader = Reader(log, grace_s=60.0)
    write(log, "a\n")
    assert reader.lines() == ["a"]
    old = log.rename(log.with_name("eve.json.1"))
    write(log, "c\n")
    assert reader.lines() == []
    write(old, "b\n")
    assert reader.lines() == ["b"]
    touch(old, 61)
    assert reader.lines() == ["c"]
    reader.follower.close()


@pytest.mark.parametrize("packed", [False, True])
def test_logs_that_were_rotated_while_nobody_looked(log: Path, reader: Reader, packed: bool) -> None:
    write(log, "a\nb\n")
    assert reader.lines(most=1) == ["a"]
    place = reader.follower.place
    reader.follower.close()
    names = ["eve.json.3", "eve.json.2", "eve.json.1"]
    for age, (name, line) in enumerate(zip(names, ["", "c\n", "d\n"], strict=True)):
        write(log, line)
        touch(log, 100 - age)
        if packed:
            target = log.with_name(f"{name}.gz")
            with log.open("rb") as source, gzip.open(target, "wb") as packing:
                shutil.copyfileobj(source, packing)
            os.utime(target, ns=(log.stat().st_atime_ns, log.stat().st_mtime_ns))
            log.unlink()
        else:
            log.rename(log.with_name(name))
    write(log, "e\n")
    write(log.with_name("eve.json.answers"), "not a log\n")
    later = Reader(log, place)
    assert later.lines(final=True) == ["b", "c", "d", "e"]
    assert [notice.partition(" was rotated")[2][:18] for notice in later.notices] == ["; reading the rest"]
    later.follower.close()


def test_a_rotated_log_without_a_successor_yet(log: Path, reader: Reader) -> None:
    write(log, "a\nb\n")
    assert reader.lines(most=1) == ["a"]
    log.rename(log.with_name("eve.json.1"))
    later = reader.again()
    assert later.lines() == ["b"]
    assert later.lines() == []
    write(log, "c\n")
    assert later.lines() == ["c"]
    assert len(later.notices) == 1
    later.follower.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_copy_is_finished_after_a_truncation(log: Path, reader: Reader, restarted: bool) -> None:
    write(log, "a\nb\n")
    assert reader.lines(most=1) == ["a"]
    shutil.copy2(log, log.with_name("eve.json.1"))
    os.truncate(log, 0)
    write(log, "new\nlonger than what was there before\n")
    if restarted:
        reader = reader.again()
        assert reader.lines() == ["b", "new", "longer than what was there before"]
        reader.follower.close()
        return
    # the line that was read ahead is given out from memory, and not once more from the copy
    assert reader.lines() == ["b", "new", "longer than what was there before"]


def test_a_truncation_without_a_copy_is_told(log: Path, reader: Reader) -> None:
    write(log, "a\nb\n")
    assert reader.lines() == ["a", "b"]
    os.truncate(log, 0)
    write(log, "c\n")
    assert reader.lines() == ["c"]
    assert "was truncated or replaced" in reader.notices[0]


def test_another_file_with_the_same_inode_is_not_taken_for_the_old_one(log: Path, reader: Reader) -> None:
    write(log, "a\nb\n")
    assert reader.lines() == ["a", "b"]
    later = reader.again()
    with log.open("r+") as handle:  # the same inode, and at least as long
        handle.write("x\ny\nz\n")
    assert later.lines() == ["x", "y", "z"]
    later.follower.close()


def test_a_last_line_without_newline_comes_when_it_is_whole(log: Path, reader: Reader) -> None:
    write(log, '{"a": 1}\n{"b": ')
    assert reader.lines(final=True) == ['{"a": 1}']
    write(log, "{}}")
    assert reader.lines(final=False) == []
    assert reader.lines(final=True) == ['{"b": {}}']
    write(log, "\n")
    assert reader.lines(final=True) == [""]


def test_a_cut_last_line_of_a_renamed_log_comes_out(log: Path, reader: Reader) -> None:
    write(log, '{"a": 1}\n{"cut')
    log.rename(log.with_name("eve.json-20261121"))
    write(log, '{"c": 1}\n')
    later = Reader(log, place_of_nothing_read(log.with_name("eve.json-20261121")))
    assert later.lines(final=True) == ['{"a": 1}', '{"cut', '{"c": 1}']
    later.follower.close()


def place_of_nothing_read(path: Path) -> follow.Place:
    return follow.begin_of(path)


def test_a_line_beyond_the_limit_is_passed_over(log: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LINE_LIMIT_BYTES", 5000)
    monkeypatch.setattr(follow, "_CHUNK_BYTES", 1000)
    write(log, "a\n" + "x" * 20_000)
    assert reader.lines() == ["a"]
    assert len(reader.follower._buffer) <= 6000
    write(log, "x\nb\n")
    assert reader.lines() == ["bad: the line is longer than 5,000 bytes", "b"]


def test_a_damaged_packed_log_ends_where_it_breaks_off(log: Path) -> None:
    write(log, "a\n")
    place = follow.begin_of(log)
    packed = log.with_name("eve.json.1.gz")
    reader = Reader(log)
    assert reader.lines() == ["a"]
    place = reader.follower.place
    reader.follower.close()
    many = b"".join(b"%d\n" % number for number in random.Random(0).choices(range(10**6), k=600))
    packed.write_bytes(gzip.compress(b"a\nb\n" + many, mtime=0)[:-400])
    log.unlink()
    write(log, "c\n")
    touch(packed, 10)
    later = Reader(log, place)
    found = later.lines(final=True)
    later.follower.close()
    assert found[0] == "b"
    assert found[-1] == "c"
    assert any("truncated or damaged" in notice for notice in later.notices)


def test_only_numbered_and_dated_names_are_rotations(log: Path) -> None:
    names = ["eve.json.1", "eve.json.2.gz", "eve.json-20261121", "eve.json-2026-11-21T10:00:00Z.gz"]
    for name in [*names, "eve.json", "eve.json.answers.jsonl", "eve.json.state.json", "other.json.1", "eve.json.bak"]:
        log.with_name(name).touch()
    assert sorted(path.name for path in rotated(log)) == sorted(names)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 3 * HEAD_BYTES)),
            st.sampled_from([("read", 1), ("read", 5), ("restart", 0), ("rotate", 0), ("part", 0)]),
        ),
        max_size=30,
    )
)
def test_each_line_comes_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    log = tmp_path_factory.mktemp("log") / "eve.json"
    reader, wanted, found, n_rotated, age = Reader(log), list[str](), list[str](), 0, 10_000
    for what, size in steps:
        if what == "write":
            wanted.append(f"{len(wanted)}-{'x' * size}")
            write(log, wanted[-1] + "\n")
        elif what == "part":
            wanted.append(f"{len(wanted)}")
            write(log, wanted[-1][:1])
            found += reader.lines(most=3)
            write(log, wanted[-1][1:] + "\n")
        elif what == "read":
            found += reader.lines(most=size)
        elif what == "restart":
            reader = reader.again()
        elif log.exists() and reader.follower.place is not None:
            n_rotated += 1
            age -= 10
            touch(log, age)
            log.rename(log.with_name(f"eve.json.{100 - n_rotated}"))
    write(log, "end\n")
    while lines := reader.lines(final=True):
        found += lines
    reader.follower.close()
    assert found == [*wanted, "end"], steps


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    with pytest.raises(follow.StorageError, match="cannot read"):
        reader.lines()
    assert BadRow is follow.BadRow
