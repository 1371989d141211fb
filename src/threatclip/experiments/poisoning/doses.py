"""The doses of a sweep: each line at each count, its figures over the seeds that are there, and what they pair with."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.intervals import N_RESAMPLES, Metric
from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.cells import Cell
from threatclip.experiments.config import as_plain
from threatclip.experiments.poisoning.folder import cells_in
from threatclip.experiments.poisoning.plan import Asked
from threatclip.experiments.poisoning.recipe import Line, Sweep
from threatclip.experiments.poisoning.row_scores import RowScores, mean_over_seeds, read_scores
from threatclip.experiments.progress import OnProgress, Progress, ignore
from threatclip.seeds import rng

KEPT = ("clean_accuracy_1", "i2t_r_10", "t2i_r_10")
"""What a user of the model would notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a cell tells about itself beside its figures."""

    attack: str
    n_pool: int
    n_test: int
    n_views: int
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """One line of a sweep at one count; every figure is a mean over its seeds.

    Attributes:
        line: what was asked; a victim is a line without an attack.
        count: poisoned rows.
        seeds: those that are finished, at least one.
        missing: seeds of the recipe whose cells are not there.
        facts: of the first seed.
        metrics: every figure.
        change: paired differences to the clean line of the same seeds in `KEPT`; empty where one of them is missing.
        gain: paired differences to the clean model on the same triggered rows or the same queries.
        spread: of each figure, the value of every seed alone.
    """

    line: Line
    count: int
    seeds: tuple[int, ...]
    missing: tuple[int, ...]
    facts: Facts
    metrics: Mapping[str, Metric]
    change: Mapping[str, Metric]
    gain: Mapping[str, Metric]
    spread: Mapping[str, tuple[float, ...]]

    @property
    def title(self) -> str:
        """The line's name, with the towers that it trains and the seeds that are missing."""
        parts = [self.line.name]
        if self.line.trains != "both":
            parts.append(f"{self.line.trains} tower only")
        if self.missing:
            parts.append(f"{len(self.seeds)} of {len(self.seeds) + len(self.missing)} seeds")
        return ", ".join(parts)

    @property
    def seeds_told(self) -> str:
        """The seeds that are there, and how many are not."""
        missing = f" ({len(self.missing)} missing)" if self.missing else ""
        return f"{', '.join(map(str, self.seeds))}{missing}"

    @property
    def goals(self) -> tuple[str, ...]:
        """What the names of each goal's figures begin with, where the attack has goals and no trigger."""
        found = [re.fullmatch(r"(?:goal(\d{1,4})\.)?hit_1", name) for name in self.metrics]
        numbers = sorted(int(match[1] or 1) for match in found if match is not None)
        return tuple("" if number == 1 else f"goal{number}." for number in numbers)

    def goal_name(self, goal: str) -> str:
        """Return which words shall find what, where the attack has several goals."""
        if len(self.goals) < 2:
            return ""
        number = self.goals.index(goal)
        attack: Any = self.line.attack
        return f": {attack.queries[number]} to {attack.targets[number]}"

    @property
    def rate(self) -> float:
        """Poisoned share of the pool's pairs."""
        return self.count / self.facts.n_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there of a sweep, and the names of the cells that are not, or that are of another recipe."""

    doses: tuple[Dose, ...]
    missing: tuple[str, ...]
    results: tuple[Mapping[str, Any], ...]


def by_attack(doses: Sequence[Dose]) -> dict[str, list[Dose]]:
    """Return the doses of each attack under the name of its first line: lines may split the doses of one attack.

    What one attack is: its parameters, which towers train, and from where they start.
    """
    names: dict[str, str] = {}
    found: dict[str, list[Dose]] = {}
    for dose in doses:
        same = json.dumps(as_plain([dose.line.attack, dose.line.trains, dose.line.start]), sort_keys=True)
        found.setdefault(names.setdefault(same, dose.line.name), []).append(dose)
    return found


@dataclass(slots=True)
class _Line:
    line: Line
    clean: str | None  # line that it is measured against; the victim against none
    cells: dict[int, dict[int, Cell]] = field(default_factory=lambda: defaultdict(dict))


def read_doses(
    sweep: Sweep,
    out: Path,
    *,
    keys: Mapping[str, str] | None = None,
    n_resamples: int = N_RESAMPLES,
    on_progress: OnProgress = ignore,
) -> Found:
    """Read every finished cell of a sweep.

    Args:
        sweep: the recipe.
        out: its folder.
        keys: of each cell, as the folder recorded them; None computes them.
        n_resamples: of every bootstrap.
        on_progress: told of every dose.

    Raises:
        DamagedArtifactError: a cell's files are not what the sweep wrote, or two seeds were judged on other rows.
    """
    lines: dict[str, _Line] = {}
    results: dict[str, Mapping[str, Any]] = {}
    missing = []
    for cell in cells_in(sweep, out):
        asked: Asked = cell.spec
        line = asked.line or Line(name="victim")
        lines.setdefault(line.name, _Line(line, asked.clean)).cells[asked.count][asked.seed] = cell
        result = _result(cell, cell.key if keys is None else keys[cell.name])
        if result is None:
            missing.append(cell.name)
        else:
            results[cell.name] = result
    wanted = [(one, count, cells) for one in lines.values() for count, cells in one.cells.items()]
    doses = []
    for done, (one, count, cells) in enumerate(wanted):
        on_progress(Progress(stage="doses", done=done, total=len(wanted)))
        there = {seed: cell for seed, cell in sorted(cells.items()) if cell.name in results}
        if there:
            partner = lines[one.clean].cells[0] if one.clean is not None else {}
            pairs = [partner[seed] for seed in there if seed in partner and partner[seed].name in results]
            facts = _facts(next(iter(there.values())), results)
            doses.append(_dose(one.line, count, tuple(cells), there, pairs, facts, n_resamples))
    on_progress(Progress(stage="doses", done=len(wanted), total=len(wanted)))
    return Found(doses=tuple(doses), missing=tuple(missing), results=tuple(results.values()))


def _dose(
    line: Line, count: int, asked: Sequence[int], there: Mapping[int, Cell], clean: Sequence[Cell], facts: Facts, n: int
) -> Dose:
    each = [read_scores(cell) for cell in there.values()]
    scores = mean_over_seeds(each)
    other = mean_over_seeds([read_scores(cell) for cell in clean]) if len(clean) == len(there) else {}
    both = {name: scores[name] for name in KEPT if name in scores and name in other}
    return Dose(
        line=line,
        count=count,
        seeds=tuple(there),
        missing=tuple(sorted(set(asked) - set(there))),
        facts=facts,
        metrics=_means(scores, n),
        change=_means(_minus(both, other.__getitem__), n),
        gain=_means(_gains(scores), n),
        spread={name: tuple(float(one[name][0].mean()) for one in each) for name in scores},
    )


def _means(scores: RowScores, n_resamples: int) -> dict[str, Metric]:
    """Return the mean of each score; all of one stream, so that two calls draw the same groups."""
    return mean_over_groups(scores, rng=rng(0, "sweep/document"), n_resamples=n_resamples) if scores else {}


def _gains(scores: RowScores) -> RowScores:
    """Return, row by row, what the attacked model has over the clean one."""
    own = {name: scores[name] for name in scores if partner_of(name) in scores}
    return _minus(own, lambda name: scores[partner_of(name)])


def partner_of(name: str) -> str:
    """Return what the clean model's figure is called: `linear.asr_floor_1`, `goal2.clean_hit_1`."""
    before, dot, asked = name.rpartition(".")
    over = asked.replace("asr_", "asr_floor_", 1) if asked.startswith("asr_") else f"clean_{asked}"
    return f"{before}{dot}{over}"


