from __future__ import annotations

import gzip
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import BadRow, InputError, StorageError
from threatclip.pairs.sources.lines import byte_lines, first_bytes


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=60), packed=st.booleans())
def test_short_lines_come_out_as_they_are(tmp_path: Path, content: bytes, packed: bool) -> None:
    content = b"x" + content
    path = tmp_path / "lines"
    path.write_bytes(gzip.compress(content) if packed else content)
    lines = list(byte_lines(path))
    assert [item[0] for item in lines if not isinstance(item, BadRow)] == list(range(1, len(lines) + 1))
    assert b"".join(item[1] for item in lines if not isinstance(item, BadRow)) == content


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfa\n\xef\xbb\xbfb")
    assert list(byte_lines(tmp_path / "f")) == [(1, b"a\n"), (2, b"\xef\xbb\xbfb")]


def test_a_line_beyond_the_limit_is_told_and_the_next_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"ab\n" + b"x" * 3_000_000 + b"\ncd\n" + b"y" * 11)
    rows = list(byte_lines(tmp_path / "f", limit=10))
    assert rows[0] == (1, b"ab\n")
    assert rows[2] == (3, b"cd\n")
    assert [(row.line, row.reason) for row in rows if isinstance(row, BadRow)] == [
        (2, "the line is longer than 10 bytes"),
        (4, "the line is longer than 10 bytes"),
    ]


class TwoGigabytes(io.RawIOBase):
    """A line of two gigabytes that no disk has to hold."""

    def __init__(self) -> None:
        self.left = 2 * 2**30

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        count = min(self.left, len(buffer))
        buffer[:count] = bytes(count)
        self.left -= count
        return count


def test_a_line_of_two_gigabytes_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").touch()
    monkeypatch.setattr(Path, "open", lambda *_, **__: io.BufferedReader(TwoGigabytes(), 2**20))
    tracemalloc.start()
    rows = list(byte_lines(tmp_path / "f"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(row) for row in rows] == [BadRow]
    assert peak < 200 * 2**20


@pytest.mark.parametrize("cut", [11, 40, -1, -9])
def test_a_truncated_gzip_yields_what_came_before_and_a_bad_row(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(b"".join(b"%d %s\n" % (n, os.urandom(30)) for n in range(4_000)))
    (tmp_path / "f.gz").write_bytes(content[:cut])
    *_, last = byte_lines(tmp_path / "f.gz")
    assert isinstance(last, BadRow)
    assert "gzip stream is truncated or damaged" in last.reason


def test_a_changed_gzip_is_told(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(os.urandom(500) + b"\n"))
    content[300] ^= 1
    (tmp_path / "f.gz").write_bytes(content)
    *_, last = byte_lines(tmp_path / "f.gz")
    assert isinstance(last, BadRow)


def test_the_start_of_a_file_is_read_and_a_broken_gzip_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"abc")
    (tmp_path / "packed").write_bytes(gzip.compress(b"abc", mtime=0))
    assert first_bytes(tmp_path / "plain", 2) == first_bytes(tmp_path / "packed", 2) == b"ab"
    assert first_bytes(tmp_path / "packed", 9) == b"abc"
    whole = gzip.compress(os.urandom(500), mtime=0)
    for broken in (whole[:2], whole[:-9], whole[:-8] + bytes(8), b"\x1f\x8b" + bytes(9)):
        (tmp_path / "broken").write_bytes(broken)
        with pytest.raises(InputError, match="is no whole gzip"):
            first_bytes(tmp_path / "broken", 10_000)


def test_unusable_files_are_input_errors_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "wide").write_bytes("id,view\n".encode("utf-16"))
    for name, message in {"none": "no file", "": "is a folder", "empty": "is empty", "wide": "is UTF-16"}.items():
        with pytest.raises(InputError, match=message) as caught:
            list(byte_lines(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_a_refusing_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        list(byte_lines(tmp_path / "f"))
