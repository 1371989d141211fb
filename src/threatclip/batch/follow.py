"""Whole lines of a log that grows, is renamed, truncated or packed while it is read; each line once."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from threatclip.batch.places import HEAD_BYTES, LogStream, Place, advanced, begin_of, found_again, opened, written_after
from threatclip.errors import BadRow, StorageError

LINE_LIMIT_BYTES = 16 * 2**20
_CHUNK_BYTES = 2**20
Clock = Callable[[], float]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line with its newline, if it has one; `number` counts from 1 in its file."""

    number: int
    data: bytes


class LogFollower:
    """Reads a log from a place on; `place` is always behind the last line that was given out.

    A file that was renamed is read to its end, then those written after it, then the new one. After a truncation the
    rest is looked for in a copy. A packed file is read through gzip.
    """

    def __init__(
        self,
        path: Path,
        place: Place | None,
        *,
        on_notice: Callable[[str], None],
        grace_s: float = 5.0,
        clock: Clock = time.time,
    ) -> None:
        """Follow `path` from `place` on; None: from its beginning.

        `grace_s` is how long a renamed log must be quiet before its successor is begun: who writes it goes on doing
        so until it is told to open the new one. What is worth telling goes to `on_notice`.
        """
        self.path = path
        self.place = place
        self._notice = on_notice
        self._grace_s = grace_s
        self._clock = clock
        self._next_file: Path | None = None  # to begin, where it is known
        self._stream: LogStream | None = None
        self._file = path
        self._head = b""
        self._buffer, self._at = b"", 0  # what was read; before `_at` it was given out
        self._too_long = False  # part of a line beyond the limit was passed over

    def lines(self, *, most: int, most_bytes: int, final: bool = False) -> Iterator[Line | BadRow]:
        """Yield at most `most` lines that are there now, of `most_bytes` or one line more; none: nothing new.

        With `final`, what is there is taken to be all: a last line without a newline comes too if it is a whole
        object, and nobody waits for a renamed log to fall quiet.
        """
        n_bytes = 0
        for _ in range(most):
            row = self._next(final=final)
            if row is None:
                return
            n_bytes += len(row.data) if isinstance(row, Line) else 0
            yield row
            if n_bytes >= most_bytes:
                return

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _next(self, *, final: bool) -> Line | BadRow | None:
        while True:
            if self._stream is None and not self._open():
                return None
            row = self._line_here() or self._at_end(final=final)
            if row is not None or self._stream is not None:
                return row

    def _open(self) -> bool:
        """Open what is to be read next, or return False where it is not there (yet)."""
        try:
            if self._next_file is None and self.place is not None:
                self._find_again(self.place)
            else:
                self._file = self._next_file or self.path
                self.place = begin_of(self._file)
            self._stream = opened(self._file)
            self._head = self._stream.read(self.place.head_bytes)
            self._stream.seek(self.place.offset)
            self.place = dataclasses.replace(self.place, inode=os.fstat(self._stream.fileno()).st_ino)
        except FileNotFoundError:
            self._next_file = None  # renamed meanwhile: it comes after the place that was read
            return False
        except (OSError, EOFError, zlib.error) as error:
            self.close()
            raise StorageError(f"cannot read {self._file}: {error}; mend its permissions") from error
        self._buffer, self._at, self._too_long, self._next_file = b"", 0, False, None
        return True

    def _find_again(self, place: Place) -> None:
        file = found_again(self.path, place)
        if file is None:
            fresh = begin_of(self.path)
            self._notice(f"{self.path} was truncated or replaced; of the old one, what was not read by now is lost")
            self._file, self.place = self.path, fresh
            return
        self._file = file
        if file != self.path:
            self._notice(f"{self.path} was rotated; reading the rest of {file.name} first")

    def _line_here(self) -> Line | BadRow | None:
        """Return the next whole line of the open file, or None at its end."""
        while True:
            cut = self._buffer.find(b"\n", self._at) + 1
            if cut:
                data, self._at = self._buffer[self._at : cut], cut
                return self._given(data)
            if len(self._buffer) - self._at > LINE_LIMIT_BYTES:
                self._pass_over()
            more = self._read()
            if not more:
                return None
            self._buffer, self._at = self._buffer[self._at :] + more, 0

    def _read(self) -> bytes:
        if self._stream is None or self.place is None:
            return b""
        try:
            found = self._stream.read1(_CHUNK_BYTES)  # what a damaged stream holds before it breaks off
            # looked at after the read: a log that was cut and has grown since gives the middle of something else
            return b"" if found and self._truncated(self.place) else found
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self._notice(f"{self._file}: the gzip stream is truncated or damaged ({error}); it ends there")
            return b""
        except OSError as error:
            raise StorageError(f"cannot read {self._file}: {error.strerror or error}; mend its permissions") from error

    def _pass_over(self) -> None:
        """Forget the part that was read of a line beyond the limit; its rest comes out as one bad row."""
        self._move(self._buffer[self._at :], n_lines=0)
        self._buffer, self._at, self._too_long = b"", 0, True

    def _given(self, data: bytes) -> Line | BadRow:
        number = self._move(data, n_lines=1)
        if self._too_long:
            self._too_long = False
            reason = f"the line is longer than {LINE_LIMIT_BYTES:,} bytes"
            return BadRow(path=str(self._file), line=number, reason=reason)
        return Line(number=number, data=data)

    def _move(self, data: bytes, *, n_lines: int) -> int:
        """Move the place behind `data`; return the number of lines before it now."""
        if self.place is None:
            raise RuntimeError("no file is open")
        self.place = advanced(self.place, data, self._head, n_lines=n_lines)
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + data)[:HEAD_BYTES]
        return self.place.lines

    def _at_end(self, *, final: bool) -> Line | BadRow | None:
        """Nothing is left to read: go on to the next file where there is one, and give out a last cut line."""
        if self._stream is None or self.place is None:
            return None
        if self._truncated(self.place):
            self.close()  # the rest may lie in a copy: `_open` looks for it
            return None
        facts = os.fstat(self._stream.fileno())
        renamed = self._renamed(facts.st_ino)
        if renamed and (final or self._clock() - facts.st_mtime >= self._grace_s):
            self._next_file = written_after(self.path, facts)
            last = self._given(self._take_left()) if self._left or self._too_long else None
            self.close()
            return last
        if final and not renamed and _is_whole(self._left):
            return self._given(self._take_left())
        return None

    @property
    def _left(self) -> bytes:
        """What follows the last newline."""
        return self._buffer[self._at :]

    def _take_left(self) -> bytes:
        data, self._buffer, self._at = self._left, b"", 0
        return data

    def _renamed(self, inode: int) -> bool:
        """Tell whether another file lies where the open one did."""
        try:
            return self.path.stat().st_ino != inode
        except OSError:
            return False  # renamed, and the new one not made yet

    def _truncated(self, place: Place) -> bool:
        """Tell whether the open log was cut, though it may have grown since."""
        if self._stream is None or isinstance(self._stream, gzip.GzipFile):
            return False
        descriptor = self._stream.fileno()
        if os.fstat(descriptor).st_size < place.offset + len(self._left):
            return True
        return hashlib.sha256(os.pread(descriptor, place.head_bytes, 0)).hexdigest() != place.head_sha256


def _is_whole(data: bytes) -> bool:
    """Tell whether a line without a newline is whole: no part of an object, from its start on, is an object."""
    try:
        return isinstance(orjson.loads(data), dict)
    except orjson.JSONDecodeError:
        return False
