"""An exponential moving average of the weights [Polyak 1992; Tarvainen 2017].

The average is held beside the weights, saved with them, and put into the module when training ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


def start_average(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return copies of the parameters to average from."""
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


@torch.no_grad()
def update_average(
    average: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter], *, decay: float, step: int
) -> None:
    """Move the average towards the parameters after update `step` (from 1).

    The decay grows as min(decay, (1 + step) / (10 + step)), so that a short run does not average its random start.
    """
    weight = 1.0 - min(decay, (1 + step) / (10 + step))
    for name, parameter in parameters.items():
        average[name].lerp_(parameter, weight)


@torch.no_grad()
def put_average(average: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter]) -> None:
    """Overwrite the parameters with the average."""
    for name, value in average.items():
        parameters[name].copy_(value)


@contextlib.contextmanager
def averaged(average: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter]) -> Iterator[None]:
    """Hold the average in the parameters under this block, the trained values after it."""
    trained = start_average(parameters)
    put_average(average, parameters)
    try:
        yield
    finally:
        put_average(trained, parameters)
