"""The cells of a sweep: what each is asked, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from threatclip.experiments.poisoning.recipe import Line, Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What decides one cell: the sweep without its other lines, and the line, dose and seed."""

    sweep: Sweep
    line: Line | None  # None: the victim itself
    clean: str | None  # name of the clean line that an attack is measured against
    count: int
    seed: int


def cells_of(sweep: Sweep) -> Iterator[Asked]:
    """Yield what every cell of a sweep is asked: victims, clean lines, attacks."""
    bare = replace(sweep, lines=(), title="", document=None, seeds=(0,))
    needed = sorted({seed for line in sweep.lines for seed in line.seeds or sweep.seeds})
    for seed in needed:
        yield Asked(sweep=bare, line=None, clean=None, count=0, seed=seed)
    clean = clean_lines(sweep)
    for line in sweep.lines:
        # clean lines answer to the attacks of every seed
        for seed in needed if line.attack is None else line.seeds or sweep.seeds:
            for count in line.counts or (0,):
                own = replace(line, counts=(count,) if line.attack else (), seeds=None)
                yield Asked(sweep=bare, line=own, clean=clean[line.start], count=count, seed=seed)


def name_of(asked: Asked) -> str:
    """Return what names a cell."""
    if asked.line is None:
        return f"victim-{asked.seed}"
    return f"{asked.line.name}-{asked.count}-{asked.seed}" if asked.line.attack else f"{asked.line.name}-{asked.seed}"


def clean_lines(sweep: Sweep) -> dict[str, str]:
    """Return, for each way to start, the name of the line without attack: what damage is measured against."""
    return {line.start: line.name for line in reversed(sweep.lines) if line.attack is None}
