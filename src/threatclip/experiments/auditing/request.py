"""What an audit is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from threatclip.errors import InputError

ALARM = 0.05
"""Chance at which a clean table would raise a finding, where no threshold and no share is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One audit; its output folder takes everything it writes, the table stays as it is.

    Attributes:
        table: the pair table that nobody vouches for.
        out: folder of the audit.
        model: run or bundle of a dual encoder that reads the table's views, or the word "minilm" for texts beside
            texts; None: only filters that need no vectors run.
        vectors: file of precomputed vectors (safetensors or npz), in place of a model.
        trusted: pair table that somebody vouches for, disjoint from the audited one.
        filters: kinds to run; empty: each that can.
        settings: parameters of filters, by kind.
        method: what ranks the pairs: a filter's kind, or one of `verdict.METHODS`.
        fpr: share of clean pairs that may be suspect, all filters together, told by the trusted ones.
        drop_top: share of the judged pairs that are suspects whatever their scores, the most suspect first.
        thresholds: score from which on a pair is suspect, by kind of filter.
        truth: truth of a poisoning, for the judge's figures.
        names: file of what labels are called, for the leak report.
        seed: of every random choice.

    Raises:
        InputError: settings that exclude each other, or a share outside (0, 1).
    """

    table: Path
    out: Path
    model: str | None = None
    vectors: Path | None = None
    trusted: Path | None = None
    filters: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    method: str | None = None
    fpr: float | None = None
    drop_top: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    truth: Path | None = None
    names: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model is not None and self.vectors is not None:
            raise InputError("a model and a file of vectors exclude each other; give one")
        for name, share in (("drop-top", self.drop_top), ("fpr", self.fpr)):
            if share is not None and not 0 < share < 1:
                raise InputError(f"{name} is {share}; give a share between 0 and 1, as 0.1")
        if sum([self.drop_top is not None, self.fpr is not None, bool(self.thresholds)]) > 1:
            raise InputError("drop-top, fpr and thresholds exclude each other; give one")
        if self.fpr is not None and self.trusted is None:
            raise InputError("a false-positive rate is told by trusted pairs; give a table of them")
