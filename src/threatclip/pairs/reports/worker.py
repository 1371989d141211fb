"""The process that reads one report: bytes on stdin, JSON on stdout, with limits of processor time and memory.

`python -I -m threatclip.pairs.reports.worker KIND CPU_SECONDS`.
"""

from __future__ import annotations

import json
import sys

from threatclip.pairs.reports.document import Document, ReportFault
from threatclip.pairs.reports.markup import html_text, markdown_text, plain_text
from threatclip.pairs.reports.pdf import pdf_text
from threatclip.pairs.reports.sentences import sentences_of

_MEMORY_BYTES = 2 * 2**30
_MISSING_LIBRARY = 4
_READERS = {"text": plain_text, "markdown": markdown_text, "html": html_text, "pdf": pdf_text}


def main(kind: str, cpu_seconds: int) -> int:
    """Read one report and say what it holds; 4 when a library is missing."""
    _limit(cpu_seconds)
    try:
        document = _READERS[kind](sys.stdin.buffer.read())
        told = _told(document)
    except ReportFault as fault:
        told = {"fault": str(fault)}
    except ModuleNotFoundError:
        return _MISSING_LIBRARY
    except (MemoryError, RecursionError) as error:
        told = {"fault": f"it needs too much to be read ({type(error).__name__})"}
    sys.stdout.write(json.dumps(told))
    return 0


def _told(document: Document) -> dict[str, object]:
    spans = [[one.start, one.end] for one in sentences_of(document)]
    return {"text": document.text, "pages": document.pages, "sentences": spans}


def _limit(cpu_seconds: int) -> None:
    try:
        import resource
    except ImportError:  # not on every system; the caller's clock still holds
        return
    limits = ((resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_AS, _MEMORY_BYTES), (resource.RLIMIT_CORE, 0))
    for what, most in limits:
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
