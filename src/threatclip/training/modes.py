"""Which parts of a module train and which are only read."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn


def training_modes(module: nn.Module) -> list[tuple[nn.Module, bool]]:
    """Return each part of `module` with whether it runs in training mode.

    A part that has parameters and learns none of them is frozen as a whole, its dropout and batch statistics with it;
    so a frozen tower says the same of the same input at every step.
    """
    learns = [parameter.requires_grad for parameter in module.parameters()]
    if learns and not any(learns):
        return [(part, False) for part in module.modules()]
    return [(module, True), *(mode for child in module.children() for mode in training_modes(child))]


def set_modes(modes: Iterable[tuple[nn.Module, bool]]) -> None:
    """Put every part into its mode, whatever an evaluation in between left it in."""
    for part, training in modes:
        part.training = training
