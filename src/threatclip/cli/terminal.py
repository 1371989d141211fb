"""What reaches the terminal: escaped text, tables, one JSON object, and progress as bars or sparse lines.

Results go to stdout, everything else to stderr. Ids, labels, paths and reasons come from hostile files: no control
character, bidirectional override or lone surrogate of theirs is ever written raw.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threatclip.experiments.progress import OnProgress, Progress

SPARSE_SECONDS = 5.0
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def printable(text: object) -> str:
    r"""Return `text` on one line, with whatever could steer a terminal or mirror text written as \x1b or \u202e."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def say(text: object) -> None:
    """Write one escaped line to stderr."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def show(text: object = "") -> None:
    """Write one escaped line to stdout."""
    sys.stdout.write(printable(text) + "\n")


def show_json(value: object) -> None:
    """Write `value` to stdout as one line of ASCII JSON.

    Raises:
        ValueError: a figure that is not finite, which JSON cannot say.
    """
    sys.stdout.write(json_line(value))


def json_line(value: object) -> str:
    """Return `value` as one line of ASCII JSON, newline included."""
    return json.dumps(value, allow_nan=False) + "\n"


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write aligned columns to stdout; columns of figures lie to the right."""
    cells = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [all(_is_figure(cell) for cell in column[1:]) for column in zip(*cells, strict=True)]
    for row in cells:
        parts = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        sys.stdout.write("  ".join(parts).rstrip() + "\n")


def _is_figure(cell: str) -> bool:
    return not cell or cell.lstrip("+-")[:1].isdigit()


@contextmanager
def progress(*, quiet: bool) -> Iterator[OnProgress]:
    """Yield what draws Progress records on stderr: bars on a terminal, a line every few seconds elsewhere."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bars() as on_progress:
            yield on_progress
    else:
        yield SparseLines()


class SparseLines:
    """Progress for logs: a line when a stage of known size begins and ends, and every `SPARSE_SECONDS` between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._said_at = 0.0

    def __call__(self, record: Progress) -> None:
        now = self._clock()
        begins, ends = record.stage != self._stage, record.done >= record.total
        if begins:
            self._stage, self._said_at = record.stage, now
        if now - self._said_at < SPARSE_SECONDS and not (record.total and (begins or ends)):
            return
        self._said_at = now
        share = f"/{record.total:,} ({record.done / record.total:.0%})" if record.total else ""
        say(f"{record.stage}: {record.done:,}{share}{_facts(record.facts)}")


@contextmanager
def _bars() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}", markup=False),
        console=Console(stderr=True),
        redirect_stdout=False,  # results must not pass through the drawing
    )
    stages: dict[str, TaskID] = {}

    def draw(record: Progress) -> None:
        if record.stage not in stages:
            stages[record.stage] = bars.add_task(printable(record.stage), total=None, facts="")
        bars.update(
            stages[record.stage],
            completed=record.done,
            total=record.total or None,
            facts=_facts(record.facts),
        )

    with bars:
        yield draw


def _facts(facts: Mapping[str, float]) -> str:
    return "".join(f"  {printable(name)} {value:.4g}" for name, value in facts.items())
