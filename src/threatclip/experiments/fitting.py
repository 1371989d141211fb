"""Both stages and the members, fitted on one set of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from threatclip.encoders.encode import encode
from threatclip.encoders.towers import Tower, build_tower
from threatclip.experiments.material import UNLABELED, Material, Rows, unrelated
from threatclip.experiments.members import Members, fit_members
from threatclip.experiments.payload_side import learn_payload_tower
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.recipe import PayloadWeakness
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


def fit(
    recipe: PayloadWeakness,
    material: Material,
    train: Rows,
    judged: Sequence[Pair],
    *,
    name: str,
    saving: Saving,
    on_progress: OnProgress,
) -> Fitted:
    """Run stage 1, stage 2 and the members on `train` and the extras.

    Args:
        recipe: the experiment.
        material: where descriptions and extras come from.
        train: labeled rows of the split.
        judged: pairs that nothing learned may share a CVE with.
        name: of this pass, for records and checkpoints.
        saving: checkpoints and step records.
        on_progress: told of every step.
    """
    known = list(unrelated(material.descriptions, train.pairs, judged))
    if recipe.stage1.loss != "infonce":  # the others learn from classes only
        known = [pair for pair in known if pair.label in material.classes]
    texts = [pair.view.decode("utf-8", "replace") for pair in known]
    labels = _numbers([pair.label for pair in known], material.classes)
    rows = joined(train, material.extra)
    captions = [pair.caption or "" for pair in rows.pairs]
    device = this_accelerator().device
    text_tower = build_text_tower(recipe.text_tower, [*texts, *filter(None, captions)], seed=recipe.seed).to(device)

    def reading(_: str, done: int, total: int) -> None:
        on_progress(Progress(stage=f"{name}/texts", done=done, total=total))

    described = np.array([bool(caption) for caption in captions[: len(train)]], dtype=bool)
    steps = learn_text_space(
        text_tower,
        [*texts, *(captions[i] for i in np.flatnonzero(described))],
        np.concatenate([labels, train.labels[described]]),
        recipe.stage1,
        seed=recipe.seed,
        checkpoints=_folder(saving, f"{name}/stage1"),
        resume=saving.resume,
        progress=reading,
    )
    _follow(f"{name}/stage1", steps, saving.on_step, on_progress, total=None)
    text_tower.eval()
    anchors = class_anchors(text_tower, material.classes, recipe.data.anchors)
    if recipe.stage2.targets == "one_hot":
        anchors = one_hot_anchors(anchors, dim=text_tower.dim)
    payload_tower = build_tower(recipe.payload_tower, seed=recipe.seed, texts=_readable(rows)).to(device)
    steps = learn_payload_tower(
        payload_tower,
        text_tower,
        rows,
        _caption_features(text_tower, captions, reading),
        anchors,
        recipe.stage2,
        recipe.views,
        n_classes=len(material.classes),
        seed=recipe.seed,
        checkpoints=_folder(saving, f"{name}/stage2"),
        resume=saving.resume,
    )
    _follow(f"{name}/stage2", steps, saving.on_step, on_progress, total=recipe.stage2.steps)
    payload_tower.eval()
    vectors = encode(payload_tower, train.views, precision="fp32")
    anchor_vectors = project(text_tower, anchors.features) if anchors.fixed is None else anchors.fixed
    ngram_extra = material.extra.take(material.ngram_extra & (material.extra.labels != UNLABELED))
    members = fit_members(
        recipe.answer,
        train=train,
        vectors=vectors,
        extra=ngram_extra,
        anchors=(anchor_vectors, anchors.owners),
        n_classes=len(material.classes),
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


def _follow(stage: str, steps: Iterable[Step], on_step: OnStep, on_progress: OnProgress, *, total: int | None) -> None:
    for step in steps:
        on_step(stage, step)
        on_progress(Progress(stage=stage, done=step.step, total=total or 0, facts=step.losses))


def _folder(saving: Saving, stage: str) -> Path | None:
    return None if saving.checkpoints is None else saving.checkpoints / stage


def _numbers(labels: Sequence[str | None], classes: Sequence[str]) -> np.ndarray:
    number = {name: index for index, name in enumerate(classes)}
    return np.array([number.get(label or "", UNLABELED) for label in labels], dtype=np.int64)


def joined(first: Rows, second: Rows) -> Rows:
    """Return the rows of both, in order."""
    return Rows(
        pairs=first.pairs + second.pairs,
        labels=np.concatenate([first.labels, second.labels]),
        weights=np.concatenate([first.weights, second.weights]),
    )


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
