"""Sweeps of attacks and matrices of defenses as tables: read from their cells, kept until a cell is added."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from threatclip.experiments.matrix import document as matrix_document
from threatclip.experiments.matrix import folder as matrix_folder
from threatclip.experiments.matrix import report as matrix_report
from threatclip.experiments.matrix.report_table import report_table as matrix_table
from threatclip.experiments.matrix.summary import read_summaries
from threatclip.experiments.poisoning import folder as sweep_folder
from threatclip.experiments.poisoning import report as sweep_report
from threatclip.experiments.poisoning.report_table import report_table as sweep_table
from threatclip.experiments.progress import ignore

KINDS = {"matrix": matrix_folder.PLAN, "sweep": sweep_folder.PLAN}
_RESAMPLES = 200  # of the bootstrap: a page is read now; `threatclip defense-report` takes its time
_HELD = 8
_FIGURE = re.compile(r"$|[+\u2212-]?\d|@\d|\u2013")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study as a table of text, what is missing in it, and the whole report."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    missing: str
    report: str

    @property
    def numeric(self) -> Sequence[bool]:
        """Tell of each column whether it holds figures, which stand to the right."""
        return [all(_FIGURE.match(row[place]) for row in self.rows) for place in range(len(self.header))]


class Studies:
    """The studies that were looked at last."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Path], tuple[float, Study]] = {}
        self._lock = threading.Lock()

    def table(self, kind: str, folder: Path) -> Study:
        """Return a study.

        Raises:
            ThreatclipError: it has no finished cell, or is damaged.
        """
        stamp = _newest(folder)
        with self._lock:  # one at a time: reading a study takes a core for seconds
            held = self._held.get((kind, folder))
            if held is not None and held[0] == stamp:
                return held[1]
            found = _matrix(folder) if kind == "matrix" else _sweep(folder)
            self._held[kind, folder] = (stamp, found)
            while len(self._held) > _HELD:
                del self._held[next(iter(self._held))]
            return found

    def report(self, kind: str, folder: Path) -> str:
        """Return a study's whole report as HTML; raises as `table`."""
        return self.table(kind, folder).report


def _newest(folder: Path) -> float:
    return max((path.stat().st_mtime for path in (folder, folder / "cells") if path.is_dir()), default=0.0)


def _matrix(folder: Path) -> Study:
    summaries = read_summaries([folder], on_progress=ignore, n_resamples=_RESAMPLES)
    header, rows = matrix_table(summaries)
    (one,) = summaries
    return Study(
        title=one.folder.matrix.title,
        header=header,
        rows=rows,
        missing=matrix_document.missing_text(one),
        report=matrix_report.render_report(summaries),
    )


def _sweep(folder: Path) -> Study:
    swept = sweep_report.read_sweeps([folder], on_progress=ignore, n_resamples=_RESAMPLES)
    header, rows = sweep_table(swept)
    (one,) = swept
    missing = one.found.missing
    return Study(
        title=one.folder.sweep.title,
        header=header,
        rows=rows,
        missing=f"cells missing, or of another recipe: {', '.join(missing[:12])}" if missing else "",
        report=sweep_report.render_report(swept),
    )
