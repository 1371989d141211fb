"""The command line in this process, or as a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import Command, Outcome, outcome_of, spawn

from threatclip.cli.main import main


@pytest.fixture
def threatclip(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code=code, out=captured.out, errors=captured.err.splitlines())

    return run


@pytest.fixture
def spawned() -> Command:
    """Run a command as a process of its own."""

    def run(*arguments: str | Path, **options: Any) -> Outcome:
        return outcome_of(spawn(arguments, **options))

    return run
