"""Two towers and a learned temperature: the model that every recipe trains."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from threatclip.encoders.towers import Tower
from threatclip.errors import InputError

MAX_SCALE = 100.0  # cosines are never sharpened beyond this [Radford 2021, section 2.5]


class DualEncoder(nn.Module):
    """A view tower and a text tower of one dimension; `temperature` is learned as a log-scale, clamped when read."""

    def __init__(
        self, *, view_tower: Tower, text_tower: Tower, temperature: float = 0.07, learn_temperature: bool = True
    ) -> None:
        super().__init__()
        if view_tower.dim != text_tower.dim:
            raise InputError(f"the towers differ in dim: view {view_tower.dim}, text {text_tower.dim}; make them equal")
        if not 1 / MAX_SCALE <= temperature <= 1:
            raise InputError(f"temperature = {temperature}; choose {1 / MAX_SCALE} to 1")
        self.view_tower = view_tower
        self.text_tower = text_tower
        self.dim = view_tower.dim
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)), requires_grad=learn_temperature)

    @property
    def temperature(self) -> Tensor:
        """What divides cosines in a loss, a scalar in [1 / MAX_SCALE, 1] with a gradient."""
        return torch.exp(-self.log_scale.clamp(min=0.0, max=math.log(MAX_SCALE)))
