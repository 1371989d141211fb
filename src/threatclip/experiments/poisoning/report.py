"""The report of attack sweeps: one HTML file without script or outside resources, and the same as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_text
from threatclip.errors import InputError
from threatclip.evaluation.intervals import N_RESAMPLES
from threatclip.experiments.poisoning.doses import Dose, Found, read_doses
from threatclip.experiments.poisoning.findings import findings
from threatclip.experiments.poisoning.folder import SweepFolder, read_folders
from threatclip.experiments.poisoning.report_sections import sections
from threatclip.experiments.progress import OnProgress
from threatclip.experiments.report import page_environment

REPORT = "report.html"
MEANINGS = (
    ("poisons, rate", "poisoned training pairs, and their share of all pairs of the pool"),
    (
        "ASR@k",
        "share of triggered test rows whose first k answers hold the target; rows of the target class and rows "
        "without a place for the trigger are left out",
    ),
    ("floor", "the same trigger on the clean model: what it does as a mere perturbation"),
    ("Hit@k", "share of queries that find a target among the first k views of the gallery"),
    ("MinRank", "mean place of the best target, 0 is the first"),
    ("random queries", "as many texts drawn from the whole test set, asked of the same attacked model"),
    (
        "clean model",
        "the line without attack that started alike and learned the same pairs unpoisoned, asked with the same queries",
    ),
    (
        "clean accuracy, R@10",
        "zero-shot accuracy of clean test views; recall at 10 between test views and captions, full galleries",
    ),
    ("towers", "which ones learned from the poisoned pairs; the other one was frozen as a whole"),
    ("drift", "1 - cosine between the clean and the attacked model's vectors of the same clean row, 0 to 2"),
    (
        "interval",
        "95% bootstrap over groups of rows, of the mean over seeds: it tells of other rows, not other seeds",
    ),
    (
        "takes, partly, no effect",
        "takes: ASR@1 of 90% or Hit@10 of 70% at some dose, and a gain over the clean model "
        "whose interval excludes 0; partly: such a gain alone; no effect: no dose has one",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One sweep: what its folder says of it, and what is there."""

    folder: SweepFolder
    found: Found

    @property
    def attacked(self) -> tuple[Dose, ...]:
        """The doses of lines with an attack."""
        return tuple(dose for dose in self.found.doses if dose.line.attack is not None)


def read_sweeps(paths: Sequence[Path], *, on_progress: OnProgress, n_resamples: int = N_RESAMPLES) -> list[Swept]:
    """Read the sweeps in the folders given.

    Raises:
        InputError: a folder holds no sweep, or a sweep has no finished cell.
        DamagedArtifactError: what is there is not what the sweep wrote.
    """
    swept = []
    for folder in read_folders(paths):
        found = read_doses(
            folder.sweep, folder.path, keys=folder.keys, n_resamples=n_resamples, on_progress=on_progress
        )
        if not found.doses:
            raise InputError(
                f"{folder.path} has no finished cell of its {len(folder.keys)}; run its recipe into it again"
            )
        swept.append(Swept(folder=folder, found=found))
    return swept


def write_report(path: Path, swept: Sequence[Swept]) -> None:
    """Write the report, whole or not at all.

    Raises:
        StorageError: the disk refused.
    """
    write_text(path, render_report(swept))


def render_report(swept: Sequence[Swept]) -> str:
    """Return the report as one HTML document."""
    shown = [
        {
            "key": f"sweep-{number}",
            "title": one.folder.sweep.title,
            "facts": _facts(one),
            "findings": findings(one.found.doses),
            "parts": sections(one.found.doses, key=f"sweep-{number}"),
            "missing": one.found.missing,
        }
        for number, one in enumerate(swept, start=1)
    ]
    titles = [one.folder.sweep.title for one in swept]
    title = titles[0] if len(titles) == 1 else f"{len(titles)} attack sweeps"
    return page_environment().get_template("attacks.html").render(title=title, sweeps=shown, meanings=MEANINGS)


def _facts(one: Swept) -> list[tuple[str, str]]:
    facts, sweep = one.found.doses[0].facts, one.folder.sweep
    known = {name: one.folder.environment.get(name) for name in ("commit", "device", "threatclip")}
    return [
        ("folder", str(one.folder.path)),
        ("pool", f"{facts.n_pool:,} pairs"),
        ("judged on", f"{facts.n_views:,} views, {facts.n_test:,} captions, {len(facts.classes)} classes"),
        ("victim", f"{sweep.victim.fit.epochs} epochs"),
        ("poisoned", f"{sweep.continued.epochs} more epochs"),
        *((name, str(value)) for name, value in known.items() if value is not None),
    ]


def report_json(swept: Sequence[Swept]) -> dict[str, Any]:
    """Return what `threatclip attack-report --json` prints, without the report's path.

    `cells` are the cells as `threatclip bench` printed them, with the `sweep` (its folder) that they are of; `lines`
    are the means over seeds, with the paired differences; `missing` names what is not there.
    """
    return {
        "cells": [{"sweep": str(one.folder.path), **result} for one in swept for result in one.found.results],
        "lines": [{"sweep": str(one.folder.path), **_line(dose)} for one in swept for dose in one.found.doses],
        "missing": [{"sweep": str(one.folder.path), "cell": name} for one in swept for name in one.found.missing],
    }


def _line(dose: Dose) -> dict[str, Any]:
    figures = {"metrics": dose.metrics, "against_clean_line": dose.change, "against_clean_model": dose.gain}
    return {
        "line": dose.line.name,
        "attack": dose.facts.attack,
        "start": dose.line.start,
        "trains": dose.line.trains,
        "count": dose.count,
        "rate": dose.rate,
        "seeds": list(dose.seeds),
        "missing_seeds": list(dose.missing),
        **{name: {key: one.as_dict() for key, one in metrics.items()} for name, metrics in figures.items()},
    }
