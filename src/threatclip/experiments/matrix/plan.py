"""The cells of a matrix: what each is asked, and in which order: the most informative ones first, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from threatclip.errors import RecipeError
from threatclip.experiments.matrix.recipe import NONE, By, DefenseLine, FilterLine, Matrix
from threatclip.experiments.poisoning.plan import Asked, cells_of, clean_line, name_of
from threatclip.experiments.poisoning.recipe import Line, Sweep
from threatclip.training.dual.settings import Fit

REBOUND = "--rebound"  # ends the names of cells of later clean training


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """The attacked model as it is."""

    work: Literal["none"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairing:
    """A repair at one learning rate: that of `fit`."""

    defense: str
    table: dict[str, Any]
    fit: Fit
    work: Literal["repair"] = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebounding:
    """Clean training of a repaired model."""

    repairing: Repairing
    later: Fit
    work: Literal["rebound"] = "rebound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtering:
    """A filter's scores of the poisoned pairs, by one encoder; `encoder` is the sweep's cell, where it is another's."""

    defense: str
    table: dict[str, Any]
    by: By
    encoder: Asked | None = None
    work: Literal["filter"] = "filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """The attack's own training, without the share of the pairs that a filter suspects most."""

    filtering: Filtering
    without: float
    work: Literal["retrain"] = "retrain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A training that takes the place of the sweep's own on the poisoned pairs."""

    defense: str
    table: dict[str, Any]
    fit: Fit
    work: Literal["training"] = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detecting:
    """A detector's scores of clean and of triggered test views."""

    defense: str
    table: dict[str, Any]
    work: Literal["detector"] = "detector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """A scanner's score of one model, attacked or clean."""

    defense: str
    table: dict[str, Any]
    work: Literal["scanner"] = "scanner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Towers that learn the trusted pairs alone; a filter's encoder, no defense by itself."""

    work: Literal["encoder"] = "encoder"


Work = Bare | Repairing | Rebounding | Filtering | Retraining | Guarded | Detecting | Scanning | Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What decides one cell: the sweep's cell that made the model, the pairs a defender holds, and what is done."""

    attacked: Asked
    trusted: int
    held_out: int
    work: Work


def ask_name(ask: Ask) -> str:
    """Return what names a cell; `--` stands in no name of a defense."""
    if isinstance(ask.work, Encoding):
        return f"trusted-{ask.attacked.seed}"
    return f"{name_of(ask.attacked)}--{work_name(ask.work)}"


def work_name(work: Work) -> str:
    """Return the part of a cell's name that tells the defense."""
    match work:
        case Bare():
            return NONE
        case Repairing() | Guarded():
            return f"{work.defense}--{work.fit.learning_rate:g}"
        case Rebounding():
            return f"{work_name(work.repairing)}{REBOUND}"
        case Filtering():
            return f"{work.defense}--{work.by}"
        case Retraining():
            return f"{work_name(work.filtering)}--without-{work.without:g}"
        case Detecting() | Scanning():
            return work.defense
        case Encoding():
            return "encoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """The models of one seed: those of the attacks, in the order wanted, and the clean line's."""

    seed: int
    attacks: tuple[Asked, ...]
    clean: Asked


def chosen_lines(matrix: Matrix, sweep: Sweep) -> list[tuple[Line, int]]:
    """Return the attacks of a matrix with their doses, in its order.

    Raises:
        RecipeError: a line is not the sweep's, has no attack, or not that dose.
    """
    known = {line.name: line for line in sweep.lines if line.attack is not None}
    asked = {name for line in matrix.defenses() for name in line.lines} | set(matrix.lines) | set(matrix.counts)
    strange = sorted(asked - set(known))
    if strange:
        raise RecipeError(f"line {strange[0]!r} is none of the sweep's attacks: {', '.join(known)}")
    outside = sorted(name for name in asked - set(matrix.counts) if matrix.lines and name not in matrix.lines)
    if outside:
        raise RecipeError(
            f"a defense asks for line {outside[0]!r}, which is not among the matrix's lines; add it there"
        )
    found = []
    for name in matrix.lines or known:
        line = known[name]
        count = matrix.counts.get(name, max(line.counts))
        if count not in line.counts:
            raise RecipeError(f"counts.{name} is {count}; the sweep has {', '.join(map(str, line.counts))}")
        found.append((line, count))
    return found


def attacked_models(matrix: Matrix, sweep: Sweep) -> list[Attacked]:
    """Return what the sweep has to make, seed by seed; a line that lacks a seed is left out of it.

    Raises:
        RecipeError: see `chosen_lines`; or no attack has a seed that is asked for.
    """
    cells = {name_of(asked): asked for asked in cells_of(sweep)}
    found = []
    for seed in matrix.seeds or sweep.seeds:
        wanted = [
            (line, cells[name])
            for line, count in chosen_lines(matrix, sweep)
            if (name := f"{line.name}-{count}-{seed}") in cells
        ]
        if wanted:
            clean = cells[f"{clean_line(sweep, wanted[0][0])}-{seed}"]
            found.append(Attacked(seed=seed, attacks=tuple(asked for _, asked in wanted), clean=clean))
    if not found:
        raise RecipeError(f"no line of the sweep has a seed of {list(matrix.seeds)}; choose others")
    return found


