"""Whole checkpoints: a folder is visible only when every byte of it is on the disk and listed by hash.

    step-00000120/
    ├── module.safetensors      parameters and buffers
    ├── optimizer.safetensors   `slot/parameter`, as optimizer_tensors names them
    ├── average.safetensors     only with an EMA of the weights
    ├── state.json              step, and the identity that a resumed run must share
    └── manifest.json           size and SHA-256 of each

Neither the schedule, nor dropout, nor the batches have state of their own: all are functions of the step.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from threatclip.artifacts import (
    atomic_folder,
    check_safetensors_header,
    read_json,
    storage_errors,
    verify_manifest,
    write_json,
)
from threatclip.errors import DamagedArtifactError, ThreatclipError

_NAME = re.compile(r"step-(\d{8,})")
_LEFTOVER = re.compile(r"\.step-\d{8,}\..*\.(part|old)")
_STATE = "state.json"
_KIND = {"kind": "threatclip.checkpoint", "version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state after update `step`: named tensors, and the identity of the run they belong to."""

    step: int
    identity: Mapping[str, Any]
    module: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    average: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The newest valid checkpoint of a folder, and why each newer one was passed over."""

    path: Path | None
    step: int = 0
    skipped: tuple[str, ...] = ()


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write `checkpoint` under `folder` and then remove all but the newest `keep`; return its path.

    What is there already for this step or a later one is removed: the run that wrote it went another way, or it was
    damaged and passed over.

    Raises:
        StorageError: the disk refused; earlier checkpoints are untouched.
    """
    path = checkpoint_path(folder, checkpoint.step)
    with storage_errors(path):
        for stale, step in _steps(folder):
            if step >= checkpoint.step:
                shutil.rmtree(stale)
    with atomic_folder(path, manifest=_KIND) as part:
        for name in ("module", "optimizer", "average"):
            tensors = getattr(checkpoint, name)
            if tensors or name != "average":
                (part / f"{name}.safetensors").write_bytes(_serialize(tensors))
        write_json(part / _STATE, {"step": checkpoint.step, "identity": dict(checkpoint.identity)})
    for old, _ in _steps(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return where the checkpoint after update `step` lies."""
    return folder / f"step-{step:08d}"


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one checkpoint after checking every byte of it.

    Raises:
        InputError: it has no manifest.
        DamagedArtifactError: a file is missing, changed or not what it should be.
    """
    manifest = verify_manifest(path)
    if {name: manifest.get(name) for name in _KIND} != _KIND:
        raise DamagedArtifactError(f"{path} is not a checkpoint of this version; remove it")
    state = read_json(path / _STATE)
    average = path / "average.safetensors"
    try:
        return Checkpoint(
            step=int(state["step"]),
            identity=dict(state["identity"]),
            module=_read(path / "module.safetensors"),
            optimizer=_read(path / "optimizer.safetensors"),
            average=_read(average) if average.exists() else {},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedArtifactError(f"{path / _STATE} lacks its fields ({error}); remove this checkpoint") from error


def latest_valid(folder: Path) -> Latest:
    """Find the newest checkpoint of which every byte is as written; a missing folder has none."""
    skipped = []
    for path, step in _steps(folder):
        try:
            load_checkpoint(path)
        except (ThreatclipError, OSError) as error:
            skipped.append(f"passed over {path.name}: {error}")
        else:
            return Latest(path=path, step=step, skipped=tuple(skipped))
    return Latest(path=None, skipped=tuple(skipped))


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left half-written; only the one process that writes here may call this."""
    if folder.is_dir():
        for path in folder.iterdir():
            if _LEFTOVER.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)


def _steps(folder: Path) -> list[tuple[Path, int]]:
    """Return the checkpoint folders with their steps, newest first."""
    if not folder.is_dir():
        return []
    named = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir() if path.is_dir()]
    return sorted(((path, int(match[1])) for path, match in named if match), key=lambda item: -item[1])


def _serialize(tensors: Mapping[str, Tensor]) -> bytes:
    # tied tensors share storage, which safetensors refuses: each name gets a copy
    whole = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    serialized: bytes = safetensors.torch.save(whole)
    return serialized


def _read(path: Path) -> dict[str, Tensor]:
    check_safetensors_header(path)
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(path.read_bytes())
    except SafetensorError as error:
        raise DamagedArtifactError(f"{path} is not a whole safetensors file ({error}); remove it") from error
    return tensors
