"""A small contrastive run, for the tests of the loop in this process and in others."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from threatclip.training.batches import ShuffledBatches
from threatclip.training.contracts import Batch
from threatclip.training.settings import TrainSettings

ROWS, BATCH_ROWS, WIDTH = 48, 12, 6


class Toy(nn.Module):
    """Two towers of which one has a frozen part with dropout, a norm, dropout, and a scale that the loss uses."""

    def __init__(self, *, dropout: float = 0.3) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            self.view = nn.Sequential(nn.Linear(WIDTH, 16), nn.LayerNorm(16), nn.Dropout(dropout), nn.Linear(16, 4))
            self.text = nn.Sequential(
                nn.Sequential(nn.Linear(WIDTH, 8), nn.Dropout(dropout)).requires_grad_(False),
                nn.Linear(8, 4),
            )
            self.log_scale = nn.Parameter(torch.tensor(1.0))


class ToyObjective:
    """Symmetric InfoNCE with same-class positives; the labels enter by the batch, the scale by the module."""

    def __init__(self, module: Toy) -> None:
        self.module = module

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        return {
            "view": nn.functional.normalize(self.module.view(batch["view"]), dim=-1),
            "text": nn.functional.normalize(self.module.text(batch["text"]), dim=-1),
        }

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        logits = reps["view"] @ reps["text"].T * self.module.log_scale.exp()
        positive = (batch["label"][:, None] == batch["label"][None, :]).float()
        rows = -(positive * logits.log_softmax(1)).sum(1) / positive.sum(1)
        columns = -(positive * logits.log_softmax(0)).sum(0) / positive.sum(0)
        contrast = (rows.mean() + columns.mean()) / 2
        alignment = (reps["view"] - reps["text"]).square().sum(1).mean()
        return {"loss": contrast + 0.1 * alignment, "contrast": contrast, "alignment": alignment}


def collate(indices: np.ndarray, rng: np.random.Generator) -> Batch:
    """Rows drawn once and for all, with noise drawn per batch as augmentation."""
    table = np.random.default_rng(3).normal(size=(ROWS, 2 * WIDTH)).astype(np.float32)
    noise = rng.normal(size=(len(indices), 2 * WIDTH)).astype(np.float32)
    rows = torch.from_numpy(table[indices] + 0.05 * noise)
    return {"view": rows[:, :WIDTH], "text": rows[:, WIDTH:], "label": torch.from_numpy(indices % 5)}


def toy_batches(**changes: Any) -> ShuffledBatches:
    """Four batches of twelve rows per epoch unless changed."""
    return ShuffledBatches(**{"n_rows": ROWS, "batch_rows": BATCH_ROWS, "seed": 11, "collate": collate, **changes})


def toy_settings(**changes: Any) -> TrainSettings:
    """Three epochs = 12 steps with a checkpoint every two unless changed."""
    return TrainSettings(
        **{"epochs": 3, "learning_rate": 0.01, "checkpoint_every_steps": 2, "seed": 5, "precision": "fp32", **changes}
    )
