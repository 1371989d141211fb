"""AdamW over the trainable parameters, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.training.settings import TrainSettings

_FACTOR = "rate_factor"


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters to learn by name; one that is tied under two names comes once.

    Raises:
        InputError: there are none.
    """
    parameters = {name: value for name, value in module.named_parameters() if value.requires_grad}
    if not parameters:
        raise InputError("training: the module has no trainable parameter; unfreeze a tower")
    return parameters


def make_optimizer(parameters: Mapping[str, nn.Parameter], *, settings: TrainSettings) -> torch.optim.AdamW:
    """Return AdamW with one group per (rate multiplier, decayed or not); vectors and scalars are not decayed.

    Raises:
        InputError: a prefix of `settings.rate_multipliers` names no parameter.
    """
    for prefix in settings.rate_multipliers:
        if not any(name.startswith(prefix) for name in parameters):
            raise InputError(f"training: rate_multipliers names {prefix!r}, but no trainable parameter starts with it")
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
        groups.setdefault((_factor(name, settings.rate_multipliers), decay), []).append(parameter)
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters.values())
    return torch.optim.AdamW(
        [{"params": members, "weight_decay": decay, _FACTOR: factor} for (factor, decay), members in groups.items()],
        lr=settings.learning_rate,
        fused=fused,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group `rate` times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group[_FACTOR]


def optimizer_tensors(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the optimizer's state as `slot/parameter` -> tensor."""
    return {
        f"{slot}/{name}": value
        for name, parameter in parameters.items()
        for slot, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """Put back what `optimizer_tensors` returned.

    Raises:
        DamagedArtifactError: a tensor belongs to no parameter or has another shape.
    """
    names = {id(parameter): name for name, parameter in parameters.items()}
    states: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        slot, _, name = key.partition("/")
        if name not in parameters or (value.ndim and value.shape != parameters[name].shape):
            raise DamagedArtifactError(f"the optimizer state {key!r} fits no parameter; remove this checkpoint")
        # the fused update walks through memory: a slot must lie there as its parameter does (channels last, say)
        states.setdefault(name, {})[slot] = torch.empty_like(parameters[name]).copy_(value) if value.ndim else value
    whole = optimizer.state_dict()
    ordered = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    whole["state"] = {
        index: states[names[id(parameter)]] for index, parameter in enumerate(ordered) if names[id(parameter)] in states
    }
    optimizer.load_state_dict(whole)


def _factor(name: str, multipliers: Mapping[str, float]) -> float:
    fitting = [prefix for prefix in multipliers if name.startswith(prefix)]
    return multipliers[max(fitting, key=len)] if fitting else 1.0
