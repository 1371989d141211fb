"""One JSON object a line about each request and about the service itself, without what was sent."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

NAME = "threatclip.service"
log = logging.getLogger(NAME)


class JsonLines(logging.Formatter):
    """A record as one line of ASCII JSON: its fields, and where an error came from."""

    def __init__(self, *, with_messages: bool = False) -> None:
        super().__init__()
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; an error's own words may hold what a stranger sent, and stay out unless asked for."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, where = record.exc_info
            line["error"] = f"{kind.__name__}: {error}" if self._with_messages else kind.__name__
            line["where"] = _frames(where)
        return json.dumps(line, default=str)


def write_logs(stream: TextIO | None = None, *, with_messages: bool = False) -> None:
    """Send the service's log, and the server's, to `stream` (stderr) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(with_messages=with_messages))
    for name in (NAME, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _frames(where: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(where)]
