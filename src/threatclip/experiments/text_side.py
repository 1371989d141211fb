"""Stage 1: a text tower whose space is shaped by the threat classes of vulnerability descriptions.

[arXiv 2603.20181, stage 1] uses a triplet loss; supervised contrastive loss and InfoNCE between two views of one
description are the alternatives. A frozen transformer is run once for each text: only its projection then trains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from threatclip.encoders.bpe import BpeNetwork
from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.feature_cache import cached_features
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.towers import TowerConfig, build_tower
from threatclip.errors import RecipeError
from threatclip.experiments.recipe import Stage1
from threatclip.losses.clip import symmetric_infonce
from threatclip.losses.supcon import supervised_contrastive
from threatclip.losses.triplet import batch_hard_triplet
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng
from threatclip.training.batches import ClassBalancedBatches, ShuffledBatches
from threatclip.training.contracts import Batch, Batches, Step
from threatclip.training.loop import train
from threatclip.training.settings import TrainSettings

TextTower = PretrainedNetwork | BpeNetwork
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextObjective:
    """One of the three losses of stage 1 on projected features, or on tokens where the body trains too."""

    tower: TextTower
    stage: Stage1

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of the texts, and of their second views where there are any."""
        if "features" in batch:
            vectors = {"text": self.tower.project(batch["features"])}
            if "second_features" in batch:
                vectors["second"] = self.tower.project(batch["second_features"])
            return vectors
        vectors = {"text": self.tower(batch["tokens"], batch["lengths"])}
        if "second_tokens" in batch:
            vectors["second"] = self.tower(batch["second_tokens"], batch["second_lengths"])
        return vectors

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return the loss of the whole batch."""
        match self.stage.loss:
            case "triplet":
                value = batch_hard_triplet(reps["text"], batch["label"], margin=self.stage.margin)
            case "supcon":
                value = supervised_contrastive(reps["text"], batch["label"], temperature=self.stage.temperature)
            case _:
                value = symmetric_infonce(reps["text"], reps["second"], temperature=self.stage.temperature)
        return {"loss": value}


def body_is_frozen(tower: TextTower) -> bool:
    """Tell whether features of a text never change: only the projection, if anything, trains."""
    return isinstance(tower, PretrainedNetwork) and not any(p.requires_grad for p in tower.transformer.parameters())


def build_text_tower(config: TowerConfig, texts: Sequence[str], *, seed: int) -> TextTower:
    """Make the text tower; a byte tower reads payloads only.

    Raises:
        RecipeError: `config` is no text tower.
    """
    tower = build_tower(config, seed=seed, texts=texts)
    if not isinstance(tower, PretrainedNetwork | BpeNetwork):
        raise RecipeError("text_tower: kind 'byte' reads payloads; choose 'pretrained' or 'bpe'")
    return tower


def learn_text_space(
    tower: TextTower,
    texts: Sequence[str],
    labels: np.ndarray,
    stage: Stage1,
    *,
    seed: int,
    checkpoints: Path | None,
    resume: bool,
    progress: Progress,
) -> Iterator[Step]:
    """Train `tower` in place on labeled descriptions and yield the steps; nothing to do where the loss is `none`.

    Args:
        labels: class numbers [n]; -1 rows serve `infonce` only.
        progress: told of the reading of texts as ("features", done, total).

    Raises:
        RecipeError: there is nothing to train.
    """
    if stage.loss == "none":
        return
    if not any(p.requires_grad for p in tower.parameters()):
        raise RecipeError("text_tower: everything is frozen; set projection = 'mlp', or stage1.loss = 'none'")
    batches = _batches(tower, texts, labels, stage, seed=seed, progress=progress)
    settings = TrainSettings(epochs=stage.epochs, learning_rate=stage.learning_rate, seed=seed, precision="fp32")
    objective = TextObjective(tower=tower, stage=stage)
    # a frozen body must not be held by the optimizer's module: its weights would be saved in every checkpoint
    module: nn.Module = tower.projection if body_is_frozen(tower) and tower.projection is not None else tower
    yield from train(
        module=module,
        objective=objective,
        batches=batches,
        settings=settings,
        checkpoints=checkpoints,
        resume=resume,
    )


def _batches(
    tower: TextTower, texts: Sequence[str], labels: np.ndarray, stage: Stage1, *, seed: int, progress: Progress
) -> Batches:
    collate = _collate(tower, texts, labels, stage, seed=seed, progress=progress)
    n_classes = len(np.unique(labels[labels >= 0]))
    if stage.loss == "infonce":
        rows = min(len(texts), stage.rows_per_class * n_classes)
        return ShuffledBatches(n_rows=len(texts), batch_rows=rows, seed=seed, collate=collate)
    return ClassBalancedBatches(
        labels=labels, classes_per_batch=n_classes, rows_per_class=stage.rows_per_class, seed=seed, collate=collate
    )


def _collate(
    tower: TextTower, texts: Sequence[str], labels: np.ndarray, stage: Stage1, *, seed: int, progress: Progress
) -> Callable[[np.ndarray, np.random.Generator], Batch]:
    if body_is_frozen(tower):
        first = text_features(tower, texts, progress=progress)
        second = None
        if stage.loss == "infonce":
            draw = rng(seed, "stage1/second-view")
            dropped = [drop_words(text, share=stage.word_dropout, rng=draw) for text in texts]
            second = text_features(tower, dropped, progress=progress)

        def frozen(rows: np.ndarray, _: np.random.Generator) -> Batch:
            batch = {"features": torch.from_numpy(first[rows]), "label": torch.from_numpy(labels[rows])}
            return batch if second is None else {**batch, "second_features": torch.from_numpy(second[rows])}

        return frozen

    encoded = [text.encode("utf-8", "replace") for text in texts]

    def reading(rows: np.ndarray, draw: np.random.Generator) -> Batch:
        batch = {**tower.collate([encoded[i] for i in rows]), "label": torch.from_numpy(labels[rows])}
        if stage.loss == "infonce":
            dropped = [drop_words(texts[i], share=stage.word_dropout, rng=draw) for i in rows]
            second = tower.collate([text.encode("utf-8", "replace") for text in dropped])
            batch |= {f"second_{name}": value for name, value in second.items()}
        return batch

    return reading


def drop_words(text: str, *, share: float, rng: np.random.Generator) -> str:
    """Return a text with a share of its words left out, at least one kept: the second view of InfoNCE."""
    words = text.split()
    kept = [word for word in words if rng.random() >= share]
    return " ".join(kept or words[:1])


def text_features(tower: TextTower, texts: Sequence[str], *, progress: Progress) -> np.ndarray:
    """Return the features [n, w] of texts; a frozen transformer's are kept on disk by content."""
    views = [text.encode("utf-8", "replace") for text in texts]
    with torch.no_grad():
        one = {name: value.to(device_of(tower)) for name, value in tower.collate([b"width"]).items()}
        width = tower.features(**one).shape[1]

    def compute(missing: Sequence[bytes]) -> np.ndarray:
        encoder = prepare_encoder(tower, precision="fp32")  # a faster one is chosen by a clock: not the same bytes
        return encoder(missing, output="features", progress=lambda done, total: progress("features", done, total))

    if isinstance(tower, PretrainedNetwork) and body_is_frozen(tower):
        return cached_features(tower, views, width=width, compute=compute)
    return compute(views)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchors:
    """The generic texts of every class: their features, and the class each one belongs to.

    `fixed` holds unit vectors [a, d] where the classes are to be told apart without any text.
    """

    texts: tuple[str, ...]
    owners: np.ndarray
    features: np.ndarray
    fixed: np.ndarray | None = None


