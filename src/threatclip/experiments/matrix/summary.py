"""A matrix as its tables need it: attack by attack, what each defense makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threatclip.errors import InputError
from threatclip.evaluation.intervals import Metric
from threatclip.experiments.matrix.folder import MatrixFolder, read_folders
from threatclip.experiments.matrix.frontier import remaining
from threatclip.experiments.matrix.resampling import N_RESAMPLES
from threatclip.experiments.matrix.spots import DETECTED, Done, Reader, Spot, grouped, read_done
from threatclip.experiments.progress import OnProgress, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """One repair or training on one attack.

    Attributes:
        defense: its line in the recipe.
        spots: at each learning rate, the smallest first.
        chosen: at the learning rate that each seed's defender takes.
        remaining: mean success over losses of accuracy up to ten points; see `frontier.remaining`.
        over: paired differences of `chosen` to the first repair's, where both have the same seeds; empty otherwise.
        rebound: after later clean training.
        rebounded: paired differences of that to `chosen`.
    """

    defense: str
    spots: tuple[Spot, ...]
    chosen: Spot | None = None
    remaining: Metric | None = None
    over: Mapping[str, Metric] = field(default_factory=dict)
    rebound: Spot | None = None
    rebounded: Mapping[str, Metric] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """One attack: the model as it is, the frontiers of repairs and trainings, and trainings without suspects."""

    line: str
    attack: str
    count: int
    bare: Spot
    frontiers: tuple[Frontier, ...]
    retrained: tuple[Spot, ...]

    @property
    def reach(self) -> str:
        """The figure that tells its success."""
        return self.bare.reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A filter, detector or scanner on one attack: its figures, seed by seed."""

    line: str
    attack: str
    count: int
    defense: str
    work: str
    by: str
    told: tuple[Mapping[str, Any], ...]

    def values(self, name: str) -> list[float]:
        """Return one figure of every seed that has it."""
        found = [one["metrics"].get(name) for one in self.told]
        return [float(one["value"]) for one in found if isinstance(one, dict) and one.get("value") is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One matrix: its folder, and what its finished cells say."""

    folder: MatrixFolder
    attacks: tuple[Attacked, ...]
    scored: tuple[Scored, ...]
    results: tuple[Mapping[str, Any], ...]
    missing: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The repair that others are compared with: the recipe's first."""
        repairs = self.folder.matrix.repairs
        return repairs[0].name if repairs else ""


def read_summaries(paths: Sequence[Path], *, on_progress: OnProgress, n_resamples: int = N_RESAMPLES) -> list[Summary]:
    """Read the matrices in the folders given, finished or not.

    Raises:
        InputError: a folder holds no matrix, or a matrix has no finished cell.
        DamagedArtifactError: what is there is not what the matrix wrote.
    """
    return [read_summary(folder, on_progress=on_progress, n_resamples=n_resamples) for folder in read_folders(paths)]


def read_summary(folder: MatrixFolder, *, on_progress: OnProgress, n_resamples: int = N_RESAMPLES) -> Summary:
    """Read one matrix.

    Raises:
        InputError: it has no finished cell.
        DamagedArtifactError: what is there is not what the matrix wrote.
    """
    done, missing = read_done(folder)
    if not done:
        raise InputError(f"{folder.path} has no finished cell of its {len(folder.keys)}; run its recipe into it again")
    reading = _Reading(folder=folder, done=done, reader=Reader.of(done, n_resamples=n_resamples))
    lines = reading.lines()
    attacks = []
    for place, (line, count) in enumerate(lines):
        on_progress(Progress(stage="attacks", done=place, total=len(lines)))
        found = reading.attacked(line, count)
        if found is not None:
            attacks.append(found)
    on_progress(Progress(stage="attacks", done=len(lines), total=len(lines)))
    return Summary(
        folder=folder,
        attacks=tuple(attacks),
        scored=tuple(reading.scored()),
        results=tuple(one.told for one in done),
        missing=tuple(missing),
    )


@dataclass(frozen=True, kw_only=True)
class _Reading:
    folder: MatrixFolder
    done: Sequence[Done]
    reader: Reader

    def lines(self) -> list[tuple[str, int]]:
        """Return the attacks in the recipe's order, then those of earlier calls."""
        found = dict.fromkeys((str(one.told["line"]), int(one.told["count"])) for one in self.done)
        order = {name: place for place, name in enumerate(self.folder.matrix.lines)}
        return sorted(found, key=lambda line: order.get(line[0], len(order)))

    def attacked(self, line: str, count: int) -> Attacked | None:
        own = {key: cells for key, cells in grouped(self.done).items() if key[:2] == (line, count)}
        bare = [cells for key, cells in own.items() if key[3] == "none"]
        if not bare:
            return None
        learned = {key[2]: cells for key, cells in own.items() if key[3] in ("repair", "training")}
        later = {key[2]: cells for key, cells in own.items() if key[3] == "rebound"}
        ordered = sorted(learned, key=self._place)
        reference = self._chosen(learned[ordered[0]]) if ordered else None
        return Attacked(
            line=line,
            attack=str(bare[0][0].told["attack"]),
            count=count,
            bare=self.reader.spot(bare[0]),
            frontiers=tuple(
                self._frontier(name, learned[name], later.get(name, []), bare[0], reference) for name in ordered
            ),
            retrained=tuple(
                self.reader.spot(cells)
                for key, cells in sorted(own.items(), key=lambda item: self._place(item[0][2]))
                if key[3] == "retrain"
            ),
        )

    def _chosen(self, cells: Sequence[Done]) -> Spot | None:
        return self.reader.chosen(cells, tolerance=self.folder.matrix.tolerance)

    def _frontier(
        self, name: str, cells: Sequence[Done], later: Sequence[Done], bare: Sequence[Done], reference: Spot | None
    ) -> Frontier:
        spots, chosen = self.reader.at_each_rate(cells), self._chosen(cells)
        # the seeds of most learning rates: a frontier joins points of the same models
        seeds = max((spot.seeds for spot in spots), key=lambda one: (len(one), one), default=())
        own = [one for one in bare if one.told["seed"] in seeds]
        left = None
        if seeds and len(own) == len(seeds):
            left = remaining(self.reader.spot(own), spots, self.reader.resampling)
        over: Mapping[str, Metric] = {}
        if chosen and reference and chosen.defense != reference.defense and chosen.seeds == reference.seeds:
            over = self.reader.difference(chosen.scores, reference.scores)
        rebound = self._rebound(later, chosen)
        rebounded = self.reader.difference(rebound.scores, chosen.scores) if rebound and chosen else {}
        return Frontier(
            defense=name,
            spots=tuple(spots),
            chosen=chosen,
            remaining=left,
            over=over,
            rebound=rebound,
            rebounded=rebounded,
        )

    def _rebound(self, later: Sequence[Done], chosen: Spot | None) -> Spot | None:
        """Return what later training made of the very models that were chosen; None where one of them is missing."""
        if chosen is None:
            return None
        wanted = set(zip(chosen.seeds, chosen.rates, strict=True))
        own = [one for one in later if (one.told["seed"], one.told.get("learning_rate")) in wanted]
        found = self.reader.spot(own) if own else None
        return found if found is not None and found.seeds == chosen.seeds else None

    def scored(self) -> list[Scored]:
        cells: dict[tuple[str, int, str, str, str], list[Mapping[str, Any]]] = {}
        for one in self.done:
            told = one.told
            if told["work"] in DETECTED:
                key = (told["line"], told["count"], told["defense"], told["work"], str(told.get("by") or ""))
                cells.setdefault(key, []).append(told)
        order = {line: place for place, line in enumerate(self.lines())}
        found = sorted(cells, key=lambda key: (self._place(key[2]), key[4], order[key[0], key[1]]))
        return [
            Scored(
                line=key[0],
                attack=str(cells[key][0]["attack"]),
                count=key[1],
                defense=key[2],
                work=key[3],
                by=key[4],
                told=tuple(sorted(cells[key], key=lambda told: int(told["seed"]))),
            )
            for key in found
        ]

    def _place(self, defense: str) -> tuple[int, str]:
        names = [line.name for line in self.folder.matrix.defenses()]
        return (names.index(defense) if defense in names else len(names), defense)
