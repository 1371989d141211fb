"""What the finished cells of a matrix say, means over seeds: each defense on each attack at each learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threatclip.artifacts import read_json
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.intervals import Metric
from threatclip.experiments.cells import Cell
from threatclip.experiments.matrix.choice import Tried, chosen_rate
from threatclip.experiments.matrix.folder import MatrixFolder
from threatclip.experiments.matrix.resampling import Resampling
from threatclip.experiments.poisoning.row_scores import RowScores, mean_over_seeds, read_scores
from threatclip.experiments.report_data import number

LEARNED = ("none", "repair", "rebound", "training", "retrain")
"""Cells that judge a model; the others judge scores."""
DETECTED = ("filter", "detector", "scanner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One finished cell: what it told, and where its row scores lie."""

    told: Mapping[str, Any]
    cell: Cell

    @property
    def accuracy(self) -> float | None:
        """Zero-shot accuracy on held-out trusted pairs; None where the model diverged."""
        return number((self.told.get("metrics", {}).get("held_out_accuracy_1") or {}).get("value"))

    def scores(self) -> RowScores:
        """Return the numbers of every row; nothing of a model that diverged."""
        return {} if "diverged" in self.told else read_scores(self.cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One defense on one attack, at one learning rate or at the one each seed's defender chose.

    Attributes:
        line: of the sweep.
        attack: its kind.
        count: poisons.
        defense: its line in the recipe, "none" for no defense.
        work: what was done: "none", "repair", "rebound", "training" or "retrain".
        by: whose vectors a filter saw; "" elsewhere.
        without: share of the pairs that a filter removed; None elsewhere.
        rates: learning rate of each seed; () where there is none.
        seeds: that are there and did not diverge.
        diverged: seeds whose training left the finite numbers.
        metrics: every figure, of the mean over seeds.
        change: paired differences to the same seeds' models without defense.
        spread: of each figure, the value of every seed alone.
        seconds: that the defense took, mean over seeds; None where it was not told.
        peak_mib: most memory of a cell.
        scores: numbers of rows behind the figures.
    """

    line: str
    attack: str
    count: int
    defense: str
    work: str
    by: str = ""
    without: float | None = None
    rates: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    diverged: tuple[int, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    change: Mapping[str, Metric] = field(default_factory=dict)
    spread: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    seconds: float | None = None
    peak_mib: float | None = None
    scores: RowScores = field(default_factory=dict, repr=False, compare=False)

    @property
    def reach(self) -> str:
        """The figure that tells the attack's success: `asr_1`, or `hit_10` of an attack on queries."""
        return "asr_1" if "asr_1" in self.metrics else "hit_10"


def read_done(folder: MatrixFolder) -> tuple[list[Done], list[str]]:
    """Return every finished cell that the plan knows, and the names of the others.

    Raises:
        DamagedArtifactError: a cell's file is not what the matrix wrote.
    """
    done, missing = [], []
    for name, key in folder.keys.items():
        cell = Cell(name=name, spec=None, folder=folder.path)
        told = _told(cell, key)
        if told is None:
            missing.append(name)
        else:
            done.append(Done(told=told, cell=cell))
    return done, missing


def _told(cell: Cell, key: str) -> Mapping[str, Any] | None:
    try:
        told = read_json(cell.file(".json"))
    except DamagedArtifactError:
        raise
    except InputError:
        return None
    wanted = {"line": str, "attack": str, "defense": str, "work": str, "count": int, "seed": int, "metrics": dict}
    if not isinstance(told, dict) or any(not isinstance(told.get(name), kind) for name, kind in wanted.items()):
        raise DamagedArtifactError(f"{cell.file('.json')} holds no cell; remove it and run the recipe again")
    return told if told.get("key") == key else None


Key = tuple[str, int, str, str, str, float | None]
"""Line, count, defense, work, by, without: what the learning rates and seeds of one frontier share."""


def key_of(told: Mapping[str, Any]) -> Key:
    """Return what a cell shares with the other learning rates and seeds of its defense on its attack."""
    return (
        str(told["line"]),
        int(told["count"]),
        str(told["defense"]),
        str(told["work"]),
        str(told.get("by") or ""),
        number(told.get("without")),
    )


def grouped(done: Sequence[Done]) -> dict[Key, list[Done]]:
    """Return the cells that judge a model, by what they share."""
    found: dict[Key, list[Done]] = {}
    for one in done:
        if one.told["work"] in LEARNED:
            found.setdefault(key_of(one.told), []).append(one)
    return found


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Makes spots of cells.

    Attributes:
        bare: line, count and seed -> the cell without defense.
        resampling: of every figure.
    """

    bare: Mapping[tuple[str, int, int], Done]
    resampling: Resampling

    @classmethod
    def of(cls, done: Sequence[Done], *, n_resamples: int) -> Reader:
        """Find the cells without defense."""
        bare = {
            (str(one.told["line"]), int(one.told["count"]), int(one.told["seed"])): one
            for one in done
            if one.told["work"] == "none"
        }
        return cls(bare=bare, resampling=Resampling(n_resamples=n_resamples))

    def at_each_rate(self, own: Sequence[Done]) -> list[Spot]:
        """Return one spot for each learning rate, the smallest first."""
        rates = sorted({_rate(one) or 0.0 for one in own})
        return [self.spot([one for one in own if (_rate(one) or 0.0) == rate]) for rate in rates]

    def chosen(self, own: Sequence[Done], *, tolerance: float) -> Spot | None:
        """Return the spot at the learning rate that each seed's defender takes; None without a finished one.

        A seed without the cell that judges its model as it was has nothing to choose by, and is left out.
        """
        taken = []
        for seed in sorted({int(one.told["seed"]) for one in own}):
            mine = {_rate(one): one for one in own if one.told["seed"] == seed}
            before = self.bare.get((str(own[0].told["line"]), int(own[0].told["count"]), seed))
            if before is None or before.accuracy is None:
                continue
            tried = [Tried(rate=rate, accuracy=one.accuracy) for rate, one in mine.items() if rate is not None]
            rate = chosen_rate(tried, before.accuracy, tolerance=tolerance)
            if rate is not None:
                taken.append(mine[rate])
        return self.spot(taken) if taken else None

    def spot(self, own: Sequence[Done]) -> Spot:
        """Return the mean of several seeds' cells."""
        told = own[0].told
        whole = sorted((one for one in own if "diverged" not in one.told), key=lambda one: int(one.told["seed"]))
        each = [one.scores() for one in whole]
        scores = mean_over_seeds(each) if each else {}
        line, count, defense, work, by, without = key_of(told)
        rates = tuple(rate for one in whole or own if (rate := _rate(one)) is not None)
        seconds = [found for one in whole if (found := number(one.told.get("defense_seconds"))) is not None]
        peaks = [found for one in own if (found := number(one.told.get("peak_mib"))) is not None]
        return Spot(
            line=line,
            attack=str(told["attack"]),
            count=count,
            defense=defense,
            work=work,
            by=by,
            without=without,
            rates=rates,
            seeds=tuple(int(one.told["seed"]) for one in whole),
            diverged=tuple(sorted(int(one.told["seed"]) for one in own if "diverged" in one.told)),
            metrics=self.resampling.means(scores),
            change=self._change(scores, [self.bare.get((line, count, int(one.told["seed"]))) for one in whole]),
            spread={name: tuple(float(one[name][0].mean()) for one in each) for name in scores},
            seconds=sum(seconds) / len(seconds) if seconds else None,
            peak_mib=max(peaks, default=None),
            scores=scores,
        )

    def _change(self, scores: RowScores, before: Sequence[Done | None]) -> dict[str, Metric]:
        there = [one.scores() for one in before if one is not None]
        if not there or len(there) < len(before):
            return {}
        return self.difference(scores, mean_over_seeds(there))

    def difference(self, first: RowScores, second: RowScores) -> dict[str, Metric]:
        """Return the paired differences of what two models were asked alike.

        Raises:
            DamagedArtifactError: they were asked of other rows.
        """
        found: RowScores = {}
        for name in first:
            if name in second:
                if not np.array_equal(first[name][1], second[name][1]):
                    raise DamagedArtifactError(f"{name} was measured on other rows; run the matrix anew")
                found[name] = (first[name][0] - second[name][0], first[name][1])
        return self.resampling.means(found)


def _rate(one: Done) -> float | None:
    return number(one.told.get("learning_rate"))
