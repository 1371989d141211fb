"""Which floating-point precision the forward pass runs in."""

from __future__ import annotations

import contextlib

import torch

from threatclip.errors import InputError
from threatclip.training.settings import Precision


def uses_bf16(precision: Precision, *, device: torch.device, asked_by_launcher: str = "no") -> bool:
    """Say whether the forward pass runs under bf16 autocast.

    `auto` takes bf16 on a GPU that has it natively, or where `accelerate launch --mixed_precision bf16` asked for it.
    On CPUs `auto` is fp32: casting small models costs there what the faster products gain.

    Raises:
        InputError: the launcher asks for a precision that the loop does not have (fp16 needs loss scaling).
    """
    if asked_by_launcher not in ("no", "bf16"):
        raise InputError(f"training: mixed precision {asked_by_launcher!r} is not supported; use bf16 or no")
    if precision == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return native or asked_by_launcher == "bf16"
    return precision == "bf16"


def autocast(*, device: torch.device, bf16: bool) -> contextlib.AbstractContextManager[None]:
    """Return a fresh context for one forward pass.

    Fresh per pass: autocast caches cast weights until it ends, and those cast without gradients must not serve the
    pass that needs them.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)
