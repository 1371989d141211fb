"""The cleaned table after a review: what people decided, and a rule for what they did not look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool

from threatclip.errors import InputError
from threatclip.experiments.auditing.folder import AuditFolder, Cut, rows_of_cut
from threatclip.experiments.auditing.outputs import write_cleaned
from threatclip.experiments.auditing.reviews import Decision
from threatclip.pairs.table import WriteReport

Undecided = Literal["drop", "keep"]
UNDECIDED: tuple[str, ...] = get_args(Undecided)


def dropped_rows(
    audit: AuditFolder, decisions: Mapping[int, Decision], *, cut: Cut, undecided: str
) -> Bool[np.ndarray, " rows"]:
    """Return which rows the cleaned table is without: those decided to be dropped, and undecided ones by the rule.

    Args:
        audit: the audit.
        decisions: by row, the ones that hold.
        cut: which pairs are suspect.
        undecided: "drop" takes suspects out that nobody decided about, "keep" leaves them in.

    Raises:
        InputError: another rule, a score that the audit has not, or a decision about a row that it has not.
    """
    if undecided not in UNDECIDED:
        raise InputError(f"undecided suspects: {undecided[:40]!a} is not one of {', '.join(UNDECIDED)}")
    dropped = np.zeros(len(audit.suspect), bool)
    if undecided == "drop":
        dropped[rows_of_cut(audit, cut)] = True
    for row, decision in decisions.items():
        if row >= len(dropped):
            raise InputError(f"a decision about row {row}; the audited table has {len(dropped)} rows")
        dropped[row] = decision == "drop"
    return dropped


def write_reviewed(
    path: Path, audit: AuditFolder, decisions: Mapping[int, Decision], *, cut: Cut, undecided: str
) -> WriteReport:
    """Write the audited table without the dropped rows, in order and as they are; the audit's own files stay.

    Raises:
        InputError: as `dropped_rows`, no row is left, or the audited table is not there.
        StorageError: the disk refused.
        DamagedArtifactError: the audited table was changed.
    """
    dropped = dropped_rows(audit, decisions, cut=cut, undecided=undecided)
    written = write_cleaned(path, audit.table(), dropped)
    if written is None:
        raise InputError(f"all {len(dropped):,} rows would be dropped; keep some, or raise the threshold")
    return written
