"""The recipe of one contrastive experiment: towers, and the stages that they are trained in, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from threatclip.checks import at_least, check, distinct, fraction
from threatclip.defenses.trainings import Training
from threatclip.encoders.towers import TowerConfig, view_modality
from threatclip.errors import RecipeError
from threatclip.experiments.recipe import File
from threatclip.pairs.splits import SplitSpec
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where paths start from, and what else the vocabulary of a text tower is made from."""

    root: str | None = None  # folder that every path here starts from; None: THREATCLIP_DATA, else ../shared/data
    vocabulary: tuple[File, ...] = ()  # captions (or texts) read for their words alone: rows of test are left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Pairs of one file, and how they are split."""

    file: File
    split: SplitSpec | None = None  # None: the file's own split column
    split_seed: int = 0  # of splits at random: all seeds of a recipe are judged on the same rows
    labels: tuple[str, ...] = ()  # only rows of these classes; empty: all rows
    n_train: int | None = None  # at most so many training views, drawn evenly

    def __post_init__(self) -> None:
        distinct("a label", self.labels)
        at_least(self, 1, "n_train")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One fit after another: each goes on from where the one before it ended."""

    name: str
    tables: tuple[Table, ...]
    fit: Fit = field(default_factory=Fit)
    interpolate: float = 1.0  # share of what was tuned, the rest is the model before this stage [Wortsman 2022]
    training: Training | None = None  # a defense in training, in place of the plain contrastive loss

    def __post_init__(self) -> None:
        if self.training is not None:
            self.training.check(self.fit)
        plain = self.name.replace("-", "").replace("_", "").isalnum() and self.name.isascii()
        check("name", self.name, plain and self.name not in ("start", ""), "letters, digits and hyphens, not 'start'")
        check("tables", self.tables, bool(self.tables), "one table or more")
        fraction(self, "interpolate")


@dataclass(frozen=True, slots=True, kw_only=True)
class FromRun:
    """Go on from the dual encoder of a run or a bundle."""

    kind: Literal["run"] = "run"
    path: str  # of the folder: under data.root, or where the command is run

    def __post_init__(self) -> None:
        check("path", self.path, bool(self.path.strip()), "the path of a run or bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class FromClip:
    """Go on from a real CLIP model: both towers, tokenizer, preprocessing and temperature [Radford 2021]."""

    kind: Literal["clip"] = "clip"
    source: str  # a folder in transformers' format (under data.root or not), or a hub id
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    n_trainable_view_layers: int | None = None  # counted from the last, with the projection; None: all
    n_trainable_text_layers: int | None = None
    max_tokens: int | None = None  # of a text; None keeps the model's own limit

    def __post_init__(self) -> None:
        check("source", self.source, bool(self.source.strip()), "a folder or a hub id")


Start = FromRun | FromClip


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrastive:
    """Views and captions in one space: contrastive training of two towers on pairs of any modality."""

    task: Literal["contrastive"]
    stages: tuple[Stage, ...]
    view_tower: TowerConfig | None = None
    text_tower: TowerConfig | None = None
    start: Start | None = None  # a model to go on from, in place of new towers
    data: Data = field(default_factory=Data)
    seed: int = 0
    temperature: float = 0.07  # at the start; a model that is gone on from brings its own
    learn_temperature: bool = True
    prompts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # class -> texts: judged zero-shot by its label
    matching_pool: int = 100  # captions that one is chosen from in matching_accuracy

    def __post_init__(self) -> None:
        check("stages", self.stages, bool(self.stages), "one stage or more")
        distinct("the name of a stage", tuple(stage.name for stage in self.stages))
        check("temperature", self.temperature, 0.01 <= self.temperature <= 1, "in [0.01, 1]")
        at_least(self, 2, "matching_pool")
        if (self.start is None) == (self.view_tower is None) or (self.view_tower is None) != (self.text_tower is None):
            raise RecipeError("give either view_tower and text_tower, or start = a model to go on from")
        if self.text_tower is not None and view_modality(self.text_tower) == "image":
            raise RecipeError(f"text_tower: kind {self.text_tower.kind!r} reads pictures; choose one that reads texts")
        for name, texts in self.prompts.items():
            check(f"prompts.{name}", texts, bool(texts) and all(text.strip() for text in texts), "texts, none blank")
        for stage in self.stages:
            for table in stage.tables:
                self._check_modality(stage.name, table)

    def _check_modality(self, stage: str, table: Table) -> None:
        source = table.file.source
        if source is None or self.view_tower is None:
            return
        reads = view_modality(self.view_tower)
        if (source.modality == "image") != (reads == "image"):
            raise RecipeError(
                f"stage {stage!r}: {table.file.path} holds {source.modality} pairs, and view_tower reads {reads}s; "
                "choose a tower that reads them"
            )
