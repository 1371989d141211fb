"""Both stages and the members, fitted on one set of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from threatclip.encoders.encode import encode
from threatclip.encoders.towers import Tower, build_tower
from threatclip.evaluation.predictions import UNLABELED
from threatclip.experiments.material import Material, unrelated
from threatclip.experiments.members import Members, fit_members
from threatclip.experiments.payload_side import learn_payload_tower
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.experiments.rows import Rows
from threatclip.experiments.text_side import (
    Anchors,
    TextTower,
    build_text_tower,
    class_anchors,
    learn_text_space,
    one_hot_anchors,
    project,
    text_features,
)
from threatclip.pairs.pair import Pair
from threatclip.training.contracts import Step
from threatclip.training.distributed import this_accelerator

OnStep = Callable[[str, Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Where checkpoints and records go: a folder for each stage under `checkpoints`, and a listener for steps."""

    checkpoints: Path | None
    resume: bool
    on_step: OnStep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """Towers in evaluation mode, the anchors, the members, and the rows that they know."""

    text_tower: TextTower
    payload_tower: Tower
    anchors: Anchors
    anchor_vectors: np.ndarray
    members: Members
    known: Rows
    known_vectors: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pass:
    """One fit: its name (for records and checkpoints), what it reads, and who is told.

    Attributes:
        name: "first" or "final".
        recipe: the experiment.
        material: where descriptions and extras come from.
        train: labeled rows of the split.
        judged: pairs that nothing learned may share a CVE with.
        saving: checkpoints and step records.
        on_progress: told of every step.
    """

    name: str
    recipe: PayloadWeakness
    material: Material
    train: Rows
    judged: Sequence[Pair]
    saving: Saving
    on_progress: OnProgress

    def reading(self, _: str, done: int, total: int) -> None:
        """Tell of texts read."""
        self.on_progress(Progress(stage=f"{self.name}/texts", done=done, total=total))

    def follow(self, stage: str, steps: Iterable[Step], *, total: int) -> None:
        """Run a stage to its end, record and tell of every step; `total` 0 is unknown."""
        for step in steps:
            self.saving.on_step(f"{self.name}/{stage}", step)
            self.on_progress(Progress(stage=f"{self.name}/{stage}", done=step.step, total=total, facts=step.losses))

    def checkpoints(self, stage: str) -> Path | None:
        """Return where a stage keeps its checkpoints."""
        return None if self.saving.checkpoints is None else self.saving.checkpoints / self.name / stage


def fit(work: Pass) -> Fitted:
    """Run stage 1, stage 2 and the members on the training rows and the extras."""
    recipe, train = work.recipe, work.train
    rows = train.joined(work.material.extra)
    captions = [pair.caption or "" for pair in rows.pairs]
    text_tower = _text_side(work, captions)
    anchors = class_anchors(text_tower, work.material.classes, recipe.data.anchors)
    if recipe.stage2.targets == "one_hot":
        anchors = one_hot_anchors(anchors, dim=text_tower.dim)
    features = _caption_features(text_tower, captions, work.reading)
    payload_tower = _payload_side(work, text_tower, rows, features, anchors)
    vectors = encode(payload_tower, train.views, precision="fp32")
    anchor_vectors = project(text_tower, anchors.features) if anchors.fixed is None else anchors.fixed
    extra = work.material.extra
    members = fit_members(
        recipe.answer,
        train=train,
        vectors=vectors,
        extra=extra.take(work.material.ngram_extra & (extra.labels != UNLABELED)),
        anchors=(anchor_vectors, anchors.owners),
        n_classes=len(work.material.classes),
        views=recipe.views,
        seed=recipe.seed,
    )
    return Fitted(
        text_tower=text_tower,
        payload_tower=payload_tower,
        anchors=anchors,
        anchor_vectors=anchor_vectors,
        members=members,
        known=train,
        known_vectors=vectors,
    )


def _text_side(work: Pass, captions: Sequence[str]) -> TextTower:
    """Stage 1: a text tower that knows the classes from descriptions and the training rows' own captions."""
    recipe, train = work.recipe, work.train
    known = list(unrelated(work.material.descriptions, train.pairs, work.judged))
    if recipe.stage1.loss != "infonce":  # the others learn from classes only
        known = [pair for pair in known if pair.label in work.material.classes]
    texts = [pair.view.decode("utf-8", "replace") for pair in known]
    described = np.array([bool(caption) for caption in captions[: len(train)]], dtype=bool)
    tower = build_text_tower(recipe.text_tower, [*texts, *filter(None, captions)], seed=recipe.seed)
    tower.to(this_accelerator().device)
    steps = learn_text_space(
        tower,
        [*texts, *(caption for caption, own in zip(captions, described, strict=False) if own)],
        np.concatenate([_numbers([pair.label for pair in known], work.material.classes), train.labels[described]]),
        recipe.stage1,
        seed=recipe.seed,
        checkpoints=work.checkpoints("stage1"),
        resume=work.saving.resume,
        progress=work.reading,
    )
    work.follow("stage1", steps, total=0)
    return tower.eval()


def _payload_side(work: Pass, text_tower: TextTower, rows: Rows, features: np.ndarray, anchors: Anchors) -> Tower:
    """Stage 2: a payload tower in the text tower's space."""
    recipe = work.recipe
    tower = build_tower(recipe.payload_tower, seed=recipe.seed, texts=_readable(rows)).to(this_accelerator().device)
    steps = learn_payload_tower(
        tower,
        text_tower,
        rows,
        features,
        anchors,
        recipe.stage2,
        recipe.views,
        n_classes=len(work.material.classes),
        seed=recipe.seed,
        checkpoints=work.checkpoints("stage2"),
        resume=work.saving.resume,
    )
    work.follow("stage2", steps, total=recipe.stage2.steps)
    return tower.eval()


def _numbers(labels: Sequence[str | None], classes: Sequence[str]) -> np.ndarray:
    number = {name: index for index, name in enumerate(classes)}
    return np.array([number.get(label or "", UNLABELED) for label in labels], dtype=np.int64)


def _readable(rows: Rows) -> list[str]:
    return [pair.view.decode("utf-8", "replace") for pair in rows.pairs]


def _caption_features(
    tower: TextTower, captions: Sequence[str], reading: Callable[[str, int, int], None]
) -> np.ndarray:
    """Return features [n, w] of captions, zeros where a row has none; equal captions are read once."""
    distinct = sorted(set(filter(None, captions)))
    place = {caption: index for index, caption in enumerate(distinct)}
    features = text_features(tower, distinct or [""], progress=reading)
    out = np.zeros((len(captions), features.shape[1]), dtype=np.float32)
    for row, caption in enumerate(captions):
        if caption:
            out[row] = features[place[caption]]
    return out
