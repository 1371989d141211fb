"""The page of defense matrices: one HTML file without script or outside resources, and the same as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_text
from threatclip.evaluation.intervals import Metric
from threatclip.experiments.matrix.choice import RULE
from threatclip.experiments.matrix.document import missing_text, protocol
from threatclip.experiments.matrix.findings import findings
from threatclip.experiments.matrix.report_sections import sections
from threatclip.experiments.matrix.spots import Spot
from threatclip.experiments.matrix.summary import Summary
from threatclip.experiments.report import page_environment

PAGE = "defenses.html"
MEANINGS = (
    ("clean accuracy", "zero-shot accuracy of clean test views"),
    (
        "ASR@k",
        "share of triggered test rows whose first k answers hold the target; rows of the target class and rows without "
        "a place for the trigger are left out",
    ),
    ("Hit@k", "share of the attack's queries that find a target among the first k views of the gallery"),
    ("floor", "the same rows asked of the clean model: a defense cannot be expected to go below"),
    ("change", "paired difference to the same model without defense, in points"),
    (
        "chosen",
        "the learning rate that a defender takes, by zero-shot accuracy on held-out trusted pairs alone: an owner does "
        "not see an ASR",
    ),
    (
        "mean over losses to 10 points",
        "for each loss of clean accuracy from 0 to 10 points the least success among learning rates that lose no more "
        "and the model without defense; the mean of these. It knows test rows: it tells of the method, not of what a "
        "defender gets",
    ),
    ("rebound", "what the repaired model's success becomes after later training on the trusted pairs"),
    ("retrained", "the attack's own training, without the pairs that a filter suspects most"),
    (
        "AUROC, AUPRC, precision at n",
        "how well scores tell planted pairs (or triggered views) from others; n is the number of planted ones",
    ),
    (
        "encoder of a filter",
        "poisoned: the model that learned the poisoned pairs; independent: a model of another seed that learned the "
        "clean pool; trusted: towers that learned the trusted pairs alone",
    ),
    ("seconds, MiB", "wall-clock time of the defense alone, one thread; most memory of its cell, data included"),
    (
        "erased, weakened, stays",
        "erased: at the learning rate chosen no more than 3% success and no more than 3 points of clean accuracy lost; "
        "weakened: less success than without defense, by an interval that excludes 0",
    ),
    ("interval", "95% bootstrap over groups of rows, of the mean over seeds: it tells of other rows, not other seeds"),
)


def write_report(path: Path, summaries: Sequence[Summary]) -> None:
    """Write the page, whole or not at all.

    Raises:
        StorageError: the disk refused.
    """
    write_text(path, render_report(summaries))


def render_report(summaries: Sequence[Summary]) -> str:
    """Return the page as one HTML document."""
    shown = [
        {
            "key": f"matrix-{number}",
            "title": one.folder.matrix.title,
            "facts": _facts(one),
            "findings": findings(one),
            "protocol": protocol(one),
            "rule": RULE.format(tolerance=f"{100 * one.folder.matrix.tolerance:g}"),
            "parts": sections(one, key=f"matrix-{number}"),
            "missing": missing_text(one),
        }
        for number, one in enumerate(summaries, start=1)
    ]
    titles = [one.folder.matrix.title for one in summaries]
    title = titles[0] if len(titles) == 1 else f"{len(titles)} matrices"
    return page_environment().get_template("defenses.html").render(title=title, matrices=shown, meanings=MEANINGS)


def _facts(one: Summary) -> list[tuple[str, str]]:
    known = {name: one.folder.environment.get(name) for name in ("commit", "device", "threatclip")}
    return [
        ("folder", str(one.folder.path)),
        ("cells", f"{len(one.results):,} finished, {len(one.missing):,} missing"),
        *((name, str(value)) for name, value in known.items() if value is not None),
    ]


def report_json(summaries: Sequence[Summary]) -> dict[str, Any]:
    """Return what `threatclip defense-report --json` prints, without the page's path.

    `cells` are the cells as `threatclip bench` printed them, with the `matrix` (its folder) that they are of; `chosen`
    are the means over seeds at the learning rates chosen; `frontiers` at every learning rate; `missing` names what is
    not there.
    """
    cells, chosen, every, missing = [], [], [], []
    for one in summaries:
        of = {"matrix": str(one.folder.path)}
        cells += [{**of, **told} for told in one.results]
        missing += [{**of, "cell": name} for name in one.missing]
        for attack in one.attacks:
            chosen.append({**of, **_spot(attack.bare)})
            for front in attack.frontiers:
                more = {
                    "remaining": None if front.remaining is None else front.remaining.as_dict(),
                    "against_first_repair": _plain(front.over),
                    "rebound": None if front.rebound is None else _plain(front.rebound.metrics),
                    "rebounded": _plain(front.rebounded),
                }
                chosen += [{**of, **_spot(front.chosen), **more}] if front.chosen is not None else []
                every += [{**of, **_spot(spot)} for spot in front.spots]
            chosen += [{**of, **_spot(spot)} for spot in attack.retrained]
    return {"cells": cells, "chosen": chosen, "frontiers": every, "missing": missing}


def _spot(spot: Spot) -> dict[str, Any]:
    return {
        "line": spot.line,
        "attack": spot.attack,
        "count": spot.count,
        "defense": spot.defense,
        "work": spot.work,
        "by": spot.by,
        "without": spot.without,
        "learning_rates": list(spot.rates),
        "seeds": list(spot.seeds),
        "diverged_seeds": list(spot.diverged),
        "seconds": spot.seconds,
        "peak_mib": spot.peak_mib,
        "metrics": _plain(spot.metrics),
        "against_no_defense": _plain(spot.change),
    }


def _plain(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    return {name: one.as_dict() for name, one in metrics.items()}
