"""The ranked list of suspects: why, in words, and the nearest pairs that nobody suspects."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from threatclip.artifacts import atomic_path
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.neighbors import nearest
from threatclip.experiments.auditing.survey import BROKEN, Survey
from threatclip.experiments.auditing.verdict import Verdict
from threatclip.pairs.pair import Pair, view_text
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng

LISTED = 10_000  # suspects of the list; the scores of all of them stand in scores.parquet
N_NEIGHBORS = 3
TEXT_CHARACTERS = 400

_LOOKED_AT = 64  # of a table's own neighbors, for some that are no suspects
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("rank", "id", "row", "score", "flagged_by", "reason", "caption", "view", "label", "group", "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPair:
    """A pair near a suspect; `cosine` is between their views."""

    id: str
    caption: str
    label: str | None
    cosine: float
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One entry of the list.

    Attributes:
        rank: from 1, the most suspect first.
        row: of the table.
        pair: without its view, where that is a picture.
        score: of the method that ranks; None where the pair could not be judged.
        scores: of every filter.
        flagged_by: filters above whose threshold it is.
        reason: why it is suspect, in words.
        neighbors: the nearest trusted pairs, or, without trusted ones, the nearest of the table that are no suspects.
    """

    rank: int
    row: int
    pair: Pair
    score: float | None
    scores: Mapping[str, float] = field(default_factory=dict)
    flagged_by: tuple[str, ...] = ()
    reason: str = ""
    neighbors: tuple[NearPair, ...] = ()


def list_suspects(
    verdict: Verdict,
    evidence: Evidence,
    survey: Survey,
    table: PairTable,
    *,
    trusted: PairTable | None,
    trusted_rows: Int[np.ndarray, " t"],
    seed: int,
) -> list[Suspect]:
    """Return the first 10,000 suspects: broken pictures, then pairs in the order of the ranking."""
    broken = np.flatnonzero(survey.states == BROKEN)[:LISTED]
    order = verdict.order[: LISTED - len(broken)]
    pairs = _short_pairs(table, [*broken.tolist(), *survey.rows[order].tolist()])
    reasons = _reasons(verdict, evidence, order)
    near = _neighbors(verdict, evidence, survey, table, order, trusted, trusted_rows, seed)
    listed = [
        Suspect(rank=rank, row=row, pair=pairs[row], score=None, reason="its picture does not decode")
        for rank, row in enumerate(broken.tolist(), start=1)
    ]
    for place, reason, found in zip(order.tolist(), reasons, near, strict=True):
        row = int(survey.rows[place])
        listed.append(
            Suspect(
                rank=len(listed) + 1,
                row=row,
                pair=pairs[row],
                score=float(verdict.ranking[place]),
                scores={one.kind: float(one.scores[place]) for one in verdict.scored},
                flagged_by=tuple(verdict.flagged_by(place)),
                reason=reason,
                neighbors=found,
            )
        )
    return listed


def _short_pairs(table: PairTable, rows: Sequence[int]) -> dict[int, Pair]:
    """Return pairs by row with short texts, in one pass; pictures stay in the table."""
    columns = ["id", "caption", "label", "group", "split", *([] if table.modality == "image" else ["view"])]
    wanted, found, start = np.unique(np.array(rows, np.int64)), dict[int, Pair](), 0
    for batch in table.iter_batches(columns=columns):
        here = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, start + batch.num_rows)]
        for row, values in zip(here.tolist(), batch.take(here - start).to_pylist(), strict=True):
            view, caption = values.pop("view", b""), values.pop("caption")
            caption = None if caption is None else caption[: 4 * TEXT_CHARACTERS]
            found[row] = Pair(view=view[: 4 * TEXT_CHARACTERS], caption=caption, **values)
        start += batch.num_rows
    return found


def _reasons(verdict: Verdict, evidence: Evidence, order: Int[np.ndarray, " s"]) -> list[str]:
    """Return a sentence a suspect; each filter is asked once, about all of its own."""
    said: dict[int, list[str]] = {place: [] for place in order.tolist()}
    speakers = {place: verdict.speakers(place) for place in said}
    for one in verdict.scored:
        places = [place for place, kinds in speakers.items() if one.kind in kinds]
        if places:
            for place, reason in zip(places, one.filter.reasons(evidence, one.scores, places), strict=True):
                said[place].append(f"{one.kind}: {reason}")
    return ["; ".join(said[place]) for place in order.tolist()]


