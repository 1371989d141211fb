"""A small pre-norm transformer over padded positions, shared by the towers that are trained from scratch."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.attention import attended


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


def sinusoids(length: int, width: int, like: Tensor) -> Float[Tensor, "l w"]:
    """Fixed positions of [Vaswani 2017, section 3.5], scaled down to the size of our embeddings; no length limit."""
    position = torch.arange(length, dtype=torch.float32, device=like.device)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float32, device=like.device) * (-math.log(10_000.0) / width))
    angle = position * rate
    return (0.1 * torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :width]).to(like.dtype)
