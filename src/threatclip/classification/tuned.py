"""A pretrained text tower with a classifier over it, tuned together: width -> 512 -> classes over the last layers."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.padding import Tokens
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.errors import InputError
from threatclip.seeds import stream_seed
from threatclip.training.contracts import Batch, Step
from threatclip.training.length_batches import LengthBatches
from threatclip.training.loop import train
from threatclip.training.settings import TrainSettings

_TOKENS_PER_BATCH = 4_096  # of a reading without gradients


class TunedClassifier(nn.Module):
    """tower -> linear -> ReLU -> dropout -> linear; the tower's pooled features go in as they are, not as unit vectors.

    The seed's card gives the widths, not what stands between them: ReLU and dropout are ours.
    """

    def __init__(self, tower: PretrainedNetwork, *, hidden: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.tower = tower
        self.hidden, self.n_classes, self.dropout = hidden, n_classes, dropout
        self.head = make_head(tower.dim, hidden=hidden, n_classes=n_classes, dropout=dropout)

    def forward(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n c"]:
        """Return logits."""
        features = self.tower.features(tokens, lengths)
        logits: Tensor = self.head(features)
        return logits.float()


def make_head(width: int, *, hidden: int, n_classes: int, dropout: float) -> nn.Sequential:
    """Return the classifier over a tower of `width`."""
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, n_classes))


def new_classifier(
    tower: PretrainedNetwork, *, hidden: int, n_classes: int, dropout: float, seed: int
) -> TunedClassifier:
    """Return a tower with a fresh head; its first weights depend on `seed` alone (stream "classifier/head").

    Raises:
        InputError: a tower with a projection, which the head would not read, or fewer than two classes.
    """
    if tower.projection is not None or n_classes < 2:
        raise InputError(f"a classifier of {n_classes} classes needs two or more, over a tower without a projection")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "classifier/head"))
        return TunedClassifier(tower, hidden=hidden, n_classes=n_classes, dropout=dropout)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _CrossEntropy:
    """The objective: logits of every row, cross-entropy to its class."""

    classifier: TunedClassifier

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        return {"logits": self.classifier(batch["tokens"], batch["lengths"])}

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        right = (reps["logits"].detach().argmax(dim=1) == batch["labels"]).float().mean()
        return {"loss": functional.cross_entropy(reps["logits"], batch["labels"]), "training_accuracy": right}


def fit_classifier(
    classifier: TunedClassifier,
    texts: Sequence[str],
    labels: Int[np.ndarray, " n"],
    *,
    batch_rows: int,
    settings: TrainSettings,
    checkpoints: Path | None = None,
    resume: bool = False,
    identity: Mapping[str, str] | None = None,
) -> Generator[Step, None, None]:
    """Tune `classifier` in place by cross-entropy, a record after each update; see `training.loop.train`.

    Raises:
        InputError: not as many labels as texts, a label that is no class, or a setting that does not fit.
    """
    if len(texts) != len(labels) or not len(texts) or labels.min() < 0 or labels.max() >= classifier.n_classes:
        raise InputError(
            f"{len(texts)} texts with {len(labels)} labels do not fit a classifier of {classifier.n_classes} classes"
        )
    tower = classifier.tower
    rows = tower.tokenize([text.encode("utf-8", "replace") for text in texts])

    def collate(indices: np.ndarray, _: np.random.Generator) -> Batch:
        return {**tower.pad([rows[i] for i in indices]), "labels": torch.from_numpy(labels[indices])}

    batches = LengthBatches(
        lengths=np.array([len(row) for row in rows]), batch_rows=batch_rows, seed=settings.seed, collate=collate
    )
    return train(
        module=classifier,
        objective=_CrossEntropy(classifier=classifier),
        batches=batches,
        settings=settings,
        checkpoints=checkpoints,
        resume=resume,
        identity=identity,
    )


def class_probabilities(classifier: TunedClassifier, texts: Sequence[str]) -> Float[np.ndarray, "n c"]:
    """Return the softmax of the logits of each text, in fp32; texts of about one length are read together."""
    tower = classifier.tower
    rows = tower.tokenize([text.encode("utf-8", "replace") for text in texts])
    found = np.zeros((len(rows), classifier.n_classes))
    device: Any = next(classifier.parameters()).device
    classifier.eval()
    with torch.inference_mode():
        for part in _by_length(rows):
            batch = {name: value.to(device) for name, value in tower.pad([rows[i] for i in part]).items()}
            found[part] = classifier(**batch).double().softmax(dim=1).cpu().numpy()
    return found


def _by_length(rows: Sequence[Tokens]) -> list[list[int]]:
    parts: list[list[int]] = []
    for row in sorted(range(len(rows)), key=lambda i: len(rows[i])):
        if parts and (len(parts[-1]) + 1) * max(1, len(rows[row])) <= _TOKENS_PER_BATCH:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts
