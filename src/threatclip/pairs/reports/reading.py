"""Reading a report in a process of its own: a file that hangs, crashes or fills a parser takes nothing else with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from threatclip.errors import InputError, NotInstalledError, StorageError
from threatclip.pairs.reports.document import FILE_LIMIT_BYTES, Document, ReportFault, Sentence

KINDS = {
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
}
CPU_SECONDS, WALL_SECONDS = 30, 300
MISSING_LIBRARY = 4  # what the worker returns


def read_report(path: Path) -> tuple[Document, tuple[Sentence, ...]]:
    """Return a report's text and its sentences; its kind goes by the ending of its name.

    Raises:
        ReportFault: another kind, too large, broken, or its reading took too long or too much.
        InputError: no such file.
        NotInstalledError: without the extra `reports`.
        StorageError: the disk refused to read it.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise ReportFault(f"{path.suffix[:20] or 'no ending'!a} is not one of {', '.join(KINDS)}")
    return _parsed(kind, _content(path))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            content = handle.read(FILE_LIMIT_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"no file {path}") from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > FILE_LIMIT_BYTES:
        raise ReportFault(f"it is larger than {FILE_LIMIT_BYTES:,} bytes")
    if not content.strip():
        raise ReportFault("it is empty")
    return content


def _parsed(kind: str, content: bytes) -> tuple[Document, tuple[Sentence, ...]]:
    command = [sys.executable, "-I", "-m", "threatclip.pairs.reports.worker", kind, str(CPU_SECONDS)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module; the report goes to its stdin only
            command, input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ReportFault(f"it took longer than {WALL_SECONDS} seconds to read") from error
    if done.returncode == MISSING_LIBRARY:
        raise NotInstalledError("reading reports needs libraries; install threatclip[reports]")
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise ReportFault(
            f"its reader ended with {done.returncode}: over {CPU_SECONDS} seconds, too much memory, or a crash"
        ) from error
    if "fault" in told:
        raise ReportFault(str(told["fault"]))
    document = Document(text=told["text"], pages=tuple(told["pages"]))
    return document, tuple(
        Sentence(start=start, end=end, page=document.page_of(start)) for start, end in told["sentences"]
    )
