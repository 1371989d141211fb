"""Attention that also trains fast in bf16 on a CPU, for towers of ours and for models of transformers."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_MOST_PLAIN = 256  # positions; beyond it the scores would take too much memory
_NAME = "threatclip"  # among transformers' implementations of attention


def attended(
    query: Float[Tensor, "n k l h"],
    key: Float[Tensor, "n k l h"],
    value: Float[Tensor, "n k l h"],
    mask: Bool[Tensor, "#n #k #l l"] | None,
    *,
    dropout: float,
    scale: float | None = None,
) -> Float[Tensor, "n k l h"]:
    """Return softmax(scale q k^T) v; `mask` tells which positions a position sees, `scale` is 1 / sqrt(h) unless given.

    The library's fused attention is slow backwards in bf16 on a CPU: plain products, with the softmax in fp32, were
    measured at three to six times its speed for 24 to 128 positions. Elsewhere the fused one is used.
    """
    if not _trains_in_bf16(query):
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, scale=scale
        )
    scores = (query @ key.transpose(2, 3)).float() * (query.shape[3] ** -0.5 if scale is None else scale)
    if mask is not None:
        scores = scores.masked_fill(~mask, -float("inf"))
    return functional.dropout(scores.softmax(dim=3), dropout).to(value.dtype) @ value


def train_fast(model: nn.Module) -> None:
    """Let a model of transformers that uses the library's fused attention train by `attended`; it reads as before."""
    for module in model.modules():
        config = getattr(module, "config", None)
        if getattr(config, "_attn_implementation", None) == "sdpa":
            config._attn_implementation = _NAME  # type: ignore[union-attr]


def _trains_in_bf16(query: Tensor) -> bool:
    trains = torch.is_grad_enabled() and query.requires_grad and query.dtype == torch.bfloat16
    return trains and query.device.type == "cpu" and query.shape[2] <= _MOST_PLAIN


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Return what transformers' own `sdpa_attention_forward` returns, [n, l, k, h]."""
    usual = key.shape == query.shape and (attention_mask is None or attention_mask.dtype == torch.bool)
    if not usual or more.get("position_bias") is not None or not _trains_in_bf16(query):
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, is_causal=is_causal, **more
        )
        return found
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    mask = attention_mask
    if mask is None and causal:
        mask = torch.ones(query.shape[2], query.shape[2], dtype=torch.bool).tril()[None, None]
    return attended(query, key, value, mask, dropout=dropout, scale=scaling).transpose(1, 2).contiguous(), None


AttentionInterface.register(_NAME, _attention)
AttentionMaskInterface.register(_NAME, sdpa_mask)
