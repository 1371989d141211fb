"""Pictures that a model takes for something else although they look the same: projected gradient steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from threatclip.checks import at_least, check
from threatclip.encoders.dual import DualEncoder
from threatclip.losses.clip import symmetric_infonce
from threatclip.seeds import torch_rng

_ROWS = 128  # crafted at a time: as many wrong captions each picture can move to


@dataclass(frozen=True, slots=True, kw_only=True)
class Crafting:
    """How far pixels may move, and how.

    Attributes:
        radius: largest change of a pixel in [0, 1].
        steps: of signed gradient ascent.
        step_size: of one step; None takes 2.5 radius / steps, which can cross the whole ball [Madry 2018].
    """

    radius: float = 8 / 255
    steps: int = 5
    step_size: float | None = None

    def __post_init__(self) -> None:
        check("radius", self.radius, 0 < self.radius <= 1, "above 0, up to 1")
        at_least(self, 1, "steps")
        check("step_size", self.step_size, self.step_size is None or 0 < self.step_size <= 1, "above 0, up to 1")

    @property
    def step(self) -> float:
        """The size of one step."""
        return self.step_size or 2.5 * self.radius / self.steps


def adversarial_pictures(
    dual: DualEncoder,
    pixels: UInt8[np.ndarray, "n 3 s s"],
    captions: Float[np.ndarray, "n d"],
    crafting: Crafting,
    *,
    seed: int,
) -> UInt8[np.ndarray, "n 3 s s"]:
    """Return pictures within `crafting.radius` of the given ones, each moved away from its own caption.

    Ascends CLIP's loss of pictures among captions from a random start in the ball, some rows at a time.

    Args:
        dual: in evaluation mode; its weights are left as they are.
        pixels: as its view tower reads them.
        captions: unit vectors of their captions by the same model.
        crafting: see there.
        seed: of the starts.
    """
    device = dual.log_scale.device
    generator = torch_rng(seed, "repair/adversarial")
    found = np.empty_like(pixels)
    for start in range(0, len(pixels), _ROWS):
        part = slice(start, start + _ROWS)
        plain = torch.from_numpy(pixels[part]).float() / 255
        noise = (2 * torch.rand(plain.shape, generator=generator) - 1) * crafting.radius
        moved = _ascended(
            dual, plain.to(device), noise.to(device), torch.from_numpy(captions[part]).to(device), crafting
        )
        found[part] = moved.mul(255).round().to(torch.uint8).cpu().numpy()
    return found


def _ascended(
    dual: DualEncoder,
    plain: Float[Tensor, "n 3 s s"],
    noise: Float[Tensor, "n 3 s s"],
    captions: Float[Tensor, "n d"],
    crafting: Crafting,
) -> Float[Tensor, "n 3 s s"]:
    low, high = (plain - crafting.radius).clamp(min=0), (plain + crafting.radius).clamp(max=1)
    moved = torch.minimum(torch.maximum(plain + noise, low), high)
    temperature = dual.temperature.detach()
    for _ in range(crafting.steps):
        moved.requires_grad_()
        loss = symmetric_infonce(dual.view_tower(pixels=moved), captions, temperature=temperature)
        (gradient,) = torch.autograd.grad(loss, moved)
        stepped = moved.detach() + crafting.step * gradient.sign()
        moved = torch.minimum(torch.maximum(stepped, low), high)
    return moved.detach()
