"""What each stage of a contrastive run learns from and is judged on, held apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from threatclip.errors import InputError
from threatclip.experiments.contrastive.places import placed_file
from threatclip.experiments.contrastive.recipe import Contrastive, Stage, Table
from threatclip.experiments.material import file_modality, read_file
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.splits import split_pairs
from threatclip.seeds import rng
from threatclip.training.dual.prepared import whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageRows:
    """The rows of one stage.

    Attributes:
        name: of the stage.
        train: pairs with both halves.
        validation: pairs to choose on; may lack a half.
        test: pairs to judge on; may lack a half.
        n_halves: training pairs left out since they lack a half.
        n_copies: training pairs left out since a judged row of some stage has their picture or group.
    """

    name: str
    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]
    n_halves: int
    n_copies: int

    @property
    def judged(self) -> list[Pair]:
        """Rows of validation and test, each with the name of its split."""
        parts = (("validation", self.validation), ("test", self.test))
        return [replace(pair, split=name) for name, rows in parts for pair in rows]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """The rows of every stage, the modality of their views, and the texts that a vocabulary is made from."""

    modality: Modality
    stages: tuple[StageRows, ...]
    texts: tuple[str, ...]


def load_stages(recipe: Contrastive, root: Path) -> Material:
    """Read and split the tables of every stage.

    A training row is left out when a validation or test row of any stage has its view or its group: what one stage is
    judged on, no other may have learned.

    Raises:
        InputError: a file is missing or not of one modality, or a stage has nothing to learn from or to judge.
        BadRowsError: a file has broken rows and `skip_bad` is not set.
    """
    modality = _modality(recipe, root)
    read = [(stage, [pair for table in stage.tables for pair in _read(table, root)]) for stage in recipe.stages]
    held = [pair for _, pairs in read for pair in pairs if pair.split in ("validation", "test")]
    views = {pair.view for pair in held if pair.view}
    groups = {pair.group for pair in held if pair.group}
    stages = tuple(_stage_rows(stage, pairs, views, groups) for stage, pairs in read)
    captions = [pair.caption or "" for stage in stages for pair in stage.train]
    return Material(modality=modality, stages=stages, texts=(*captions, *_vocabulary(recipe, root, held)))


def _stage_rows(stage: Stage, pairs: Sequence[Pair], views: set[bytes], groups: set[str]) -> StageRows:
    learned = [pair for pair in pairs if pair.split == "train"]
    both = whole(learned)
    train = tuple(pair for pair in both if pair.view not in views and pair.group not in groups)
    parts = {name: tuple(pair for pair in pairs if pair.split == name) for name in ("validation", "test")}
    if not train or not whole(parts["test"]):
        raise InputError(
            f"stage {stage.name!r} has {len(train)} training and {len(parts['test'])} test rows with both halves; "
            "give its tables a split column, or a split"
        )
    return StageRows(
        name=stage.name, train=train, **parts, n_halves=len(learned) - len(both), n_copies=len(both) - len(train)
    )


def _read(table: Table, root: Path) -> list[Pair]:
    pairs = list(read_file(placed_file(table.file, root), root))
    if table.labels:
        pairs = [pair for pair in pairs if pair.label in table.labels]
    if table.split is not None:
        modality, generator = file_modality(table.file, root), rng(table.split_seed, "data/split")
        splits, _ = split_pairs(pairs, table.split, generator, root=root, modality=modality)
        pairs = [replace(pair, split=split) for pair, split in zip(pairs, splits, strict=True)]
    return pairs if table.n_train is None else _fewer(pairs, table)


def _fewer(pairs: Sequence[Pair], table: Table) -> list[Pair]:
    """Return the pairs with at most `n_train` training views, all captions of each."""
    views = list(dict.fromkeys(pair.view for pair in pairs if pair.split == "train"))
    chosen = rng(table.split_seed, "data/n_train").permutation(len(views))[: table.n_train]
    kept = {views[index] for index in chosen.tolist()}
    return [pair for pair in pairs if pair.split != "train" or pair.view in kept]


def _modality(recipe: Contrastive, root: Path) -> Modality:
    found: dict[Modality, str] = {}
    for stage in recipe.stages:
        for table in stage.tables:
            found.setdefault(file_modality(table.file, root), table.file.path)
    if len(found) != 1:
        raise InputError(f"the tables hold views of several modalities ({found}); one view tower reads one of them")
    return next(iter(found))


def _vocabulary(recipe: Contrastive, root: Path, held: Iterable[Pair]) -> list[str]:
    """Return texts that lend their words only; what is judged lends none."""
    judged = {pair.caption for pair in held}
    texts = []
    for file in recipe.data.vocabulary:
        pairs = read_file(placed_file(file, root), root)
        texts += [
            pair.caption for pair in pairs if pair.caption and pair.split != "test" and pair.caption not in judged
        ]
    return texts
