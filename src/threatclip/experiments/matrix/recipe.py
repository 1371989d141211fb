"""What a defense matrix may say: which attacks of which sweep, the trusted pairs, one budget, and the defenses.

A defense stands as the table that the recipe gives: `{ kind = "clean_clip", ... }`. It is checked before any work
against the members of `defenses/*` (`methods.py`), and the cells are keyed by the table as it was written: an option
that a method gains later, whose default changes nothing, runs no cell again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from threatclip.checks import at_least, check, distinct, fraction
from threatclip.training.dual.settings import Fit

NONE = "none"
"""The name under which a model that nobody defended is judged."""

By = Literal["poisoned", "independent", "trusted"]
"""Whose vectors a filter sees: of the model that learned the poisoned pairs; of the sweep's victim of another seed,
which learned the clean pool; of towers that learned the trusted pairs alone."""


def _named(name: str, rates: tuple[float, ...]) -> None:
    # it stands in the names of files
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._]*(?:-[A-Za-z0-9._]+)*", name) is not None and len(name) <= 60
    check("name", name, plain and name != NONE, f"at most 60 letters, digits, . _ and single -, and not {NONE!r}")
    check("rates", rates, all(rate > 0 for rate in rates) and len(set(rates)) == len(rates), "above 0, each once")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairLine:
    """One repair of the matrix.

    Attributes:
        name: of the line, unique among all defenses.
        repair: kind and parameters.
        rates: learning rates in place of the matrix's, in the order in which they are run.
        epochs: in place of the budget's, for ablations: such a line is no longer given what the others are.
        lines: attacks in place of the matrix's: ablations need not all of them.
        seeds: in place of the matrix's.
    """

    name: str
    repair: dict[str, Any]
    rates: tuple[float, ...] = ()
    epochs: int | None = None
    lines: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _named(self.name, self.rates)
        at_least(self, 1, "epochs")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLine:
    """One filter of the matrix.

    Attributes:
        name: of the line, unique among all defenses.
        filter: kind and parameters.
        by: whose vectors it sees, each a cell.
        remove: shares of the pairs, the most suspect ones; each a cell that trains without them as the attack does.
        lines: attacks in place of the matrix's.
        seeds: in place of the matrix's.
    """

    name: str
    filter: dict[str, Any]
    by: tuple[By, ...] = ("poisoned",)
    remove: tuple[float, ...] = ()
    lines: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _named(self.name, ())
        check("by", self.by, len(set(self.by)) == len(self.by) >= 1, "one or more, each once")
        check("remove", self.remove, all(0 < share < 1 for share in self.remove), "in (0, 1) each")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLine:
    """One training of the matrix, in place of the sweep's own on the poisoned pairs.

    Attributes:
        name: of the line, unique among all defenses.
        training: kind and parameters.
        rates: learning rates in place of the sweep's.
        epochs: in place of the sweep's.
        lines: attacks in place of the matrix's.
        seeds: in place of the matrix's.
    """

    name: str
    training: dict[str, Any]
    rates: tuple[float, ...] = ()
    epochs: int | None = None
    lines: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _named(self.name, self.rates)
        at_least(self, 1, "epochs")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorLine:
    """One detector of the matrix: asked of clean and of triggered test views; of attacks with a trigger alone."""

    name: str
    detector: dict[str, Any]
    lines: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _named(self.name, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerLine:
    """One scanner of the matrix: asked of every attacked model, and of the clean line's of the same seed."""

    name: str
    scanner: dict[str, Any]
    lines: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _named(self.name, ())


DefenseLine = RepairLine | FilterLine | TrainingLine | DetectorLine | ScannerLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Attacks x defenses x learning rates x seeds.

    Attributes:
        sweep: recipe of the attacks, relative to this one.
        models: folder of that sweep; None: the folder named like its recipe, beside the matrix's. Finished cells of
            the sweep are not run again.
        lines: of the sweep, the first ones first; empty: all with an attack.
        counts: line -> poisons; a line that is left out stands with its largest dose.
        seeds: empty: those of the sweep.
        pool: training views of the sweep in place of its own `rows.pool`, where that leaves none to be trusted. The
            sweep then stands in a folder of its own.
        trusted: views that a defender holds and repairs learn from: none of the pool's.
        held_out: further such views that learning rates are chosen on; groups do not straddle the two.
        budget: what every repair is given alike; its learning rate is that of the cell.
        rates: learning rates of every repair that has no own, in the order in which they are run.
        tolerance: of held-out clean accuracy: the learning rate chosen is the largest that costs no more than this.
        rebound: clean training after a repair at its chosen rate, on the trusted pairs; None: not asked.
        repairs, filters, trainings, detectors, scanners: the defenses.
        document: where the Markdown goes; None: into the matrix's folder.
    """

    task: Literal["defense-matrix"]
    title: str
    sweep: str
    models: str | None = None
    lines: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    pool: int | None = None
    trusted: int = 4000
    held_out: int = 1000
    budget: Fit = field(default_factory=Fit)
    rates: tuple[float, ...] = (3e-3, 1e-3, 1e-2, 3e-4, 5e-3)
    tolerance: float = 0.03
    rebound: Fit | None = None
    repairs: tuple[RepairLine, ...] = ()
    filters: tuple[FilterLine, ...] = ()
    trainings: tuple[TrainingLine, ...] = ()
    detectors: tuple[DetectorLine, ...] = ()
    scanners: tuple[ScannerLine, ...] = ()
    document: str | None = None

    def __post_init__(self) -> None:
        at_least(self, 1, "pool", "trusted", "held_out")
        fraction(self, "tolerance")
        check("rates", self.rates, all(rate > 0 for rate in self.rates), "above 0 each")
        check("rates", self.rates, 0 < len(self.rates) == len(set(self.rates)), "one or more, each once")
        distinct("a line", self.lines)
        distinct("a defense", tuple(line.name for line in self.defenses()))

    def defenses(self) -> Iterator[DefenseLine]:
        """Yield every defense, in the recipe's order."""
        yield from self.repairs
        yield from self.filters
        yield from self.trainings
        yield from self.detectors
        yield from self.scanners


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """Several matrices, and the one document and page that hold their tables."""

    task: Literal["defense-matrices"]
    title: str
    matrices: tuple[str, ...]  # recipes, relative to this one
    document: str | None = None