def class_anchors(tower: TextTower, classes: Sequence[str], extra: Mapping[str, Sequence[str]]) -> Anchors:
    """Return the anchors of the classes; `extra` gives texts for classes outside the built-in catalogue.

    Raises:
        RecipeError: a class has no anchor text.
    """
    texts: list[str] = []
    owners: list[int] = []
    for number, name in enumerate(classes):
        own = tuple(extra.get(name, ())) or (WEAKNESSES[name].anchors if name in WEAKNESSES else ())
        if not own:
            raise RecipeError(f"class {name!r} has no anchor texts; give some under [data.anchors]")
        texts += own
        owners += [number] * len(own)
    features = text_features(tower, texts, progress=lambda *_: None)
    return Anchors(texts=tuple(texts), owners=np.array(owners), features=features)


def one_hot_anchors(anchors: Anchors, *, dim: int) -> Anchors:
    """Return anchors whose vectors are one axis for each class: the ablation in which texts say nothing."""
    return replace(anchors, fixed=np.eye(dim, dtype=np.float32)[anchors.owners])


def project(tower: TextTower, features: np.ndarray) -> np.ndarray:
    """Return the unit vectors [n, d] of features [n, w]."""
    with torch.no_grad():
        vectors: np.ndarray = tower.project(torch.from_numpy(features).to(device_of(tower))).cpu().numpy()
    return vectors


def device_of(tower: nn.Module) -> torch.device:
    """Return where a tower computes."""
    return next(tower.parameters()).device
