"""The HTML report of an audit: one file without script or outside resources, with small pictures encoded anew."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_text
from threatclip.experiments.auditing.histogram import histogram
from threatclip.experiments.auditing.leak_text import leak_rows, leak_warnings
from threatclip.experiments.auditing.summary import Findings
from threatclip.experiments.auditing.survey import STATES
from threatclip.experiments.auditing.suspects import N_NEIGHBORS, Suspect
from threatclip.experiments.auditing.thumbnails import thumbnail
from threatclip.experiments.auditing.verdict import METHODS
from threatclip.experiments.report import page_environment
from threatclip.experiments.report_data import estimate
from threatclip.experiments.report_text import count, defang, excerpt, figure
from threatclip.pairs.pair import view_text
from threatclip.pairs.table import PairTable

SHOWN = 100
"""Suspects on the page; suspects.jsonl lists the rest."""

_CAPTION_CHARACTERS = 300


def write_page(path: Path, findings: Findings) -> None:
    """Write the report, whole or not at all.

    Raises:
        StorageError: the disk refused.
    """
    write_text(path, render_page(findings))


def render_page(findings: Findings) -> str:
    """Return the report as one HTML document."""
    shown = findings.suspects[:SHOWN]
    pictures, near_pictures = _pictures(findings, shown)
    return (
        page_environment()
        .get_template("audit.html")
        .render(
            title=defang(findings.table.path.name),
            facts=_facts(findings),
            verdict=_verdict(findings),
            filters=[_filter(findings, place) for place in range(len(findings.verdict.scored))],
            left_out=sorted(findings.left_out.items()),
            judged=bool(findings.metrics),
            method=findings.verdict.method,
            method_about=METHODS.get(findings.verdict.method),
            overall=_metrics(findings, ""),
            suspects=[_suspect(one, pictures, near_pictures) for one in shown],
            n_suspects=findings.n_suspects,
            near_from="trusted pairs" if findings.trusted is not None else "pairs of this table that are no suspects",
            leaks=_leaks(findings),
        )
    )


def _facts(findings: Findings) -> list[tuple[str, str]]:
    unjudged = [f"{count(n)} {name}" for name, n in findings.states.items() if n and name != STATES[0]]
    return [
        ("table", str(findings.table.path)),
        ("modality", findings.table.modality),
        ("rows", count(len(findings.table))),
        ("judged", count(len(findings.survey.rows))),
        *([("not judged", ", ".join(unjudged))] if unjudged else []),
        ("model", findings.model or "none: filters that need no vectors"),
        (
            "trusted",
            "none" if findings.trusted is None else f"{findings.trusted.path}, {count(len(findings.trusted))} rows",
        ),
        ("content hash", findings.table.content_hash[:16]),
    ]


def _verdict(findings: Findings) -> list[dict[str, str]]:
    n, rows = findings.n_suspects, len(findings.table)
    if not len(findings.survey.rows):
        told = "No pair has both a view and a caption: nothing was judged, only leaks were looked for."
        first = {"tone": "weak", "word": "not judged", "text": told}
    elif not n:
        first = {"tone": "good", "word": "none", "text": "No pair reaches the threshold of a filter."}
    elif findings.drop_top is not None:
        first = {
            "tone": "weak",
            "word": "taken",
            "text": f"The {figure(findings.drop_top, 'percent')} of pairs that rank highest "
            f"({findings.verdict.method}): {count(n)} of {count(rows)} rows. Nothing says how many are planted.",
        }
    else:
        first = {
            "tone": "weak",
            "word": "suspect",
            "text": f"{count(n)} of {count(rows)} rows ({figure(n / rows, 'percent')}) reach a filter's threshold. "
            "Honest pairs that are odd or repeat reach one too: read the reasons.",
        }
    leaks = [] if findings.leaks is None else leak_warnings(findings.leaks)
    return [first, *({"tone": "weak", "word": "leak", "text": one} for one in leaks)]


def _filter(findings: Findings, place: int) -> dict[str, Any]:
    one = findings.verdict.scored[place]
    threshold = findings.verdict.thresholds[one.kind]
    return {
        "kind": one.kind,
        "paper": one.filter.paper,
        "about": (type(one.filter).__doc__ or "").strip().partition("\n")[0],
        "threshold": f"{threshold:.4g}" if math.isfinite(threshold) else "none",
        "suspects": int((one.scores >= threshold).sum()),
        "plot": histogram(one.scores, threshold=threshold, kind=one.kind, key=f"scores-{place}"),
        "metrics": _metrics(findings, one.kind),
    }


def _metrics(findings: Findings, kind: str) -> list[tuple[str, Any]]:
    return [(name, estimate(value)) for name, value in findings.metrics.get(kind, {}).items()]


def _pictures(findings: Findings, shown: Iterable[Suspect]) -> tuple[dict[int, str | None], dict[int, str | None]]:
    """Return thumbnails of suspects by their row, and of their neighbors by theirs; none for texts and payloads."""
    if findings.table.modality != "image":
        return {}, {}
    suspects = list(shown)
    source = findings.trusted or findings.table
    near = {one.row for suspect in suspects for one in suspect.neighbors}
    return _thumbnails(findings.table, {one.row for one in suspects}), _thumbnails(source, near)


def _thumbnails(table: PairTable, rows: set[int]) -> dict[int, str | None]:
    found = {}
    for row in sorted(rows):  # one at a time: a picture may be large
        found[row] = thumbnail(table.take([row])[0].view)
    return found


def _suspect(suspect: Suspect, pictures: dict[int, str | None], near_pictures: dict[int, str | None]) -> dict[str, Any]:
    pair = suspect.pair
    return {
        "rank": suspect.rank,
        "id": defang(pair.id[:200]),
        "row": suspect.row,
        "reason": suspect.reason,
        "flagged_by": suspect.flagged_by,
        "picture": pictures.get(suspect.row),
        "is_picture": suspect.row in pictures,
        "view": excerpt(view_text(pair.view)) if pair.view else None,
        "caption": excerpt(pair.caption or "", limit=_CAPTION_CHARACTERS),
        "label": None if pair.label is None else defang(pair.label[:200]),
        "neighbors": [
            {
                "id": defang(near.id[:200]),
                "cosine": f"{near.cosine:.3f}",
                "caption": excerpt(near.caption, limit=_CAPTION_CHARACTERS),
                "picture": near_pictures.get(near.row),
            }
            for near in suspect.neighbors[:N_NEIGHBORS]
        ],
    }


def _leaks(findings: Findings) -> dict[str, Any] | None:
    if findings.leaks is None:
        return None
    return {
        "warnings": leak_warnings(findings.leaks),
        "rows": [(title, rate.count, rate.rows, rate.value) for _, title, rate in leak_rows(findings.leaks)],
    }
