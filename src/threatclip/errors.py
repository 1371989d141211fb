"""Every error that threatclip raises on purpose.

    ThreatclipError            exit 2 unless said otherwise
    ├── InputError             a file, value or option from outside is not usable
    │   ├── BadRowsError       rows of a source could not be read; carries every one of them
    │   ├── ImageFaultError    a picture is over a limit, of another format, truncated or broken
    │   ├── DivergedError      training has left the finite numbers
    │   ├── RecipeError        a recipe or an override is wrong
    │   └── LeakageError       a split would let test data into training
    ├── NotInstalledError      an optional library is not installed, or does not fit the others
    ├── StorageError           the disk refused: full, read-only, no permission
    └── DamagedArtifactError   exit 3: a bundle, checkpoint or table is not what was written

A message says what, the value, where, and what to do, in one line. Anything else that escapes is a bug: exit 70.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ThreatclipError(Exception):
    """Base of every expected failure; `exit_code` is what the command line returns."""

    exit_code = 2


class InputError(ThreatclipError):
    """A file, value or option that came from outside is not usable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """One row that a source could not turn into a pair."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class BadRowsError(InputError):
    """Rows of a source could not be read and skipping was not asked for."""

    def __init__(self, rows: Sequence[BadRow], *, total: int) -> None:
        self.rows = tuple(rows)
        self.total = total
        more = f" (and {total - 1} more)" if total > 1 else ""
        super().__init__(f"{rows[0]}{more}; nothing was written; mend the rows or pass --skip-bad")


class ImageFaultError(InputError):
    """A picture is over a limit, of another format, truncated or broken."""


class DivergedError(InputError):
    """A loss or a gradient is no longer finite."""


class RecipeError(InputError):
    """A recipe, or a `--set` override of one, is wrong."""


class LeakageError(InputError):
    """A split would let test data into training."""


class NotInstalledError(ThreatclipError):
    """An optional library is not installed, or does not fit the installed ones."""


class StorageError(ThreatclipError):
    """The disk refused a write or a read."""


class DamagedArtifactError(ThreatclipError):
    """A bundle, checkpoint or table does not hold what was written."""

    exit_code = 3