def asks_of(matrix: Matrix, sweep: Sweep, models: Attacked) -> list[Ask]:
    """Return all that is asked of one seed but rebounds, which wait for the choice of learning rates."""
    ask = _Asking(matrix=matrix, sweep=sweep, models=models)
    return [
        *ask.encoders(),
        *(ask.ask(asked, Bare()) for asked in models.attacks),
        *ask.repairs(slice(1)),
        *ask.filters(),
        *ask.repairs(slice(1, None)),
        *ask.single_views(),
        *ask.trainings(),
        *ask.retrainings(),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    matrix: Matrix
    sweep: Sweep
    models: Attacked

    def ask(self, attacked: Asked, work: Work) -> Ask:
        return Ask(attacked=attacked, trusted=self.matrix.trusted, held_out=self.matrix.held_out, work=work)

    def attacks(self, line: DefenseLine) -> Sequence[Asked]:
        seeds = line.seeds if line.seeds is not None else (self.models.seed,)
        if self.models.seed not in seeds:
            return ()
        return [
            asked
            for asked in self.models.attacks
            if not line.lines or (asked.line is not None and asked.line.name in line.lines)
        ]

    def encoders(self) -> Iterator[Ask]:
        if any("trusted" in line.by and self.attacks(line) for line in self.matrix.filters):
            yield self.ask(self._victim(self.models.seed), Encoding())

    def repairs(self, which: slice) -> Iterator[Ask]:
        """Yield repairs at some of their learning rates: the first one of all before the second one of any."""
        rates = {line.name: line.rates or self.matrix.rates for line in self.matrix.repairs}
        for place in range(max(map(len, rates.values()), default=0))[which]:
            for attacked in self.models.attacks:
                for line in self.matrix.repairs:
                    if place < len(rates[line.name]) and attacked in self.attacks(line):
                        epochs = line.epochs or self.matrix.budget.epochs
                        fit = replace(self.matrix.budget, epochs=epochs, learning_rate=rates[line.name][place])
                        yield self.ask(attacked, Repairing(defense=line.name, table=line.repair, fit=fit))

    def filters(self) -> Iterator[Ask]:
        for line in self.matrix.filters:
            for attacked in self.attacks(line):
                for by in line.by:
                    yield self.ask(attacked, self._filtering(line, by))

    def retrainings(self) -> Iterator[Ask]:
        for line in self.matrix.filters:
            for share in line.remove:
                for attacked in self.attacks(line):
                    for by in line.by:
                        filtering = self._filtering(line, by)
                        yield self.ask(attacked, Retraining(filtering=filtering, without=share))

    def trainings(self) -> Iterator[Ask]:
        for line in self.matrix.trainings:
            for attacked in self.attacks(line):
                own = fit_of(self.sweep, attacked)
                for rate in line.rates or (own.learning_rate,):
                    fit = replace(own, epochs=line.epochs or own.epochs, learning_rate=rate)
                    yield self.ask(attacked, Guarded(defense=line.name, table=line.training, fit=fit))

    def single_views(self) -> Iterator[Ask]:
        for scanner in self.matrix.scanners:
            attacked = self.attacks(scanner)
            for model in (*attacked, self.models.clean) if attacked else ():
                yield self.ask(model, Scanning(defense=scanner.name, table=scanner.scanner))
        for detector in self.matrix.detectors:
            for model in self.attacks(detector):
                if model.line is not None and hasattr(model.line.attack, "trigger"):
                    yield self.ask(model, Detecting(defense=detector.name, table=detector.detector))

    def _filtering(self, line: FilterLine, by: By) -> Filtering:
        encoder = self._victim(self._other_seed()) if by == "independent" else None
        return Filtering(defense=line.name, table=line.filter, by=by, encoder=encoder)

    def _other_seed(self) -> int:
        seeds = self.sweep.seeds
        others = [seed for seed in seeds if seed > self.models.seed] + [s for s in seeds if s < self.models.seed]
        if not others:
            raise RecipeError(
                "a filter by the independent encoder needs a sweep of two seeds or more: it takes another one's victim"
            )
        return others[0]

    def _victim(self, seed: int) -> Asked:
        return next(asked for asked in cells_of(self.sweep) if asked.line is None and asked.seed == seed)


def fit_of(sweep: Sweep, attacked: Asked) -> Fit:
    """Return how the sweep trains on the pairs of an attack."""
    line = attacked.line
    if line is None or line.start == "scratch":
        return sweep.victim.fit
    frozen: dict[str, Any] = {"both": None, "view": "text", "text": "view"}
    return replace(sweep.continued, freeze=frozen[line.trains])


def models_needed(matrix: Matrix, sweep: Sweep, models: Attacked) -> list[str]:
    """Return the cells of the sweep that the asks of one seed need, by name."""
    names = [f"victim-{models.seed}", name_of(models.clean), *map(name_of, models.attacks)]
    names += [f"{asked.clean}-{models.seed}" for asked in models.attacks]
    for ask in asks_of(matrix, sweep, models):
        if isinstance(ask.work, Filtering) and ask.work.encoder is not None:
            names.append(name_of(ask.work.encoder))
    return list(dict.fromkeys(names))
