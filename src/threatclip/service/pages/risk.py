"""What was measured of a run: clean figures, figures under probes and attacks, and audits of what it learned from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.artifacts import read_json
from threatclip.errors import ThreatclipError
from threatclip.experiments.auditing.run import SUMMARY as AUDIT
from threatclip.experiments.report_data import Estimate, estimate
from threatclip.experiments.report_text import MetricInfo, metric_info
from threatclip.experiments.run_folder import PAIRS, RECIPE
from threatclip.pairs.table import PairTable
from threatclip.service.pages.shelf import Item, Shelf
from threatclip.service.runs import RunCard

EVALUATION = "evaluation"
_HEADLINES = ("macro_f1", "pr_auc_macro", "clean_accuracy_1", "i2t_r_10", "matching_accuracy", "accuracy")
_ATTACK = re.compile(r"(?:.*[._])?(?:asr|hit)_(?:floor_)?\d{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One metric as a page shows it."""

    name: str
    info: MetricInfo
    estimate: Estimate
    n: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Figures of a run.

    Attributes:
        judged_on: "test" or "validation", "" where nothing was measured.
        clean: on rows as they are; `attacked`: success of attacks; `probed`: by probe, each metric when it applies.
        audits: audits of the very pairs that it learned from.
    """

    judged_on: str
    clean: tuple[Figure, ...]
    attacked: tuple[Figure, ...]
    probed: tuple[tuple[str, tuple[Figure, ...]], ...]
    audits: tuple[tuple[Item, Mapping[str, Any]], ...]

    @property
    def headline(self) -> Figure | None:
        """The figure that stands for the run in a list."""
        by_name = {one.name: one for one in self.clean}
        return next((by_name[name] for name in _HEADLINES if name in by_name), self.clean[0] if self.clean else None)


def risk_of(card: RunCard, shelf: Shelf, *, audits: bool = True) -> Risk:
    """Return what was measured; `audits` compares table contents, which a list of many runs does without."""
    judged_on = "test" if card.test else "validation" if card.validation else ""
    figures = figures_of(card.test or card.validation)
    return Risk(
        judged_on=judged_on,
        clean=tuple(one for one in figures if not _ATTACK.fullmatch(one.name)),
        attacked=tuple(one for one in figures if _ATTACK.fullmatch(one.name)),
        probed=_probed(card.folder / EVALUATION / "metrics.json"),
        audits=tuple(_audits(card.folder, shelf)) if audits else (),
    )


def figures_of(metrics: object) -> list[Figure]:
    """Return the metrics of a JSON object that have a value."""
    found = []
    for name, told in metrics.items() if isinstance(metrics, Mapping) else ():
        one = estimate(told) if isinstance(told, Mapping) else None
        if one is not None and one.value is not None and math.isfinite(one.value):
            n = told.get("n")
            found.append(Figure(name=name, info=metric_info(name), estimate=one, n=n if isinstance(n, int) else None))
    return found


def _probed(path: Path) -> tuple[tuple[str, tuple[Figure, ...]], ...]:
    try:
        told = read_json(path)
    except ThreatclipError:
        return ()
    probes = told.get("probes") if isinstance(told, dict) else None
    if not isinstance(probes, dict):
        return ()
    found = ((str(name), tuple(figures_of(_metrics(value)))) for name, value in probes.items())
    return tuple((name, figures) for name, figures in found if figures)


def _metrics(value: object) -> object:
    return value.get("metrics", value) if isinstance(value, Mapping) else {}


def _audits(run: Path, shelf: Shelf) -> list[tuple[Item, Mapping[str, Any]]]:
    """Return the audits whose table, or cleaned table, is what a run learned from: by content, not by name."""
    own = _contents(run)
    found: list[tuple[Item, Mapping[str, Any]]] = []
    for item in shelf.items(AUDIT):
        try:
            told = read_json(item.folder / AUDIT)
        except ThreatclipError:
            continue
        if isinstance(told, dict) and own & {told.get("content_hash"), told.get("cleaned_hash")}:
            found.append((item, told))
    return found


def _contents(run: Path) -> set[str]:
    """Return the content hashes of the tables that a run names, where they are still at hand."""
    places = [run / PAIRS]
    try:
        data = read_json(run / RECIPE)["data"]
        places.append(Path(data["root"]) / data["pairs"]["path"])
    except (ThreatclipError, KeyError, TypeError):
        pass  # a bundle without its run, or a recipe that names its pairs otherwise
    found = set()
    for place in places:
        try:
            found.add(PairTable.open(place).content_hash)
        except ThreatclipError:
            continue
    return found
