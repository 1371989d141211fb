"""Commands as users run them, and how they ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a command ended; `errors` are the lines on stderr."""

    code: int
    out: str
    errors: list[str]

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on stderr of a command that failed as it should."""
        assert len(self.errors) == 1, self.errors
        assert self.errors[0].startswith("threatclip: ")
        return self.errors[0].removeprefix("threatclip: ")


Command = Callable[..., Outcome]


def spawn(arguments: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
    """Start a command as a process of its own."""
    command = [sys.executable, "-m", "threatclip.cli.main", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **options.pop("env", {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, env=environment, **options)


def outcome_of(process: subprocess.Popen[bytes]) -> Outcome:
    """Wait for a process that says little, and return how it ended."""
    out = process.stdout.read() if process.stdout else b""
    errors = process.stderr.read() if process.stderr else b""
    process.wait()
    for stream in (process.stdout, process.stderr, process.stdin):
        if stream is not None:
            stream.close()
    return Outcome(code=process.returncode, out=out.decode(), errors=errors.decode().splitlines())


def visible_and_hidden(folder: Path) -> list[str]:
    """Return the names of everything under a folder: what a failed command left."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
