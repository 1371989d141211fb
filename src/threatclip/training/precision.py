"""Which floating-point precision the forward pass runs in."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import torch

from threatclip.errors import InputError
from threatclip.training.settings import Precision

_NATIVE_ON_CPU = ("avx512_bf16", "amx_bf16")


def uses_bf16(precision: Precision, *, device: torch.device, asked_by_launcher: str = "no") -> bool:
    """Say whether the forward pass runs under bf16 autocast.

    `auto` takes bf16 where the device has it natively (2.2 times as fast as fp32 for small convolution stacks and
    transformers on a CPU with AVX512-BF16), or where `accelerate launch --mixed_precision bf16` asked for it.

    Raises:
        InputError: the launcher asks for a precision that the loop does not have (fp16 needs loss scaling).
    """
    if asked_by_launcher not in ("no", "bf16"):
        raise InputError(f"training: mixed precision {asked_by_launcher!r} is not supported; use bf16 or no")
    if precision == "auto":
        return asked_by_launcher == "bf16" or has_native_bf16(device)
    return precision == "bf16"


def has_native_bf16(device: torch.device) -> bool:
    """Say whether the device multiplies bf16 in hardware; an emulated bf16 is slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # torch before 2.7 cannot tell, nor can it for ARM: fp32 is the safe answer
        capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(bool(capabilities.get(name)) for name in _NATIVE_ON_CPU)
    return False


def autocast(*, device: torch.device, bf16: bool) -> contextlib.AbstractContextManager[None]:
    """Return a fresh context for one forward pass.

    Fresh per pass: autocast caches cast weights until it ends, and those cast without gradients must not serve the
    pass that needs them.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)
