"""Many processes as one: rows shared out, representations gathered, gradients summed.

The module is not wrapped in DistributedDataParallel: a contrastive loss couples the rows of all processes, so every
process computes the one global loss over gathered representations and pushes back the gradient of its own rows only.
The sum over processes is then the gradient that one process would have found.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import Tensor, nn

from threatclip.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """This process among all: `index` of `count`, computing on `device`."""

    device: torch.device
    index: int = 0
    count: int = 1

    def rows(self, n_rows: int) -> slice:
        """Return this process's rows of a batch of `n_rows`; shares differ by at most one row."""
        return slice(n_rows * self.index // self.count, n_rows * (self.index + 1) // self.count)


def this_accelerator() -> Accelerator:
    """Return accelerate's view of this process: its device, and the processes launched with it.

    Where there is no accelerator, accelerate joins CPU processes only when told that they are meant to be on the CPU.
    Launch them with `accelerate launch --multi_gpu --num_processes 2` or `torchrun --nproc_per_node 2`, on CPUs too:
    `accelerate launch --cpu` starts one process, whatever `--num_processes` says (accelerate 1.15).
    """
    return Accelerator(cpu=not torch.accelerator.is_available())


def world_of(accelerator: Accelerator) -> World:
    """Return this process's place as accelerate set it up.

    Raises:
        InputError: the launcher asks for a sharded engine (FSDP, DeepSpeed, Megatron), or it started processes that
            accelerate did not join: each would train alone and write over the others.
    """
    kind = str(accelerator.distributed_type.value)
    if kind != "NO" and not kind.startswith("MULTI_"):
        raise InputError(f"training: accelerate's {kind} is not supported; launch plain multi-GPU or multi-CPU")
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if launched != accelerator.num_processes:
        raise InputError(
            f"training: {launched} processes were launched but accelerate joined {accelerator.num_processes}; "
            "make the Accelerator with cpu=True on machines without a GPU"
        )
    return World(device=accelerator.device, index=accelerator.process_index, count=accelerator.num_processes)


@torch.no_grad()
def gather_rows(rows: Tensor, *, n_rows: int, world: World) -> Tensor:
    """Return the rows [n_rows, ...] of all processes in order, given this process's share of them."""
    if world.count == 1:
        return rows
    shares = [World(device=world.device, index=i, count=world.count).rows(n_rows) for i in range(world.count)]
    sizes = [share.stop - share.start for share in shares]
    padded = rows.new_zeros((max(sizes), *rows.shape[1:]))
    padded[: len(rows)] = rows
    gathered = [torch.empty_like(padded) for _ in range(world.count)]
    dist.all_gather(gathered, padded)
    return torch.cat([part[:size] for part, size in zip(gathered, sizes, strict=True)])


def sum_gradients(parameters: Iterable[nn.Parameter], *, world: World) -> None:
    """Add up the gradients over processes, in place; a parameter that no process used keeps none."""
    if world.count == 1:
        return
    parameters = list(parameters)
    used = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32)
    used = used.to(world.device)
    dist.all_reduce(used)
    reached = [parameter for parameter, count in zip(parameters, used.tolist(), strict=True) if count]
    for parameter in reached:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    for bucket in _by_dtype(reached):
        gradients = [parameter.grad for parameter in bucket if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        pieces = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, piece in zip(gradients, pieces, strict=True):
            gradient.copy_(piece.view_as(gradient))


@torch.no_grad()
def copy_from_main(module: nn.Module, *, world: World) -> None:
    """Give every process the main process's parameters and buffers."""
    if world.count == 1:
        return
    for tensor in [*module.parameters(), *module.buffers()]:
        dist.broadcast(tensor, src=0)


def number_from_main(number: int, *, world: World) -> int:
    """Return the main process's `number` in every process; also a barrier."""
    if world.count == 1:
        return number
    shared = torch.tensor([number], dtype=torch.int64, device=world.device)
    dist.broadcast(shared, src=0)
    return int(shared.item())


def _by_dtype(parameters: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    buckets: dict[torch.dtype, list[nn.Parameter]] = {}
    for parameter in parameters:
        buckets.setdefault(parameter.dtype, []).append(parameter)
    return list(buckets.values())
