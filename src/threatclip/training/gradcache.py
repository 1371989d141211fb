"""One batch's gradient without holding its activations: GradCache [Gao 2021, sec. 3.2].

1. Represent the batch chunk by chunk without a graph. 2. Compute the loss over all representations and its gradient
with respect to them. 3. Represent each chunk again, with a graph and the same dropout, and push its rows of that
gradient back. Memory holds one chunk's activations and every row's representation; the gradient is the whole batch's.
With one chunk, the first pass keeps its graph and there is no second one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from threatclip.errors import InputError
from threatclip.training.contracts import Batch, Objective
from threatclip.training.distributed import World, gather_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """How the passes of one step run: where, in which chunks, precision and randomness."""

    world: World
    chunk_rows: int | None
    autocast: Callable[[], AbstractContextManager[None]]
    drawing: Callable[[str], AbstractContextManager[None]]
    """Maps a name within the step to the block in which its draws are made."""


def accumulate_gradients(*, module: nn.Module, objective: Objective, batch: Batch, passes: Passes) -> dict[str, float]:
    """Set `module`'s gradients to this process's part of the batch's gradient and return the loss terms.

    The sum of the parts over all processes is the gradient. `batch` is the whole batch, on the device.

    Raises:
        ValueError: the objective returns no term `loss`, or a representation whose first dimension is not the rows.
    """
    module.zero_grad(set_to_none=True)
    n_rows = rows_of(batch)
    mine = passes.world.rows(n_rows)
    size = passes.chunk_rows or max(mine.stop - mine.start, 1)
    chunks = [slice(start, min(start + size, mine.stop)) for start in range(mine.start, mine.stop, size)]
    held = _represent(objective, batch, chunks[0], passes) if len(chunks) == 1 else None
    local = _share_without_graph(objective, batch, chunks, passes) if held is None else held
    terms, gradients = _loss(objective, batch, local, passes)
    if passes.world.index:
        # every process found the same gradient of the parameters that the loss itself uses: one of them keeps it
        module.zero_grad(set_to_none=True)
    for chunk in chunks:
        reps = _represent(objective, batch, chunk, passes) if held is None else held
        _push_back(reps, {name: value[chunk] for name, value in gradients.items()})
    return terms


def rows_of(batch: Batch) -> int:
    """Return the number of rows of a batch.

    Raises:
        ValueError: the batch is empty or its tensors disagree.
    """
    counts = {len(value) for value in batch.values()}
    if len(counts) != 1 or counts == {0}:
        raise ValueError(f"a batch needs tensors of one number of rows, got {sorted(counts)}")
    return counts.pop()


def check_chunks(module: nn.Module, *, chunked: bool, world: World) -> None:
    """Refuse batch statistics where chunks or processes would each have their own.

    Raises:
        InputError: a layer normalizes over the batch and learns to do so.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.training:
            shared = isinstance(layer, nn.SyncBatchNorm)
            if chunked or (world.count > 1 and not shared):
                raise InputError(
                    f"training: {name} normalizes over the batch, which chunks (chunk_rows) or processes would cut; "
                    "freeze it, use a group or layer norm, or train whole batches in one process"
                )


def _represent(objective: Objective, batch: Batch, chunk: slice, passes: Passes) -> dict[str, Tensor]:
    with passes.drawing(f"rows/{chunk.start}"), passes.autocast():
        reps = objective.represent({name: value[chunk] for name, value in batch.items()})
    for name, value in reps.items():
        if value.ndim == 0 or len(value) != chunk.stop - chunk.start:
            shape = tuple(value.shape)
            raise ValueError(f"representation {name!r} has shape {shape} for {chunk.stop - chunk.start} rows")
    return reps


@torch.no_grad()
def _share_without_graph(objective: Objective, batch: Batch, chunks: list[slice], passes: Passes) -> dict[str, Tensor]:
    # a process without rows represents one of another's, to learn the shapes of what it has none of
    parts = [_represent(objective, batch, chunk, passes) for chunk in chunks or [slice(0, 1)]]
    n_rows = sum(chunk.stop - chunk.start for chunk in chunks)
    return {name: torch.cat([part[name] for part in parts])[:n_rows] for name in parts[0]}


def _loss(
    objective: Objective, batch: Batch, local: dict[str, Tensor], passes: Passes
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Return the loss terms and d(loss)/d(representation) for every row of all processes; fills direct gradients."""
    leaves = {}
    for name in sorted(local):
        whole = gather_rows(local[name].detach(), n_rows=rows_of(batch), world=passes.world)
        leaves[name] = whole.float().clone().requires_grad_() if whole.is_floating_point() else whole
    with passes.drawing("loss"):
        terms = objective.loss(leaves, batch)
    if "loss" not in terms:
        raise ValueError(f"the objective returned {sorted(terms)}; one term must be named 'loss'")
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
    return {name: float(value.detach()) for name, value in terms.items()}, gradients


def _push_back(reps: dict[str, Tensor], gradients: dict[str, Tensor]) -> None:
    pairs = [(reps[name], gradient) for name, gradient in gradients.items() if reps[name].requires_grad]
    if pairs:
        torch.autograd.backward([rep for rep, _ in pairs], [gradient.to(rep.dtype) for rep, gradient in pairs])
