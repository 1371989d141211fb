"""Dropout's randomness, addressed like every other choice: by seed and stream, not by what was drawn before.

Dropout draws from torch's global generator, which would make a step depend on all earlier draws, the caller's
evaluation between two steps included. Each chunk of each step is seeded by its own name instead. So a resumed run
needs no generator state, GradCache replays a chunk exactly, and n processes draw what one process with the same
chunks would.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from threatclip.seeds import stream_seed


@contextlib.contextmanager
def drawing_from(seed: int, stream: str, *, device: torch.device) -> Iterator[None]:
    """Draw from the named stream under this block; the global generators are as before after it."""
    number = stream_seed(seed, stream)
    accelerator = None if device.type == "cpu" else torch.get_device_module(device)
    states = torch.get_rng_state(), accelerator.get_rng_state() if accelerator else None
    # not torch.manual_seed: where an accelerator is not in use, each call would queue a seed for it, traceback and all
    torch.default_generator.manual_seed(number)
    if accelerator:
        accelerator.manual_seed(number)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        if accelerator:
            accelerator.set_rng_state(states[1])