def _minus(first: RowScores, second: Callable[[str], tuple[np.ndarray, np.ndarray]]) -> RowScores:
    found: RowScores = {}
    for name, (values, groups) in first.items():
        others, their_groups = second(name)
        if not np.array_equal(groups, their_groups):
            raise DamagedArtifactError(f"{name} was measured on other rows of the clean model; run the sweep anew")
        found[name] = (values - others, groups)
    return found


def _result(cell: Cell, key: str) -> Mapping[str, Any] | None:
    """Return what a cell wrote; None where it is not there, or was run by another recipe."""
    try:
        result = read_json(cell.file(".json"))
    except DamagedArtifactError:
        raise
    except InputError:
        return None
    if not isinstance(result, dict) or not _is_json(result):
        raise DamagedArtifactError(f"{cell.file('.json')} holds no cell; remove it and run the recipe again")
    return result if result.get("key") == key else None


def _is_json(value: object) -> bool:
    """Tell whether JSON can hold a value that came from a file: Python's parser also takes NaN."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _facts(cell: Cell, results: Mapping[str, Mapping[str, Any]]) -> Facts:
    result = results[cell.name]
    sizes = {name: result.get(name) for name in ("n_pool", "n_test", "n_views")}
    classes = result.get("classes")
    whole = all(isinstance(size, int) and size > 0 for size in sizes.values())
    if not whole or not isinstance(classes, list):
        raise DamagedArtifactError(f"{cell.file('.json')} is not a whole cell; remove it and run the recipe again")
    return Facts(attack=str(result.get("attack")), classes=tuple(map(str, classes)), **sizes)  # type: ignore[arg-type]
