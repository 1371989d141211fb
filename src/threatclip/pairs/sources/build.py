"""From a source to a pair table on disk, with every row that did not make it accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from threatclip.errors import BadRow, BadRowsError, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources import Source
from threatclip.pairs.sources.rows import Row, SkippedRow
from threatclip.pairs.table import write_pairs

_KEPT_BAD_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What became of a source's rows; `bad_rows` holds the first thousand of `bad`."""

    path: Path
    rows: int
    modality: Modality
    content_hash: str
    bad: int
    bad_rows: tuple[BadRow, ...]
    skipped: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {**asdict(self), "path": str(self.path), "bad_rows": [asdict(row) for row in self.bad_rows]}


@dataclass(slots=True, kw_only=True)
class _Tally:
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def build_pairs(
    source: Source,
    path: str | Path,
    out: str | Path,
    *,
    skip_bad: bool = False,
    on_bad: Callable[[BadRow | SkippedRow], None] | None = None,
) -> BuildReport:
    """Read `path` by `source` and write a pair table to `out`, whole or not at all.

    `on_bad` is called with every bad or skipped row as it comes. Skipped rows (whole, but without a pair) never stop
    a build; bad rows do unless `skip_bad`.

    Raises:
        BadRowsError: bad rows, all of them counted, and not `skip_bad`; nothing was written.
        InputError: the file cannot be read at all, or holds no pair.
        StorageError: the disk refused.
    """
    tally = _Tally()
    pairs = _good_pairs(source.read(Path(path)), tally, skip_bad=skip_bad, on_bad=on_bad)
    first = next(pairs, None)
    if first is None:
        raise InputError(f"{path} holds no pair{_account(tally)}")

    def all_pairs() -> Iterator[Pair]:
        yield first
        yield from pairs

    report = write_pairs(out, all_pairs(), modality=source.modality, checked=True)
    return BuildReport(
        path=report.path,
        rows=report.rows,
        modality=report.modality,
        content_hash=report.content_hash,
        bad=tally.bad,
        bad_rows=tuple(tally.bad_rows),
        skipped=dict(tally.skipped),
    )


def _good_pairs(
    rows: Iterator[Row], tally: _Tally, *, skip_bad: bool, on_bad: Callable[[BadRow | SkippedRow], None] | None
) -> Iterator[Pair]:
    for row in rows:
        if isinstance(row, Pair):
            if skip_bad or not tally.bad:  # after the first bad row the rest is only counted
                yield row
            continue
        if on_bad is not None:
            on_bad(row)
        if isinstance(row, SkippedRow):
            tally.skipped[row.reason] += 1
            continue
        tally.bad += 1
        if len(tally.bad_rows) < _KEPT_BAD_ROWS:
            tally.bad_rows.append(row)
    if tally.bad and not skip_bad:
        raise BadRowsError(tally.bad_rows, total=tally.bad)


def _account(tally: _Tally) -> str:
    parts = [f"{tally.bad} bad rows, the first: {tally.bad_rows[0]}"] if tally.bad else []
    parts += [f"{count} skipped: {reason}" for reason, count in tally.skipped.most_common(3)]
    return f" ({'; '.join(parts)})" if parts else ""
