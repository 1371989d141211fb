"""What an audit found, as data: for the summary file, the command line and the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from threatclip import __version__
from threatclip.experiments.auditing.leak_text import leak_warnings
from threatclip.experiments.auditing.leaks import Leaks
from threatclip.experiments.auditing.survey import BROKEN, STATES, Survey
from threatclip.experiments.auditing.suspects import Suspect
from threatclip.experiments.auditing.verdict import Verdict
from threatclip.experiments.config import as_plain
from threatclip.pairs.table import PairTable, WriteReport

_FIRST = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """Everything an audit found.

    Attributes:
        table: that was audited.
        model: what gave the vectors, as it was named; None without.
        trusted: the trusted table.
        survey: which rows were judged.
        verdict: scores, thresholds and suspects.
        suspects: the ranked list, cut at its limit.
        left_out: by kind of filter, why it did not run.
        leaks: of tables of texts and payloads.
        metrics: of the ranking ("") and of each filter, against the truth; empty without one.
        drop_top: share of the pairs that are suspects by their rank alone, where that was asked for.
    """

    table: PairTable
    model: str | None
    trusted: PairTable | None
    survey: Survey
    verdict: Verdict
    suspects: tuple[Suspect, ...]
    left_out: Mapping[str, str]
    leaks: Leaks | None
    metrics: Mapping[str, Mapping[str, Any]]
    drop_top: float | None

    @property
    def n_suspects(self) -> int:
        """Suspects of the whole table, broken pictures among them."""
        return int(self.verdict.suspect.sum()) + self.states[STATES[BROKEN]]

    @property
    def states(self) -> dict[str, int]:
        """Rows by what became of them."""
        return {name: int((self.survey.states == place).sum()) for place, name in enumerate(STATES)}


def summary(findings: Findings, *, files: Mapping[str, str], cleaned: WriteReport | None) -> dict[str, Any]:
    """Return the account of an audit as plain JSON values; `n`, `suspects`, `method` and `metrics` are the contract."""
    verdict, leaks = findings.verdict, findings.leaks
    return {
        "n": len(findings.table),
        "suspects": findings.n_suspects,
        "method": verdict.method,
        "metrics": dict(findings.metrics.get("", {})),
        "filters": [_filter(findings, place) for place in range(len(verdict.scored))],
        "left_out": dict(findings.left_out),
        "rows": findings.states,
        "drop_top": findings.drop_top,
        "table": str(findings.table.path),
        "content_hash": findings.table.content_hash,
        "modality": findings.table.modality,
        "model": findings.model,
        "trusted": None if findings.trusted is None else str(findings.trusted.path),
        "cleaned_rows": 0 if cleaned is None else cleaned.rows,
        "cleaned_hash": None if cleaned is None else cleaned.content_hash,
        "leaks": None if leaks is None else {**leaks.as_dict(), "warnings": leak_warnings(leaks)},
        "first": [{"rank": one.rank, "id": one.pair.id, "reason": one.reason} for one in findings.suspects[:_FIRST]],
        "files": dict(files),
        "version": __version__,
    }


def _filter(findings: Findings, place: int) -> dict[str, Any]:
    verdict = findings.verdict
    one = verdict.scored[place]
    threshold = verdict.thresholds[one.kind]
    return {
        "kind": one.kind,
        "settings": {name: value for name, value in as_plain(one.filter).items() if name != "kind"},
        "threshold": threshold if math.isfinite(threshold) else None,
        "suspects": int((one.scores >= threshold).sum()),
        "metrics": dict(findings.metrics.get(one.kind, {})),
    }
