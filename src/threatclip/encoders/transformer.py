"""A small pre-norm transformer over padded positions, shared by the towers that are trained from scratch."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

_MOST_PLAIN = 256  # positions; beyond it the scores would take too much memory


class TransformerLayer(nn.Module):
    """Self-attention and a GELU feed-forward of four times the width, each after a LayerNorm [Xiong 2020]."""

    def __init__(self, *, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.attention_norm = nn.LayerNorm(width)
        self.mix_in = nn.Linear(width, 3 * width)
        self.mix_out = nn.Linear(width, width)
        self.forward_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, hidden: Float[Tensor, "n l w"], valid: Bool[Tensor, "n l"] | None) -> Float[Tensor, "n l w"]:
        """Attend over valid positions only, None for all; what padded positions hold is without meaning."""
        n, length, width = hidden.shape
        mixed = self.mix_in(self.attention_norm(hidden)).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        rate = self.dropout if self.training else 0.0
        mixed = attended(query, key, value, None if valid is None else valid[:, None, None, :], dropout=rate)
        mixed = self.mix_out(mixed.transpose(1, 2).reshape(n, length, width))
        hidden = hidden + functional.dropout(mixed, rate)
        wide = functional.gelu(self.widen(self.forward_norm(hidden)))
        return hidden + functional.dropout(self.narrow(wide), rate)


def attended(
    query: Float[Tensor, "n k l h"],
    key: Float[Tensor, "n k l h"],
    value: Float[Tensor, "n k l h"],
    mask: Bool[Tensor, "n 1 1 l"] | None,
    *,
    dropout: float,
) -> Float[Tensor, "n k l h"]:
    """Return softmax(q k^T / sqrt(h)) v, scores of masked positions left out.

    The library's fused attention is slow backwards in bf16 on a CPU: plain products, with the softmax in fp32, were
    measured at three to six times its speed for 24 to 128 positions. Elsewhere the fused one is used.
    """
    trains = torch.is_grad_enabled() and query.requires_grad
    if not trains or query.dtype != torch.bfloat16 or query.device.type != "cpu" or query.shape[2] > _MOST_PLAIN:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    scores = (query @ key.transpose(2, 3)).float() * query.shape[3] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -float("inf"))
    return functional.dropout(scores.softmax(dim=3), dropout).to(value.dtype) @ value


def sinusoids(length: int, width: int, like: Tensor) -> Float[Tensor, "l w"]:
    """Fixed positions of [Vaswani 2017, section 3.5], scaled down to the size of our embeddings; no length limit."""
    position = torch.arange(length, dtype=torch.float32, device=like.device)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float32, device=like.device) * (-math.log(10_000.0) / width))
    angle = position * rate
    return (0.1 * torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :width]).to(like.dtype)
