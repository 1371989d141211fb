"""The folder of an audit as its reader sees it: the account, the scores of every row, the list of suspects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Bool, Float, Int

from threatclip.artifacts import read_json, reading_errors
from threatclip.errors import BadRow, DamagedArtifactError, InputError
from threatclip.experiments.auditing.run import SCORES, SUMMARY
from threatclip.experiments.auditing.survey import BROKEN, STATES
from threatclip.pairs.sources.rows import json_records
from threatclip.pairs.table import PairTable

SUSPECTS, RANKING = "suspects.jsonl", "ranking"
_OTHERS = ("id", "state", "rank", "suspect")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AuditFolder:
    """A finished audit.

    Attributes:
        path: the folder.
        told: audit.json, with `n`, `suspects`, `method`, `filters`, `table` and more.
        scores: by kind of filter, and "ranking", a score for every row; NaN for rows that were not judged.
        broken: rows whose picture does not decode: suspect whatever the threshold.
        suspect: rows that the audit suspects.
        listed: entries of suspects.jsonl by row.
    """

    path: Path
    told: Mapping[str, Any]
    scores: Mapping[str, Float[np.ndarray, " rows"]]
    broken: Bool[np.ndarray, " rows"]
    suspect: Bool[np.ndarray, " rows"]
    listed: Mapping[int, Mapping[str, Any]]

    @property
    def content_hash(self) -> str:
        """The content of the audited table."""
        return str(self.told["content_hash"])

    def threshold(self, kind: str) -> float | None:
        """Return the audit's own threshold of a filter; None for the ranking, and for a filter without one."""
        found = [one.get("threshold") for one in self.told["filters"] if one.get("kind") == kind]
        return float(found[0]) if found and isinstance(found[0], int | float) else None

    def table(self) -> PairTable:
        """Open the audited table.

        Raises:
            InputError: it is not where the audit found it, or holds something else now.
            DamagedArtifactError: it was changed.
        """
        return _table(self.path, str(self.told.get("table")), content_hash=self.content_hash)

    def trusted(self) -> PairTable:
        """Open the table that neighbors come from: the trusted one, or the audited one where there was none.

        Raises:
            InputError, DamagedArtifactError: as `table`.
        """
        named = self.told.get("trusted")
        return self.table() if named is None else _table(self.path, str(named), content_hash=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which pairs are up for review: those the audit suspects, or those with a score of `kind` from `threshold` on."""

    kind: str = RANKING
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise InputError(f"the threshold {self.threshold} is no finite number")


def rows_of_cut(audit: AuditFolder, cut: Cut) -> Int[np.ndarray, " s"]:
    """Return the rows up for review: broken pictures, then by their score, the highest first; ties in table order.

    Raises:
        InputError: no filter of that kind ran.
    """
    scores = audit.scores.get(cut.kind)
    if scores is None:
        raise InputError(f"no score {cut.kind[:40]!a} in {audit.path}; there are {', '.join(audit.scores)}")
    chosen = audit.suspect if cut.threshold is None else audit.broken | (scores >= cut.threshold)
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(-np.where(audit.broken[rows], np.inf, scores[rows]), kind="stable")]


def read_audit(path: Path) -> AuditFolder:
    """Return the audit in a folder.

    Raises:
        InputError: there is none.
        StorageError: it cannot be read.
        DamagedArtifactError: a file of it is not what was written.
    """
    told = read_json(path / SUMMARY)
    if not isinstance(told, dict) or not isinstance(told.get("filters"), list) or "content_hash" not in told:
        raise DamagedArtifactError(f"{path / SUMMARY} tells of no audit; audit the table anew")
    scores, broken, suspect = _scores(path / SCORES)
    return AuditFolder(
        path=path,
        told=told,
        scores=scores,
        broken=broken,
        suspect=suspect,
        listed=_listed(path / SUSPECTS, rows=len(suspect)),
    )


def _scores(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the scores of scores.parquet, the ranking first, and which rows are broken pictures and suspects."""
    with reading_errors(path):
        try:
            table = pq.read_table(path)
            kinds = [name for name in table.column_names if name not in (*_OTHERS, RANKING)]
            scores = {name: table[name].cast(pa.float64()).to_numpy() for name in (RANKING, *kinds)}
            broken = pc.equal(table["state"], STATES[BROKEN]).to_numpy()
            return scores, broken.astype(bool), table["suspect"].to_numpy().astype(bool)
        except (pa.ArrowException, KeyError) as error:
            raise DamagedArtifactError(f"{path} is not the scores of an audit; audit the pairs anew") from error


def _listed(path: Path, *, rows: int) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    if path.is_file() and path.stat().st_size == 0:
        return found
    for record in json_records(path):
        row = None if isinstance(record, BadRow) else record.value.get("row")
        if isinstance(record, BadRow) or not isinstance(row, int) or not 0 <= row < rows:
            raise DamagedArtifactError(f"{path} is not the list of an audit; audit the pairs anew")
        found[row] = record.value
    return found


def _table(audit: Path, named: str, *, content_hash: str | None) -> PairTable:
    """Open a table where the audit was told it is, or beside the audit's folder where that was moved with it."""
    places = (Path(named), audit / Path(named).name, audit.parent / Path(named).name)
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        raise InputError(f"the audited table {named!a} is not there any more; put it beside {audit}")
    table = PairTable.open(place)
    if content_hash is not None and table.content_hash != content_hash:
        raise InputError(f"{place} is not the table that was audited; put that one beside {audit}")
    return table
