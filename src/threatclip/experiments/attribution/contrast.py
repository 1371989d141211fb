"""Contrastive text-text training: sentences against the profiles of groups, over a frozen text encoder.

Two projections learn that a sentence lies near the profile of its group, and near sentences of that group from other
reports. A sentence of the same report is neither a positive nor a negative: it would teach the report. Half of a
batch's negatives share a technique with a row of it, so that terms of a technique do not help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from threatclip.checks import at_least, not_negative, positive
from threatclip.experiments.attribution.rows import AttackRow
from threatclip.losses.reduction import mean_over
from threatclip.seeds import rng, torch_rng


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastSettings:
    """How the projections are trained."""

    dim: int = 192
    steps: int = 300
    rows: int = 384  # of a batch
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    temperature: float = 0.1
    sentences: float = 0.5  # weight of the sentence-sentence term against 1 for sentence-profile
    dropout: float = 0.2  # of the encoder's features

    def __post_init__(self) -> None:
        at_least(self, 1, "dim", "steps")
        at_least(self, 4, "rows")
        positive(self, "learning_rate", "temperature")
        not_negative(self, "weight_decay", "sentences", "dropout")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContrastModel:
    """Projection of sentences, and where the profiles of the groups lie."""

    center: Float[np.ndarray, " w"]
    weight: Float[np.ndarray, "d w"]
    profiles: Float[np.ndarray, "c d"]

    def vectors(self, features: Float[np.ndarray, "n w"]) -> Float[np.ndarray, "n d"]:
        """Return unit vectors of sentences."""
        projected = (features - self.center) @ self.weight.T
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.maximum(lengths, 1e-12), dtype=np.float32)

    def scores(self, features: Float[np.ndarray, "n w"]) -> Float[np.ndarray, "n c"]:
        """Return the cosines to the profiles."""
        return np.asarray(self.vectors(features) @ self.profiles.T)


def fit_contrast(
    rows: Sequence[AttackRow],
    targets: Float[np.ndarray, "n c"],
    features: Float[np.ndarray, "n w"],
    profiles: Float[np.ndarray, "c w"],
    *,
    settings: ContrastSettings,
    seed: int,
) -> ContrastModel:
    """Train both projections on features that were computed once.

    Args:
        rows: to learn from.
        targets: by row, its share in each group.
        features: of the sentences.
        profiles: of the groups, the mean over the texts of each.
        settings: of the training.
        seed: of batches and starting weights.
    """
    center = features.mean(axis=0)
    inputs = functional.normalize(torch.from_numpy((features - center).astype(np.float32)), dim=1)
    known = functional.normalize(torch.from_numpy((profiles - profiles.mean(axis=0)).astype(np.float32)), dim=1)
    relations = _Relations.of(rows, targets)
    sides = [_side(features.shape[1], settings.dim, seed, name) for name in ("sentence", "profile")]
    weights = [side.weight for side in sides]
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=settings.steps)
    noise, generator = torch_rng(seed, "attribution/dropout"), rng(seed, "attribution/batches")
    for _ in range(settings.steps):
        chosen = torch.from_numpy(relations.draw(settings.rows, generator))
        optimizer.zero_grad()
        kept = torch.rand(len(chosen), inputs.shape[1], generator=noise) >= settings.dropout
        sentences = functional.normalize(sides[0](inputs[chosen] * kept), dim=1)
        loss = _loss(sentences, functional.normalize(sides[1](known), dim=1), relations, chosen, settings)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        places = functional.normalize(sides[1](known), dim=1).numpy()
    return ContrastModel(
        center=center.astype(np.float32),
        weight=sides[0].weight.detach().numpy().copy(),
        profiles=places,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Relations:
    """Who shares what: groups as targets, reports as a 0-1 matrix, techniques as numbers."""

    targets: Float[Tensor, "n c"]
    reports: Float[Tensor, "n r"]
    techniques: Int[np.ndarray, " n"]
    by_technique: tuple[Int[np.ndarray, " k"], ...]

    @classmethod
    def of(cls, rows: Sequence[AttackRow], targets: np.ndarray) -> _Relations:
        names = {name: number for number, name in enumerate(sorted({one for row in rows for one in row.reports}))}
        reports = torch.zeros(len(rows), max(1, len(names)))
        for number, row in enumerate(rows):
            reports[number, [names[one] for one in row.reports]] = 1.0
        kinds = {name: number for number, name in enumerate(sorted({row.technique for row in rows}))}
        techniques = np.array([kinds[row.technique] for row in rows], dtype=np.int64)
        return cls(
            targets=torch.from_numpy(np.asarray(targets, dtype=np.float32)),
            reports=reports,
            techniques=techniques,
            by_technique=tuple(np.flatnonzero(techniques == number) for number in range(len(kinds))),
        )

    def draw(self, n_rows: int, generator: np.random.Generator) -> np.ndarray:
        """Return rows of a batch: half at random, half with the technique of one of these."""
        first = generator.choice(len(self.techniques), size=min(n_rows // 2, len(self.techniques)), replace=False)
        second = [generator.choice(self.by_technique[self.techniques[row]]) for row in first]
        return np.unique(np.concatenate([first, np.array(second, dtype=np.int64)]))


def _side(width: int, dim: int, seed: int, name: str) -> nn.Linear:
    """Return a projection that starts by keeping lengths, both sides alike so that cosines start as they were."""
    side = nn.Linear(width, dim, bias=False)
    start = torch.randn(dim, width, generator=torch_rng(seed, "attribution/projection"))
    with torch.no_grad():
        side.weight.copy_(start / dim**0.5)
        if name == "profile":
            side.weight.add_(torch.randn(dim, width, generator=torch_rng(seed, f"attribution/{name}")) * 1e-4)
    return side


def _loss(
    sentences: Float[Tensor, "b d"],
    profiles: Float[Tensor, "c d"],
    relations: _Relations,
    chosen: Int[Tensor, " b"],
    settings: ContrastSettings,
) -> Tensor:
    """Cross-entropy to all profiles, targets as shares; and SupCon over same-group pairs of different reports."""
    shares = relations.targets[chosen]
    total = shares.sum(dim=1).clamp(min=1e-6)
    logits = (sentences @ profiles.T / settings.temperature).log_softmax(dim=1)
    weight = total / total.sum()
    first = -((shares / total[:, None] * logits).sum(dim=1) * weight).sum()
    reports = relations.reports[chosen]
    same_report = (reports @ reports.T) > 0
    positives = ((shares @ shares.T) > 0) & ~same_report
    second = _others(sentences, positives, same_report, settings.temperature)
    return first + settings.sentences * second


def _others(
    vectors: Float[Tensor, "b d"], positives: Bool[Tensor, "b b"], left_out: Bool[Tensor, "b b"], temperature: float
) -> Tensor:
    """Supervised contrastive loss [Khosla 2020, eq. 2] in which some pairs are neither positive nor negative."""
    left_out = left_out | torch.eye(len(vectors), dtype=torch.bool)
    cosine = (vectors @ vectors.T / temperature).masked_fill(left_out, -1e4)
    log_probability = cosine - cosine.logsumexp(dim=1, keepdim=True)
    total = log_probability.masked_fill(~positives, 0.0).sum(dim=1)
    return mean_over(-total / positives.sum(dim=1).clamp(min=1), positives.any(dim=1))
