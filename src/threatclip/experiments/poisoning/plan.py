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
    for line in sweep.lines:
        # clean lines answer to the attacks of every seed
        for seed in needed if line.attack is None else line.seeds or sweep.seeds:
            for count in line.counts or (0,):
                own = replace(line, counts=(count,) if line.attack else (), seeds=None)
                yield Asked(sweep=bare, line=own, clean=clean_line(sweep, line), count=count, seed=seed)


def name_of(asked: Asked) -> str:
    """Return what names a cell."""
    if asked.line is None:
        return f"victim-{asked.seed}"
    return f"{asked.line.name}-{asked.count}-{asked.seed}" if asked.line.attack else f"{asked.line.name}-{asked.seed}"


def clean_line(sweep: Sweep, line: Line) -> str:
    """Return the name of the line without attack that a line's damage is measured against.

    One that starts alike, and that trains the same towers where there is such a one: a tower that was frozen did not
    move, whatever the pairs were.
    """
    alike = [one for one in sweep.lines if one.attack is None and one.start == line.start]
    return next((one.name for one in alike if one.trains == line.trains), alike[0].name)
