"""How far a log was read, told so that the log is found again when it was renamed, copied away or packed."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import re
import zlib
from io import BufferedReader
from pathlib import Path

HEAD_BYTES = 4096
_GZIP = b"\x1f\x8b"

LogStream = BufferedReader | gzip.GzipFile


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point between two lines of one file.

    `offset` counts unpacked bytes and `lines` the lines before it; `head_sha256` is the hash of the first
    `head_bytes`, at most 4096 and none beyond `offset`: an inode alone may be given to another file.
    """

    inode: int
    offset: int
    lines: int
    head_bytes: int
    head_sha256: str


def begin_of(path: Path) -> Place:
    """Return the place before the first line of a file.

    Raises:
        OSError: it cannot be looked at.
    """
    return Place(inode=path.stat().st_ino, offset=0, lines=0, head_bytes=0, head_sha256=hashlib.sha256(b"").hexdigest())


def advanced(place: Place, data: bytes, head: bytes, *, n_lines: int) -> Place:
    """Return the place behind `data`; `head` is what the file begins with, as far as it was read before."""
    place = dataclasses.replace(place, offset=place.offset + len(data), lines=place.lines + n_lines)
    if place.head_bytes == HEAD_BYTES:
        return place
    head = (head + data)[:HEAD_BYTES]
    return dataclasses.replace(place, head_bytes=len(head), head_sha256=hashlib.sha256(head).hexdigest())


def opened(path: Path) -> LogStream:
    """Open a log, through gzip where its first bytes say so.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")


def holds(path: Path, place: Place, *, same_inode: bool) -> bool:
    """Tell whether a file is the one that `place` is in: it begins as that did and is at least as long."""
    try:
        if same_inode and path.stat().st_ino != place.inode:
            return False
        if not same_inode and not place.head_bytes:
            return False  # nothing was read: any file begins like that
        with opened(path) as stream:
            head = stream.read(place.head_bytes)
            if hashlib.sha256(head).hexdigest() != place.head_sha256:
                return False
            if isinstance(stream, gzip.GzipFile):
                return stream.seek(place.offset) == place.offset
            return os.fstat(stream.fileno()).st_size >= place.offset
    except (OSError, EOFError, zlib.error):
        return False


def rotated(path: Path) -> list[Path]:
    """Return what a log was renamed to, the longest untouched first: NAME.1, NAME.2.gz, NAME-20261121, ..."""
    pattern = re.compile(re.escape(path.name) + r"[.-]\d[\dTZ:._-]*(\.gz)?")
    try:
        found = [item for item in path.parent.iterdir() if pattern.fullmatch(item.name) and item.is_file()]
        return sorted(found, key=lambda item: (item.stat().st_mtime_ns, item.name))
    except OSError:  # one was renamed or removed meanwhile: the next look finds what is there then
        return []


def found_again(path: Path, place: Place) -> Path | None:
    """Return where the file of `place` lies now: the log itself, what it was renamed to, or a copy of it."""
    if holds(path, place, same_inode=True):
        return path
    files = rotated(path)
    for same_inode in (True, False):
        for file in reversed(files):
            if holds(file, place, same_inode=same_inode):
                return file
    return None


def written_after(path: Path, facts: os.stat_result) -> Path:
    """Return what was written next after the file of `facts`: a rotated file, or the log itself."""
    for file in rotated(path):
        try:
            found = file.stat()
        except OSError:
            continue
        if found.st_mtime_ns > facts.st_mtime_ns and found.st_ino != facts.st_ino:
            return file
    return path
