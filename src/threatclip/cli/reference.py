"""What of the docs is generated: `python -m threatclip.cli.reference docs` writes cli.md, attacks.md, repairs.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from threatclip.artifacts import write_text
from threatclip.cli.attack_reference import attacks_page, detectors_page, filters_page, repairs_page
from threatclip.cli.main import app

_WIDTH = 100
_PREAMBLE = """\
# The command line

Written by `make docs` from the commands' own `--help`; a test compares the two.

Results go to stdout, progress and errors to stderr. With `--json` a command prints exactly one JSON object on stdout
(`classify`: one JSON line per input). An error is one line, `threatclip: what, where, what to do`; text that comes
from files is shown with control characters escaped.

| exit code | meaning |
|---|---|
| 0 | fine |
| 1 | findings: `audit` has suspects, `detect` flags views, `scan` finds a backdoor |
| 2 | usage, input or disk: the line says what; also after Ctrl-C |
| 3 | a table, bundle or checkpoint is not what was written |
| 70 | a bug: a traceback |
"""


def reference() -> str:
    """Return the Markdown of docs/cli.md."""
    parts = [_PREAMBLE]
    for path, help_text in _helps(typer.main.get_command(app), "threatclip", None):
        parts.append(f"## {path}\n\n```text\n{help_text}\n```\n")
    return "\n".join(parts)


def write_docs(folder: Path) -> None:
    """Write the generated page, and the generated parts of others, under `folder`."""
    write_text(folder / "cli.md", reference())
    pages = {
        "attacks.md": attacks_page,
        "detectors.md": detectors_page,
        "filters.md": filters_page,
        "repairs.md": repairs_page,
    }
    for page, written in pages.items():
        write_text(folder / page, written((folder / page).read_text(encoding="utf-8")))


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = typer.Context(command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH)
    yield context.command_path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    for verb, child in sorted(getattr(command, "commands", {}).items()):
        yield from _helps(child, verb, context)


if __name__ == "__main__":
    write_docs(Path(sys.argv[1]))
