"""Put a checkpoint back into a module, after checking that it belongs there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.training.checkpoint import Checkpoint, Latest
from threatclip.training.optimizer import restore_optimizer


def check_start(latest: Latest, *, folder: Path, resume: bool) -> None:
    """Refuse to start over checkpoints that nobody asked to resume, and to resume damaged ones only.

    Raises:
        InputError: `folder` holds checkpoints and `resume` is false.
        DamagedArtifactError: it holds checkpoints, but no valid one.
    """
    if not resume and (latest.path or latest.skipped):
        raise InputError(f"{folder} holds checkpoints already; resume them or choose another folder")
    if latest.path is None and latest.skipped:
        raise DamagedArtifactError(
            f"{folder} holds no valid checkpoint ({'; '.join(latest.skipped)}); remove it to start anew"
        )


def restore(
    checkpoint: Checkpoint,
    *,
    module: nn.Module,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    average: Mapping[str, Tensor],
    identity: Mapping[str, Any],
    path: Path,
) -> None:
    """Put `checkpoint`, read from `path`, into the module, the optimizer and the average; nothing is left out.

    Raises:
        InputError: it belongs to a run with other settings, data or architecture; nothing was changed then.
        DamagedArtifactError: it does not hold what a checkpoint holds.
    """
    _check_identity(checkpoint.identity, identity, path=path)
    _check_tensors(checkpoint.module, module.state_dict(), path=path)
    _check_tensors(checkpoint.average, average, path=path)
    module.load_state_dict(dict(checkpoint.module), strict=True)
    restore_optimizer(optimizer, parameters, checkpoint.optimizer)
    for name, value in checkpoint.average.items():
        average[name].copy_(value)


def _check_identity(theirs: Mapping[str, Any], ours: Mapping[str, Any], *, path: Path) -> None:
    differing = [name for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name)]
    if differing:
        changes = "; ".join(f"{name} was {theirs.get(name)!r}, is {ours.get(name)!r}" for name in differing)
        raise InputError(f"{path} belongs to another run: {changes}; choose another folder or do not resume")


def _check_tensors(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], *, path: Path) -> None:
    # load_state_dict alone would turn one floating-point type into another without a word
    for name in sorted({*theirs, *ours}):
        there, here = _kind(theirs.get(name)), _kind(ours.get(name))
        if there != here:
            raise InputError(f"{path} is of another model: {name} is {there} there and {here} here; do not resume it")


def _kind(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
