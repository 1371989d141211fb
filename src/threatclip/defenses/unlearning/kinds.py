"""Kinds of universal changes of a picture, each with numbers that a gradient can move and a size to be kept small.

One kind finds a patch or a blend, one noise below a bound, one a smooth warp; `waves.py` has the fourth, which needs no
gradient. None of them knows an attack: a backdoor is found as the change that is far smaller than it needs to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from threatclip.checks import check, fraction

Numbers = tuple[Tensor, ...]
"""What k changes of one kind are made of: tensors whose first dimension is k."""


class Kind(Protocol):
    """A kind of universal change.

    Attributes:
        rate: learning rate of the search.
        weight: of the size in the search, at first.
    """

    rate: ClassVar[float]
    weight: ClassVar[float]

    def start(self, k: int, side: int, *, generator: torch.Generator) -> Numbers:
        """Return the numbers of k changes that change little."""
        ...

    def apply(
        self, numbers: Numbers, pictures: Float[Tensor, "n 3 s s"], members: Int[Tensor, " n"]
    ) -> Float[Tensor, "n 3 s s"]:
        """Return pictures in [0, 1], each under the change that `members` names."""
        ...

    def sizes(self, numbers: Numbers) -> Float[Tensor, " k"]:
        """Return how large each change is."""
        ...

    def bounded(self, numbers: Numbers) -> Numbers:
        """Return the numbers within what the kind allows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A mask and a pattern, (1 - m) x + m p [Wang 2019, section IV-B]; its size is the mask's sum, in pixels."""

    rate: ClassVar[float] = 0.15
    weight: ClassVar[float] = 0.003

    def start(self, k: int, side: int, *, generator: torch.Generator) -> Numbers:
        """Return logits of masks [k, 1, s, s], 12% everywhere, and of patterns [k, 3, s, s]."""
        masks = -2.0 + 0.3 * torch.randn(k, 1, side, side, generator=generator)
        return masks, torch.randn(k, 3, side, side, generator=generator)

    def apply(
        self, numbers: Numbers, pictures: Float[Tensor, "n 3 s s"], members: Int[Tensor, " n"]
    ) -> Float[Tensor, "n 3 s s"]:
        """Return the pictures under their masks."""
        masks, patterns = (torch.sigmoid(part)[members] for part in numbers)
        return (1 - masks) * pictures + masks * patterns

    def sizes(self, numbers: Numbers) -> Float[Tensor, " k"]:
        """Return the sum of each mask."""
        return torch.sigmoid(numbers[0]).sum(dim=(1, 2, 3))

    def bounded(self, numbers: Numbers) -> Numbers:
        """Return the numbers as they are: logits know no bound."""
        return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Something added, at most `bound` on a channel [Moosavi-Dezfooli 2017]; its size is its largest part."""

    bound: float = 0.02
    rate: ClassVar[float] = 0.005
    weight: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        fraction(self, "bound")

    def start(self, k: int, side: int, *, generator: torch.Generator) -> Numbers:
        """Return nothing added, [k, 3, s, s]."""
        return (1e-3 * torch.randn(k, 3, side, side, generator=generator),)

    def apply(
        self, numbers: Numbers, pictures: Float[Tensor, "n 3 s s"], members: Int[Tensor, " n"]
    ) -> Float[Tensor, "n 3 s s"]:
        """Return the pictures with their additions."""
        return (pictures + numbers[0][members]).clamp(0.0, 1.0)

    def sizes(self, numbers: Numbers) -> Float[Tensor, " k"]:
        """Return the largest part of each addition."""
        return numbers[0].abs().amax(dim=(1, 2, 3))

    def bounded(self, numbers: Numbers) -> Numbers:
        """Return the additions cut to the bound."""
        return (numbers[0].clamp(-self.bound, self.bound),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warped:
    """A smooth flow from a few control points, as of [Nguyen 2021]; its size is the mean shift, in pixels."""

    points: int = 4
    rate: ClassVar[float] = 0.01
    weight: ClassVar[float] = 3.0

    def __post_init__(self) -> None:
        check("points", self.points, self.points >= 2, "at least 2")

    def start(self, k: int, side: int, *, generator: torch.Generator) -> Numbers:
        """Return shifts of the control points [k, 2, p, p], in half sides, and the side."""
        shifts = 0.01 * torch.randn(k, 2, self.points, self.points, generator=generator)
        return shifts, torch.full((k,), float(side))

    def apply(
        self, numbers: Numbers, pictures: Float[Tensor, "n 3 s s"], members: Int[Tensor, " n"]
    ) -> Float[Tensor, "n 3 s s"]:
        """Return the pictures read along their flows."""
        side = pictures.shape[-1]
        flow = functional.interpolate(numbers[0], size=(side, side), mode="bicubic", align_corners=True)
        still = functional.affine_grid(torch.eye(2, 3, device=pictures.device)[None], [1, 3, side, side], False)
        grid = (still + flow.permute(0, 2, 3, 1)[members]).clamp(-1.0, 1.0)
        return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def sizes(self, numbers: Numbers) -> Float[Tensor, " k"]:
        """Return the mean shift of the control points."""
        return numbers[0].abs().mean(dim=(1, 2, 3)) * numbers[1] / 2

    def bounded(self, numbers: Numbers) -> Numbers:
        """Return the numbers as they are."""
        return numbers
