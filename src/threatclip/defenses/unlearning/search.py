"""The search for universal changes of a picture that pull a frozen model toward given classes, all side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from threatclip.checks import at_least
from threatclip.defenses.unlearning.kinds import Kind, Masked, Noise, Numbers, Warped
from threatclip.defenses.unlearning.waves import Waves

AnyKind = Masked | Noise | Warped | Waves
Tower = Callable[..., Tensor]

_WANTED = 0.8  # share of pictures that go where they are pulled: above it the size counts more, below it less
_STEP = 1.15  # what the weight of the size is multiplied or divided by
_SIGN_STEPS = 6  # steps from nothing to the bound of noise
_TRIED = 48  # pictures that every wave is tried on
_DRAWN = 64  # waves beside the whole ones
_ROWS = 512  # pictures a forward pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long changes are searched for.

    Attributes:
        steps: of the optimizer.
        batch: pictures a step, shared by all goals.
    """

    steps: int = 80
    batch: int = 128

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "batch")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """Where a model's answers lie.

    Attributes:
        tower: frozen, from pictures in [0, 1] to unit vectors, with a gradient to the pixels.
        pictures: trusted, as the tower reads them.
        classes: unit vector of each class.
        scale: that cosines are multiplied by.
    """

    tower: Tower
    pictures: UInt8[Tensor, "n 3 s s"]
    classes: Float[Tensor, "c d"]
    scale: float

    def drawn(self, count: int, rng: np.random.Generator) -> Float[Tensor, "b 3 s s"]:
        """Return some pictures in [0, 1]."""
        rows = rng.choice(len(self.pictures), size=min(count, len(self.pictures)), replace=False)
        return self.pictures[torch.from_numpy(rows)].float() / 255

    def logits(self, pictures: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b c"]:
        """Return scaled cosines to the classes."""
        return self.scale * self.tower(pixels=pictures) @ self.classes.T


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """k changes of one kind.

    Attributes:
        kind: of all of them.
        numbers: what they are made of.
        goals: class that each pulls toward.
        reached: share of pictures of other classes that each takes there.
        sizes: of each.
    """

    kind: AnyKind
    numbers: Numbers
    goals: Int[Tensor, " k"]
    reached: Float[Tensor, " k"]
    sizes: Float[Tensor, " k"]

    def apply(self, pictures: Float[Tensor, "n 3 s s"], members: Int[Tensor, " n"]) -> Float[Tensor, "n 3 s s"]:
        """Return pictures, each under one of the changes."""
        return self.kind.apply(self.numbers, pictures, members)

    def take(self, kept: Bool[Tensor, " k"]) -> Found:
        """Return some of the changes."""
        return replace(
            self,
            numbers=tuple(part[kept] for part in self.numbers),
            goals=self.goals[kept],
            reached=self.reached[kept],
            sizes=self.sizes[kept],
        )


def search(kind: AnyKind, space: Space, goals: Sequence[int], *, effort: Effort, rng: np.random.Generator) -> Found:
    """Search for one change of `kind` toward each of `goals`; equal goals start apart."""
    wanted = torch.tensor(list(goals))
    if isinstance(kind, Waves):
        numbers = _best_waves(kind, space, wanted, rng=rng)
    else:
        numbers = _followed(kind, space, wanted, effort=effort, rng=rng)
    with torch.no_grad():
        reached = _reached(kind, numbers, space, wanted, rng=rng)
        sizes = kind.sizes(numbers)
    return Found(kind=kind, numbers=numbers, goals=wanted, reached=reached, sizes=sizes)


def _followed(
    kind: Kind, space: Space, goals: Int[Tensor, " k"], *, effort: Effort, rng: np.random.Generator
) -> Numbers:
    """Follow the gradient of cross entropy plus w times the size; w falls until a change works and rises from there."""
    k, device = len(goals), space.pictures.device
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    started = kind.start(k, space.pictures.shape[-1], generator=generator)
    numbers = tuple(part.to(device).requires_grad_() for part in started)
    optimizer = torch.optim.Adam(numbers, lr=kind.rate, betas=(0.5, 0.9))
    weights = torch.full((k,), kind.weight, device=device)
    kept, least = tuple(part.detach().clone() for part in numbers), torch.full((k,), torch.inf, device=device)
    for _ in range(effort.steps):
        pictures = space.drawn(effort.batch, rng)
        members = torch.arange(len(pictures), device=device) % k
        logits = space.logits(kind.apply(numbers, pictures, members))
        losses = functional.cross_entropy(logits, goals.to(device)[members], reduction="none")
        each = torch.bincount(members, minlength=k).clamp(min=1)
        loss = (losses / each[members]).sum() + (weights * kind.sizes(numbers)).sum()
        gradients = torch.autograd.grad(loss, numbers, allow_unused=True)
        with torch.no_grad():
            went = (logits.argmax(dim=1) == goals.to(device)[members]).float()
            works = torch.zeros(k, device=device).index_add(0, members, went) / each > _WANTED
            sizes = kind.sizes(numbers)
            # the last step may be one at which a change has just been shrunk too far; noise grows to its bound
            better = (works & (sizes < least)) | torch.isinf(least) | (kind.weight == 0)
            for part, now in zip(kept, numbers, strict=True):
                part[better] = now[better]
            least = torch.where(works & better, sizes, least)
            weights = torch.where(works, weights * _STEP, (weights / _STEP).clamp(min=kind.weight / 10))
            if isinstance(kind, Noise) and gradients[0] is not None:
                numbers[0].sub_(kind.bound / _SIGN_STEPS * gradients[0].sign())
            else:
                for part, gradient in zip(numbers, gradients, strict=True):
                    part.grad = gradient
                optimizer.step()
            for part, within in zip(numbers, kind.bounded(numbers), strict=True):
                part.copy_(within)
    return kept


def _best_waves(kind: Waves, space: Space, goals: Int[Tensor, " k"], *, rng: np.random.Generator) -> Numbers:
    """Try every wave on the same pictures; equal goals get the best, the second best and so on."""
    (waves,) = kind.candidates(space.pictures.shape[-1], drawn=_DRAWN, rng=rng)
    pictures = space.drawn(_TRIED, rng)
    pull = torch.empty(len(waves), len(space.classes))
    with torch.no_grad():
        at_rest = space.logits(pictures).softmax(dim=1)
        together = max(1, _ROWS // len(pictures))
        for start in range(0, len(waves), together):
            part = waves[start : start + together]
            members = torch.arange(len(part)).repeat_interleave(len(pictures))
            moved = space.logits(kind.apply((part,), pictures.repeat(len(part), 1, 1, 1), members)).softmax(dim=1)
            gain = moved.view(len(part), len(pictures), -1) - at_rest
            pull[start : start + together] = gain.mean(dim=1).cpu()
    ranked = pull.argsort(dim=0, descending=True)
    before: dict[int, int] = {}
    chosen = []
    for goal in goals.tolist():
        chosen.append(int(ranked[before.get(goal, 0) % len(waves), goal]))
        before[goal] = before.get(goal, 0) + 1
    return (waves[chosen],)


def _reached(
    kind: AnyKind, numbers: Numbers, space: Space, goals: Int[Tensor, " k"], *, rng: np.random.Generator
) -> Float[Tensor, " k"]:
    """Return the share of pictures of other classes, as the model sees them, that each change takes to its goal."""
    pictures = space.drawn(2 * _TRIED, rng)
    at_rest = space.logits(pictures).argmax(dim=1)
    shares = []
    for number, goal in enumerate(goals.tolist()):
        others = pictures[at_rest != goal]
        members = torch.full((len(others),), number, device=pictures.device)
        went = space.logits(kind.apply(numbers, others, members)).argmax(dim=1) == goal
        shares.append(float(went.float().mean()) if len(others) else 0.0)
    return torch.tensor(shares)
