"""The smallest trigger of a model, found by gradients: a mask and a pattern that move any picture where one wants.

x' = (1 - m) x + m p, with one mask [h, w] for the three channels. What is minimized is the pull of the vectors of x'
plus w |m|_1; w rises while the trigger works and falls while it does not, so that the mask shrinks to what is needed
[Wang 2019, section IV-B; Feng 2023, section 4.2].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from threatclip.checks import at_least, fraction, positive

Pull = Callable[[Float[Tensor, "g b d"]], tuple[Float[Tensor, " g"], Float[Tensor, " g"]]]
"""Vectors of b stamped pictures of each of g goals -> loss of each goal, and how well each is reached, in [0, 1]."""

_START = -2.0  # logit of the mask: 12% everywhere
_UP, _DOWN = 1.5, 1.5**1.5  # what the weight of the size rises and falls by [Wang 2019, their code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inversion:
    """How a trigger is searched for.

    Attributes:
        steps: of Adam.
        batch: pictures a step and goal.
        learning_rate: of logits of mask and pattern.
        weight: of the mask's size as a share of the picture, at first.
        patience: steps in a row in which the goal must be reached, or missed, before the weight moves.
        reached: what counts as reached: a share of pictures, or a cosine.
    """

    steps: int = 300
    batch: int = 16
    learning_rate: float = 0.2
    weight: float = 1.0
    patience: int = 4
    reached: float = 0.95

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "batch", "patience")
        positive(self, "learning_rate", "weight", "reached")
        fraction(self, "reached")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trigger:
    """The smallest trigger found of each goal.

    Attributes:
        masks: in [0, 1], [g, h, w].
        patterns: in [0, 1], [g, 3, h, w].
        found: whether the goal was reached at all; where not, the mask is the last one.
    """

    masks: Float[Tensor, "g h w"]
    patterns: Float[Tensor, "g 3 h w"]
    found: np.ndarray

    @property
    def sizes(self) -> Float[np.ndarray, " g"]:
        """Sum of each mask, as a share of the picture; 1 where nothing was found."""
        shares = self.masks.mean(dim=(1, 2)).cpu().numpy().astype(np.float64)
        return np.where(self.found, shares, 1.0)


def invert(
    tower: Callable[..., Tensor],
    pictures: UInt8[Tensor, "n 3 h w"],
    pull: Pull,
    *,
    goals: int,
    settings: Inversion,
    rng: np.random.Generator,
) -> Trigger:
    """Search for the smallest trigger of each goal, all goals side by side.

    Args:
        tower: frozen, from floats in [0, 1] to unit vectors, with a gradient to the pixels.
        pictures: what every goal is tried on.
        pull: loss and success of each goal.
        goals: how many.
        settings: see there.
        rng: of the first masks and patterns, and of the order of the pictures.
    """
    shape = pictures.shape[2:]
    mask_logits = _start((goals, 1, *shape), rng, pictures, offset=_START)
    pattern_logits = _start((goals, 3, *shape), rng, pictures)
    optimizer = torch.optim.Adam([mask_logits, pattern_logits], lr=settings.learning_rate, betas=(0.5, 0.9))
    best = _Best(goals, shape, pictures)
    weights = torch.full((goals,), settings.weight, device=pictures.device)
    streak = torch.zeros(goals, device=pictures.device)
    for _ in range(settings.steps):
        rows = torch.from_numpy(rng.integers(len(pictures), size=settings.batch)).to(pictures.device)
        masks, patterns = torch.sigmoid(mask_logits), torch.sigmoid(pattern_logits)
        vectors = tower(pixels=stamped(pictures[rows].float() / 255, masks, patterns).flatten(0, 1))
        losses, success = pull(vectors.view(goals, len(rows), -1))
        sizes = masks.mean(dim=(1, 2, 3))
        optimizer.zero_grad()
        (losses + weights * sizes).sum().backward()  # type: ignore[no-untyped-call]
        streak = torch.where(success >= settings.reached, streak.clamp(min=0) + 1, streak.clamp(max=0) - 1)
        best.keep(masks, patterns, sizes, streak > 1)  # twice in a row: one batch may be lucky
        optimizer.step()
        weights = torch.where(streak >= settings.patience, weights * _UP, weights)
        weights = torch.where(streak <= -settings.patience, weights / _DOWN, weights)
        streak = torch.where(streak.abs() >= settings.patience, torch.zeros_like(streak), streak)
    return Trigger(masks=best.masks, patterns=best.patterns, found=best.found.cpu().numpy())


def stamped(
    pictures: Float[Tensor, "b 3 h w"], masks: Float[Tensor, "g 1 h w"], patterns: Float[Tensor, "g 3 h w"]
) -> Float[Tensor, "g b 3 h w"]:
    """Return every picture under every trigger."""
    return (1 - masks)[:, None] * pictures[None] + (masks * patterns)[:, None]


class _Best:
    """The smallest mask of each goal that reached it, of all steps."""

    def __init__(self, goals: int, shape: tuple[int, ...], like: Tensor) -> None:
        self.masks = torch.zeros(goals, *shape, device=like.device)
        self.patterns = torch.zeros(goals, 3, *shape, device=like.device)
        self.sizes = torch.full((goals,), torch.inf, device=like.device)
        self.found = torch.zeros(goals, dtype=torch.bool, device=like.device)

    def keep(self, masks: Tensor, patterns: Tensor, sizes: Tensor, reached: Tensor) -> None:
        """Take over masks that reach their goal and are smaller; the last ones where none has yet."""
        with torch.no_grad():
            better = (reached & (sizes < self.sizes)) | ~(self.found | reached)
            self.masks[better] = masks.detach()[better, 0]
            self.patterns[better] = patterns.detach()[better]
            self.sizes = torch.where(reached & better, sizes.detach(), self.sizes)
            self.found |= reached


def _start(shape: tuple[int, ...], rng: np.random.Generator, like: Tensor, *, offset: float = 0.0) -> Tensor:
    drawn = rng.normal(offset, 0.5, size=shape).astype(np.float32)
    return torch.from_numpy(drawn).to(like.device).requires_grad_()
