"""Stage 2: a payload tower brought into the text tower's space [arXiv 2603.20181, stage 2].

The paper's loss is the squared distance to the own description. Beside it: symmetric InfoNCE in which all pairs of
one class are positives, and cross-entropy to the generic class anchors. Benign rows pull towards no class at all
(outlier exposure, [Hendrycks 2019]).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.towers import Tower
from threatclip.errors import RecipeError
from threatclip.experiments.recipe import Stage2, Views
from threatclip.experiments.rows import Rows
from threatclip.experiments.text_side import Anchors, TextTower, device_of
from threatclip.experiments.views import training_view
from threatclip.losses.alignment import squared_distance
from threatclip.losses.anchors import anchor_cross_entropy, anchor_logits
from threatclip.losses.clip import symmetric_infonce
from threatclip.seeds import rng
from threatclip.training.contracts import Batch, Step
from threatclip.training.loop import train
from threatclip.training.settings import TrainSettings

_SORTED_BATCHES = 8  # drawn together and sorted by length, so that short payloads are not padded to long ones


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadObjective:
    """The weighted sum of the terms of stage 2.

    `seen` marks the classes that training rows have: a class held out for zero-shot must not be pushed away from.
    """

    payload_tower: Tower
    text_tower: TextTower
    stage: Stage2
    anchor_features: Tensor
    owners: Tensor
    seen: Tensor
    fixed_anchors: Tensor | None = None  # unit vectors in place of projected texts

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of payloads and of their descriptions."""
        return {
            "view": self.payload_tower(batch["tokens"], batch["lengths"]),
            "text": self.text_tower.project(batch["features"]),
        }

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return every term of weight above zero, and their weighted sum as `loss`."""
        terms: dict[str, Tensor] = {}
        labels, view = batch["label"], reps["view"]
        if self.stage.anchors > 0:
            terms["anchors"] = self._anchor_term(view, labels)
        described = batch["described"]
        if self.stage.squared > 0:
            terms["squared"] = (
                squared_distance(view[described], reps["text"][described]) if described.any() else _zero(view)
            )
        if self.stage.infonce > 0:
            own = labels[described]
            same = (own[:, None] == own[None, :]) & (own >= 0)[:, None]
            same = same | torch.eye(len(own), dtype=torch.bool, device=own.device)
            terms["infonce"] = (
                symmetric_infonce(
                    view[described], reps["text"][described], temperature=self.stage.temperature, positives=same
                )
                if len(own) > 1
                else _zero(view)
            )
        weights = {"anchors": self.stage.anchors, "squared": self.stage.squared, "infonce": self.stage.infonce}
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        return {**{name: term.detach() for name, term in terms.items()}, "loss": total}

    def _anchor_term(self, view: Tensor, labels: Tensor) -> Tensor:
        n_classes = len(self.seen)
        logits = anchor_logits(
            view,
            self.text_tower.project(self.anchor_features) if self.fixed_anchors is None else self.fixed_anchors,
            self.owners,
            n_classes=n_classes,
            temperature=self.stage.temperature,
            pooling="mean",
        )[:, self.seen]
        target = functional.one_hot(labels.clamp(min=0), n_classes).to(logits.dtype)[:, self.seen]
        target = torch.where(labels[:, None] >= 0, target, 1.0 / logits.shape[1])
        return anchor_cross_entropy(logits, target, label_smoothing=self.stage.label_smoothing)


def _zero(view: Tensor) -> Tensor:
    return view.sum() * 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayloadBatches:
    """Rows drawn by weight and class size, shown as training views; a pure function of (seed, step)."""

    rows: Rows
    features: np.ndarray
    tower: Tower
    stage: Stage2
    views: Views
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Stage 2 counts steps, not epochs: it is one epoch of that many."""
        return self.stage.steps

    def indices(self, step: int) -> np.ndarray:
        """Return the row numbers of one batch."""
        block, place = divmod(step, _SORTED_BATCHES)
        chosen: np.ndarray = _block(self, block)[place]
        return chosen

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch: symbols of training views, labels, features of descriptions and where there is one."""
        rows = self.indices(step)
        draw = rng(self.seed, f"stage2/views/{epoch}/{step}")
        shown = [training_view(self.rows.pairs[row].view, self.views, draw) for row in rows]
        features = self.features[rows]
        return {
            **self.tower.collate(shown),
            "label": torch.from_numpy(self.rows.labels[rows]),
            "features": torch.from_numpy(features),
            "described": torch.from_numpy(np.abs(features).sum(axis=1) > 0),
        }


@functools.lru_cache(maxsize=2)
def _block(batches: PayloadBatches, block: int) -> list[np.ndarray]:
    draw = rng(batches.seed, f"stage2/rows/{block}")
    size = batches.stage.batch_rows
    chance = _chances(batches.rows, batches.stage.class_balance)
    drawn = draw.choice(len(chance), size=size * _SORTED_BATCHES, p=chance)
    lengths = np.array([len(batches.rows.pairs[row].view) for row in drawn])
    ordered = drawn[np.argsort(lengths, kind="stable")]
    return [ordered[start * size : (start + 1) * size] for start in draw.permutation(_SORTED_BATCHES)]


def _chances(rows: Rows, balance: float) -> np.ndarray:
    """Return the chance of each row: its weight times (weight of its class)^-balance."""
    mass = np.bincount(rows.labels + 1, weights=rows.weights)
    chance = rows.weights * np.where(mass > 0, np.maximum(mass, 1e-9) ** -balance, 0.0)[rows.labels + 1]
    normalized: np.ndarray = chance / chance.sum()
    return normalized


class _Trained(nn.Module):
    """What the optimizer holds: the payload tower and, where it is tuned slowly, the text projection."""

    def __init__(self, payload: Tower, text: nn.Module | None) -> None:
        super().__init__()
        self.payload = payload
        self.text = text


def learn_payload_tower(
    payload_tower: Tower,
    text_tower: TextTower,
    rows: Rows,
    features: np.ndarray,
    anchors: Anchors,
    stage: Stage2,
    views: Views,
    *,
    n_classes: int,
    seed: int,
    checkpoints: Path | None,
    resume: bool,
) -> Iterator[Step]:
    """Train `payload_tower` (and slowly the text projection, where `stage.text_rate` is above 0) and yield steps.

    Args:
        rows: labeled and benign rows with weights.
        features: text features [n, w] of each row's description; zeros where it has none.
        anchors: the generic texts of the classes.

    Raises:
        RecipeError: `stage.text_rate` is above 0 and the text tower has no projection to tune.
    """
    seen = torch.zeros(n_classes, dtype=torch.bool)
    seen[torch.from_numpy(np.unique(rows.labels[rows.labels >= 0]))] = True
    text_tower.requires_grad_(False)
    tuned = text_tower.projection if stage.text_rate > 0 else None
    if tuned is not None:
        tuned.requires_grad_(True)
    elif stage.text_rate > 0:
        raise RecipeError("stage2.text_rate tunes the text tower's projection; set text_tower.projection = 'mlp'")
    device = device_of(text_tower)
    objective = PayloadObjective(
        payload_tower=payload_tower,
        text_tower=text_tower,
        stage=stage,
        anchor_features=torch.from_numpy(anchors.features).to(device),
        owners=torch.from_numpy(anchors.owners).to(device),
        seen=seen.to(device),
        fixed_anchors=None if anchors.fixed is None else torch.from_numpy(anchors.fixed).to(device),
    )
    settings = TrainSettings(
        epochs=1,
        learning_rate=stage.learning_rate,
        weight_decay=stage.weight_decay,
        chunk_rows=stage.chunk_rows,
        checkpoint_every_steps=stage.checkpoint_every_steps,
        precision=stage.precision,
        seed=seed,
        rate_multipliers={"text.": stage.text_rate} if tuned is not None else {},
    )
    batches = PayloadBatches(rows=rows, features=features, tower=payload_tower, stage=stage, views=views, seed=seed)
    yield from train(
        module=_Trained(payload_tower, tuned),
        objective=objective,
        batches=batches,
        settings=settings,
        checkpoints=checkpoints,
        resume=resume,
    )
