"""What an attack sweep may say: the pairs, the victim, and the lines of attacks x doses x seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from threatclip.attacks import Attack
from threatclip.checks import at_least, check, distinct
from threatclip.encoders.towers import TowerConfig
from threatclip.errors import RecipeError
from threatclip.experiments.recipe import File
from threatclip.pairs.splits import SplitSpec
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The pairs that a victim learns from and is judged on.

    Attributes:
        file: labeled pairs.
        split: how they are split; None takes the table's own column.
        root: folder that paths start from; None: THREATCLIP_DATA, else ../shared/data.
        split_seed: of splits at random, and of the choice of rows: all seeds are judged on the same rows.
        classes: labels that are kept; empty: the `n_classes` most frequent ones of the training rows.
        n_classes: how many, where `classes` is empty; None: all.
        lexicon: labels are read from the captions (single-label pictures only) in place of the label column.
        pool: training views, drawn evenly; the attacker's table. None: all.
        test: test views, drawn evenly. None: all.
        rare: label -> training views that are left of it, the rest is dropped: a rare class is fully re-captioned by
            few poisons [Yang 2023, section 4.1].
    """

    file: File
    split: SplitSpec | None = None
    root: str | None = None
    split_seed: int = 0
    classes: tuple[str, ...] = ()
    n_classes: int | None = None
    lexicon: bool = False
    pool: int | None = None
    test: int | None = None
    rare: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at_least(self, 2, "n_classes")
        at_least(self, 1, "pool", "test")
        distinct("a class", self.classes)
        for label, count in self.rare.items():
            check(f"rare.{label}", count, count >= 1, "at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """Who is poisoned: towers made from nothing, trained on the clean pool."""

    view_tower: TowerConfig
    text_tower: TowerConfig
    fit: Fit = field(default_factory=Fit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attack of the sweep, at each of its doses.

    Attributes:
        name: of the line, unique.
        attack: kind and parameters; None trains on clean pairs: the model that damage is measured against.
        counts: poisoned rows, each dose a cell.
        seeds: None takes those of the sweep.
        start: the poisoned pairs continue the training of the clean victim, or train new towers.
        trains: which towers move while poisoned pairs are learned; the other one is frozen as a whole.
    """

    name: str
    attack: Attack | None = None
    counts: tuple[int, ...] = ()
    seeds: tuple[int, ...] | None = None
    start: Literal["victim", "scratch"] = "victim"
    trains: Literal["both", "view", "text"] = "both"

    def __post_init__(self) -> None:
        # it begins the names of files
        plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", self.name) is not None
        check("name", self.name, plain, "at most 80 letters, digits and . _ -, the first a letter or digit")
        check("counts", self.counts, all(count >= 1 for count in self.counts), "1 or more each")
        if bool(self.counts) != (self.attack is not None):
            raise RecipeError(f"line {self.name!r}: an attack needs counts, and a clean line has none")
        if self.start == "scratch" and self.trains != "both":
            raise RecipeError(f"line {self.name!r}: new towers cannot be frozen; start from the victim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Attacks x doses x seeds on one victim.

    Attributes:
        prompts: what a class is called in zero-shot answers: the captions of its training rows, the templates of
            pictures, or the anchors of the weakness catalogue.
        continued: the fit on poisoned pairs that starts at the victim.
        linear: also ask a linear head and nearest neighbors, which learn from clean labeled rows of the pool.
    """

    task: Literal["attack-sweep"]
    title: str
    rows: Rows
    victim: Victim
    lines: tuple[Line, ...]
    prompts: Literal["captions", "templates", "weaknesses"] = "captions"
    continued: Fit = field(default_factory=Fit)
    seeds: tuple[int, ...] = (0,)
    linear: bool = True
    document: str | None = None

    def __post_init__(self) -> None:
        distinct("a line", ("victim", *(line.name for line in self.lines)))  # the victim has cells of its own
        check("seeds", self.seeds, bool(self.seeds), "one seed or more")
        starts = {line.start for line in self.lines}
        clean = {line.start for line in self.lines if line.attack is None}
        missing = sorted(starts - clean)
        if missing:
            raise RecipeError(
                f"no clean line (without attack) starts from {missing[0]!r}; damage needs one to be measured against"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeps:
    """Several sweeps, and the one document that holds their tables."""

    task: Literal["attack-sweeps"]
    title: str
    sweeps: tuple[str, ...]  # recipes, relative to this one
    document: str | None = None
