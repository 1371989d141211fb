"""The training loop: a generator that does one update at a time and tells of it.

Between two records the caller may do what it likes (evaluate, plot, stop): the loop puts the module back into
training mode and draws its randomness by name, so none of that changes the result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from threatclip.errors import DivergedError, InputError
from threatclip.training.averaging import put_average, start_average, update_average
from threatclip.training.checkpoint import (
    Checkpoint,
    Latest,
    checkpoint_path,
    latest_valid,
    load_checkpoint,
    remove_leftovers,
    save_checkpoint,
)
from threatclip.training.contracts import Batch, Batches, Objective, Step
from threatclip.training.distributed import (
    World,
    copy_from_main,
    number_from_main,
    sum_gradients,
    this_accelerator,
    world_of,
)
from threatclip.training.gradcache import Passes, accumulate_gradients, check_chunks, rows_of
from threatclip.training.modes import set_modes, training_modes
from threatclip.training.optimizer import make_optimizer, optimizer_tensors, set_rate, trainable
from threatclip.training.precision import autocast, uses_bf16
from threatclip.training.randomness import drawing_from
from threatclip.training.resuming import check_start, restore
from threatclip.training.schedule import rate_factor
from threatclip.training.settings import TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """References to what one run works on; nothing here is computed from something else here."""

    module: nn.Module
    modes: list[tuple[nn.Module, bool]]
    objective: Objective
    batches: Batches
    settings: TrainSettings
    parameters: dict[str, nn.Parameter]
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    world: World
    bf16: bool
    checkpoints: Path | None
    identity: dict[str, Any]

    @property
    def total_steps(self) -> int:
        return self.settings.epochs * self.batches.steps_per_epoch


def train(
    *,
    module: nn.Module,
    objective: Objective,
    batches: Batches,
    settings: TrainSettings,
    checkpoints: Path | None = None,
    resume: bool = False,
    accelerator: Accelerator | None = None,
    identity: Mapping[str, str] | None = None,
) -> Generator[Step, None, None]:
    """Train `module` in place and yield a record after each update.

    Everything is checked, and the checkpoint to resume from is loaded, before this returns; work starts with the
    first record asked for. Parts of `module` without a trainable parameter run in evaluation mode. When the
    generator ends by itself and `settings.ema_decay` is set, `module` holds the averaged weights. Closing the
    generator, or an interrupt, leaves the last checkpoint valid and `module` as the last update left it.

    Args:
        module: holds every trainable parameter of `objective`; moved to the accelerator's device.
        checkpoints: folder to save into; None saves nothing. With many processes, one that all of them see.
        resume: continue from the newest valid checkpoint, or start if there is none yet.
        identity: what else must be the same for a resumed run, such as the hash of the data.

    Raises:
        InputError: a setting is wrong for this module; checkpoints exist and `resume` is false; the checkpoint
            belongs to another run.
        DivergedError: the loss or the gradient is not finite (while iterating).
        DamagedArtifactError: there are checkpoints, but no valid one.
        StorageError: a checkpoint could not be written (while iterating).
    """
    if checkpoints is None and resume:
        raise InputError("training: resume needs the folder of the checkpoints")
    if batches.steps_per_epoch < 1:
        raise InputError("training: the batches have no step; use fewer rows per batch, or more pairs")
    run = _prepare(
        module,
        objective,
        batches,
        settings,
        accelerator or this_accelerator(),
        checkpoints=checkpoints,
        extra=identity or {},
    )
    done, notes = _start(run, resume=resume)
    return _updates(run, done=done, notes=notes)


def _prepare(
    module: nn.Module,
    objective: Objective,
    batches: Batches,
    settings: TrainSettings,
    accelerator: Accelerator,
    *,
    checkpoints: Path | None,
    extra: Mapping[str, str],
) -> _Run:
    world = world_of(accelerator)
    module.to(world.device)
    parameters = trainable(module)
    modes = training_modes(module)
    set_modes(modes)
    check_chunks(module, chunked=settings.chunk_rows is not None, world=world)
    bf16 = uses_bf16(settings.precision, device=world.device, asked_by_launcher=accelerator.mixed_precision)
    return _Run(
        module=module,
        modes=modes,
        objective=objective,
        batches=batches,
        settings=settings,
        parameters=parameters,
        optimizer=make_optimizer(parameters, settings=settings),
        average=start_average(parameters) if settings.ema_decay is not None else {},
        world=world,
        bf16=bf16,
        checkpoints=checkpoints,
        identity={
            **settings.fingerprint(),
            "precision": "bf16" if bf16 else "fp32",
            "steps_per_epoch": batches.steps_per_epoch,
            **{f"identity.{name}": value for name, value in extra.items()},
        },
    )


def _updates(run: _Run, *, done: int, notes: tuple[str, ...]) -> Generator[Step, None, None]:
    for step in range(done, run.total_steps):
        record = _update(run, step)
        if _is_due(run, record.step):
            record = replace(record, checkpoint=_save(run, record.step))
        yield replace(record, notes=notes)
        notes = ()
    put_average(run.average, run.parameters)


def _update(run: _Run, step: int) -> Step:
    began = time.perf_counter()
    settings = run.settings
    epoch, index = divmod(step, run.batches.steps_per_epoch)
    batch: Batch = {name: value.to(run.world.device) for name, value in run.batches.batch(epoch, index).items()}
    set_modes(run.modes)
    rate = settings.learning_rate * rate_factor(step, run.total_steps, warmup_fraction=settings.warmup_fraction)
    set_rate(run.optimizer, rate)
    terms = accumulate_gradients(module=run.module, objective=run.objective, batch=batch, passes=_passes(run, step))
    sum_gradients(run.parameters.values(), world=run.world)
    norm = float(nn.utils.clip_grad_norm_(run.parameters.values(), settings.clip_norm or math.inf))
    if not (math.isfinite(norm) and all(map(math.isfinite, terms.values()))):
        raise DivergedError(
            f"training: step {step + 1} has loss {terms['loss']} and gradient norm {norm}; "
            "lower the learning rate, clip the gradient, or train in fp32"
        )
    run.optimizer.step()
    if settings.ema_decay is not None:
        update_average(run.average, run.parameters, decay=settings.ema_decay, step=step + 1)
    return Step(
        step=step + 1,
        epoch=epoch,
        losses=terms,
        lr=rate,
        grad_norm=norm,
        seconds=time.perf_counter() - began,
        rows=rows_of(batch),
    )


def _passes(run: _Run, step: int) -> Passes:
    device = run.world.device
    return Passes(
        world=run.world,
        chunk_rows=run.settings.chunk_rows,
        autocast=partial(autocast, device=device, bf16=run.bf16),
        drawing=lambda name: drawing_from(run.settings.seed, f"training/step/{step}/{name}", device=device),
    )


def _is_due(run: _Run, step: int) -> bool:
    every = run.settings.checkpoint_every_steps or run.batches.steps_per_epoch
    return run.checkpoints is not None and (step % every == 0 or step == run.total_steps)


def _save(run: _Run, step: int) -> str:
    """Let the main process write the checkpoint after update `step`; return its name in every process."""
    if run.checkpoints is None or run.world.index:
        return checkpoint_path(Path(), step).name
    checkpoint = Checkpoint(
        step=step,
        identity=run.identity,
        module=run.module.state_dict(),
        optimizer=optimizer_tensors(run.optimizer, run.parameters),
        average=run.average,
    )
    return save_checkpoint(run.checkpoints, checkpoint, keep=run.settings.keep_checkpoints).name


def _start(run: _Run, *, resume: bool) -> tuple[int, tuple[str, ...]]:
    """Bring every process to the same state; return the updates done and what to tell of it."""
    latest = Latest(path=None)
    if run.checkpoints is not None and run.world.index == 0:
        remove_leftovers(run.checkpoints)
        latest = latest_valid(run.checkpoints)
        check_start(latest, folder=run.checkpoints, resume=resume)
    done = number_from_main(latest.step, world=run.world)
    if not done or run.checkpoints is None:
        copy_from_main(run.module, world=run.world)
        return 0, ()
    path = checkpoint_path(run.checkpoints, done)
    restore(
        load_checkpoint(path),
        module=run.module,
        parameters=run.parameters,
        optimizer=run.optimizer,
        average=run.average,
        identity=run.identity,
        path=path,
    )
    return done, (f"resumed from {path.name}", *latest.skipped)