def _neighbors(
    verdict: Verdict,
    evidence: Evidence,
    survey: Survey,
    table: PairTable,
    order: Int[np.ndarray, " s"],
    trusted: PairTable | None,
    trusted_rows: Int[np.ndarray, " t"],
    seed: int,
) -> list[tuple[NearPair, ...]]:
    if not len(evidence.views) or not len(order):
        return [()] * len(order)
    draw = rng(seed, "audit/neighbors")
    queries = np.asarray(evidence.views[order])
    if trusted is not None and len(evidence.trusted_views):
        k = min(N_NEIGHBORS, len(evidence.trusted_views))
        found = nearest(queries, evidence.trusted_views, k=k, rng=draw)
        places, source, rows = found.places, trusted, trusted_rows
    else:
        found = nearest(queries, evidence.views, k=min(_LOOKED_AT, len(evidence.views)), rng=draw)
        places, source, rows = _unsuspected(found.places, verdict), table, survey.rows
    cosines = 1 - found.distances.astype(np.float64) ** 2 / 2
    wanted = sorted({int(rows[place]) for place in places[places >= 0].tolist()})
    pairs = _short_pairs(source, wanted)
    return [
        tuple(
            _near(pairs[int(rows[place])], cosine, int(rows[place]))
            for place, cosine in zip(places[query].tolist(), cosines[query].tolist(), strict=True)
            if place >= 0
        )[:N_NEIGHBORS]
        for query in range(len(order))
    ]


def _unsuspected(places: Int[np.ndarray, "s k"], verdict: Verdict) -> Int[np.ndarray, "s k"]:
    """Return the places with those of suspects at -1, and those beyond the first few of others too."""
    kept = ~verdict.suspect[places]
    kept &= np.cumsum(kept, axis=1) <= N_NEIGHBORS
    return np.where(kept, places, -1)


def _near(pair: Pair, cosine: float, row: int) -> NearPair:
    return NearPair(id=pair.id, caption=pair.caption or "", label=pair.label, cosine=cosine, row=row)


def write_suspects(folder: Path, suspects: Sequence[Suspect]) -> None:
    """Write suspects.jsonl and suspects.csv; in the CSV no cell is a formula.

    Raises:
        StorageError: the disk refused.
    """
    with atomic_path(folder / "suspects.jsonl") as part, part.open("w", encoding="ascii") as handle:
        handle.writelines(json.dumps(as_json(suspect)) + "\n" for suspect in suspects)
    with atomic_path(folder / "suspects.csv") as part, part.open("w", encoding="utf-8", newline="") as handle:
        handle.writelines(_csv_lines(suspects))


def as_json(suspect: Suspect) -> dict[str, Any]:
    """Return an entry as plain JSON values; a picture is not quoted."""
    pair = suspect.pair
    return {
        "rank": suspect.rank,
        "id": pair.id,
        "row": suspect.row,
        "score": suspect.score,
        "flagged_by": list(suspect.flagged_by),
        "reason": suspect.reason,
        "caption": _short(pair.caption),
        "view": _short(view_text(pair.view)) if pair.view else None,
        "label": pair.label,
        "group": pair.group,
        "split": pair.split,
        "scores": dict(suspect.scores),
        "neighbors": [
            {
                "id": near.id,
                "row": near.row,
                "caption": _short(near.caption),
                "label": near.label,
                "cosine": round(near.cosine, 6),
            }
            for near in suspect.neighbors
        ],
    }


def _short(text: str | None) -> str | None:
    return None if text is None else text[:TEXT_CHARACTERS]


def _csv_lines(suspects: Sequence[Suspect]) -> Iterator[str]:
    neighbors = [
        f"{name}_{place}" for place in range(1, N_NEIGHBORS + 1) for name in ("near_id", "near_caption", "cosine")
    ]
    yield _csv_line([*_COLUMNS, *neighbors])
    for suspect in suspects:
        entry = {**as_json(suspect), "flagged_by": " ".join(suspect.flagged_by)}
        cells = [entry[name] for name in _COLUMNS]
        for near in suspect.neighbors:
            cells += [near.id, _short(near.caption), f"{near.cosine:.4f}"]
        yield _csv_line(cells)


def _csv_line(cells: Sequence[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow([_harmless(cell) for cell in cells])
    return stream.getvalue()


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs: a text that begins like a formula gets an apostrophe before it."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    text = cell.replace("\x00", "").encode("utf-8", "replace").decode()
    return f"'{text}" if text.startswith(_FORMULA) else text
