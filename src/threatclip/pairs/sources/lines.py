"""Lines of a plain or gzip'd text file, in bounded memory whatever the file holds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from threatclip.errors import BadRow, InputError, StorageError

LINE_LIMIT_BYTES = 64 * 2**20
_BUFFER_BYTES = 2**20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def byte_lines(path: Path, *, limit: int = LINE_LIMIT_BYTES) -> Iterator[tuple[int, bytes] | BadRow]:
    """Yield `(line number from 1, line with its newline)`; a UTF-8 byte order mark is dropped.

    A line longer than `limit` bytes is read past in small steps and yielded as a BadRow. So is the place where a
    gzip stream breaks off: what came before it is still yielded.

    Raises:
        InputError: the file is absent, a folder, empty, or UTF-16.
        StorageError: the disk refused to read it.
    """
    number = 0
    with open_bytes(path) as stream:
        try:
            while line := stream.readline(limit + 1):
                number += 1
                if len(line) > limit:
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(_BUFFER_BYTES)
                    yield BadRow(path=str(path), line=number, reason=f"the line is longer than {limit:,} bytes")
                else:
                    yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield BadRow(path=str(path), line=number + 1, reason=f"the gzip stream is truncated or damaged ({error})")


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for reading, through gzip when its first bytes say so.

    Raises:
        InputError: the file is absent, a folder, empty, or UTF-16.
        StorageError: the disk refused to read it.
    """
    with ExitStack() as stack:
        try:
            raw = cast("BufferedReader", stack.enter_context(path.open("rb", buffering=_BUFFER_BYTES)))
            start = raw.peek(2)[:2]
        except FileNotFoundError as error:
            raise InputError(f"no file {path}") from error
        except IsADirectoryError as error:
            raise InputError(f"{path} is a folder; name a file in it") from error
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
        if not start:
            raise InputError(f"{path} is empty")
        if start in _UTF16:
            raise InputError(f"{path} is UTF-16; convert it to UTF-8")
        if start == b"\x1f\x8b":
            yield cast("IO[bytes]", stack.enter_context(closing(gzip.GzipFile(fileobj=raw))))
        else:
            yield raw


def first_bytes(path: Path, most: int) -> bytes:
    """Return the first `most` bytes of a plain or gzip'd file.

    Raises:
        InputError: the file is absent, a folder, empty, UTF-16, or its gzip stream is truncated or damaged.
        StorageError: the disk refused to read it.
    """
    with open_bytes(path) as stream:
        try:
            return stream.read(most)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path} is no whole gzip ({error}); fetch it again") from error
