"""The review queue of an audit: which pairs, in which order, which of them is looked at, and what is told of it."""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from jaxtyping import Int

from threatclip.errors import InputError, ThreatclipError
from threatclip.experiments.auditing.folder import RANKING, AuditFolder, Cut, read_audit, rows_of_cut
from threatclip.experiments.auditing.reviews import FILE, Decision, Reviews, open_reviews
from threatclip.experiments.auditing.run import SUMMARY
from threatclip.pairs.pair import Pair, view_text
from threatclip.service.runs import stamp_of

SHOWS = ("open", "all", "keep", "drop")
_WINDOW = 60
_HELD = 4
_TEXT_CHARACTERS = 1_200


class Audits:
    """The audits that were looked at last, in memory; read anew when their files change."""

    def __init__(self) -> None:
        self._held: OrderedDict[Path, tuple[tuple[int, ...], AuditFolder]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, folder: Path) -> AuditFolder:
        """Return an audit.

        Raises:
            ThreatclipError: see `read_audit`.
        """
        stamp = stamp_of(folder / SUMMARY)
        with self._lock:
            held = self._held.get(folder)
            if held is not None and held[0] == stamp:
                self._held.move_to_end(folder)
                return held[1]
        audit = read_audit(folder)
        with self._lock:
            self._held[folder] = (stamp, audit)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        return audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the queue is looked at: by which score from which threshold, which decisions are shown, and which row."""

    cut: Cut
    show: str
    at: int | None

    def query(self, **changes: object) -> str:
        """Return the part of an address that says so, with changes; a change to None leaves a name out."""
        values: dict[str, object | None] = {
            "by": None if self.cut.kind == RANKING else self.cut.kind,
            "threshold": self.cut.threshold,
            "show": None if self.show == SHOWS[0] else self.show,
            "at": self.at,
            **changes,
        }
        return urlencode({name: value for name, value in values.items() if value is not None})


def look_of(values: Mapping[str, str]) -> Look:
    """Return what an address or form asks for.

    Raises:
        InputError: a threshold or row that is no number, or another way to show.
    """
    show = values.get("show") or SHOWS[0]
    if show not in SHOWS:
        raise InputError(f"show={show[:40]!a} is not one of {', '.join(SHOWS)}")
    try:
        threshold = float(values["threshold"]) if values.get("threshold") else None
        at = int(values["at"]) if values.get("at") else None
    except ValueError as error:
        raise InputError("the threshold must be a number, and the row a whole one") from error
    return Look(cut=Cut(kind=values.get("by") or RANKING, threshold=threshold), show=show, at=at)


def decisions_of(audit: AuditFolder) -> dict[int, Decision]:
    """Return the decisions that hold; looking makes no file."""
    path = audit.path / FILE
    return open_reviews(path, content_hash=audit.content_hash).current() if path.is_file() else {}


def reviews_of(audit: AuditFolder) -> Reviews:
    """Return where decisions go."""
    return open_reviews(audit.path / FILE, content_hash=audit.content_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The rows up for review: `rows` all of them, `shown` those that the look lets through, `place` the one at hand."""

    rows: Int[np.ndarray, " s"]
    shown: Int[np.ndarray, " s"]
    place: int | None

    @property
    def row(self) -> int | None:
        """The row at hand."""
        return None if self.place is None else int(self.shown[self.place])

    def near(self) -> list[tuple[int, int]]:
        """Return (place from 1, row) around the one at hand."""
        start = max(0, min((self.place or 0) - _WINDOW // 3, len(self.shown) - _WINDOW))
        return [(start + n + 1, row) for n, row in enumerate(self.shown[start : start + _WINDOW].tolist())]

    def step(self, by: int) -> int | None:
        """Return the row so many places on; None beyond the ends."""
        if self.place is None or not 0 <= self.place + by < len(self.shown):
            return None
        return int(self.shown[self.place + by])


def queue_of(audit: AuditFolder, decisions: Mapping[int, Decision], look: Look) -> Queue:
    """Return the queue; a row that was asked for stays in it whatever was decided about it."""
    rows = rows_of_cut(audit, look.cut)
    wanted = [row for row in rows.tolist() if _passes(decisions.get(row), look.show) or row == look.at]
    shown = np.array(wanted, np.int64)
    place = None if not len(shown) else 0
    if look.at is not None and look.at in wanted:
        place = wanted.index(look.at)
    return Queue(rows=rows, shown=shown, place=place)


def _passes(decision: Decision | None, show: str) -> bool:
    return show == "all" or (decision or "open") == show


def entry_of(audit: AuditFolder, row: int) -> dict[str, Any]:
    """Return what is told of one pair: what the audit listed, and the pair itself where its table is at hand."""
    listed = audit.listed.get(row, {})
    pair, missing = _pair_of(audit, row)
    found = pair or Pair(id=str(listed.get("id", row)), view=str(listed.get("view") or "").encode())
    is_picture = audit.told.get("modality") == "image"
    return {
        "row": row,
        "id": found.id,
        "caption": found.caption if pair is not None else listed.get("caption"),
        "view": None if is_picture else view_text(found.view[: 4 * _TEXT_CHARACTERS])[:_TEXT_CHARACTERS],
        "view_bytes": len(found.view),
        "label": found.label if pair is not None else listed.get("label"),
        "group": found.group if pair is not None else listed.get("group"),
        "split": found.split,
        "is_picture": is_picture,
        "has_picture": is_picture and bool(found.view) and not audit.broken[row],
        "broken": bool(audit.broken[row]),
        "reasons": _reasons(str(listed.get("reason") or ""), list(audit.scores)),
        "rank": listed.get("rank"),
        "neighbors": list(listed.get("neighbors") or []),
        "scores": _scores(audit, row),
        "missing": missing,
    }


def _reasons(told: str, kinds: Sequence[str]) -> list[str]:
    """Return the sentences of the filters, which the audit's list holds in one line."""
    starts = "|".join(re.escape(kind) for kind in kinds)
    return [one for one in re.split(rf"; (?=(?:{starts}): )", told) if one]


def _pair_of(audit: AuditFolder, row: int) -> tuple[Pair | None, str]:
    try:
        return audit.table().take([row])[0], ""
    except ThreatclipError as error:
        return None, str(error)


def _scores(audit: AuditFolder, row: int) -> list[dict[str, Any]]:
    """Return the pair's scores with the share of judged pairs that score no less."""
    told = []
    for kind, scores in audit.scores.items():
        score = float(scores[row])
        if kind == RANKING or not math.isfinite(score):
            continue
        threshold = audit.threshold(kind)
        known = scores[np.isfinite(scores)]
        told.append(
            {
                "kind": kind,
                "score": score,
                "threshold": threshold,
                "flagged": threshold is not None and score >= threshold,
                "beyond": float((known >= score).mean()),
            }
        )
    return sorted(told, key=lambda one: (not one["flagged"], one["beyond"]))
