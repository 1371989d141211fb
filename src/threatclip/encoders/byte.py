"""Byte tower: strided convolutions (and, if asked, attention) over the raw bytes of a view; no tokenizer to fool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.padding import Tokens, pad_rows, valid_positions
from threatclip.encoders.pooling import attention_over, mean_over
from threatclip.encoders.settings import (
    MOST_CHANNELS,
    check_at_least,
    check_channels,
    check_heads,
    check_layers,
    check_share,
)
from threatclip.encoders.transformer import TransformerLayer, sinusoids
from threatclip.errors import InputError

N_SYMBOLS = 257
GAP = 256  # the one symbol that is no byte: seam of a cut view, an empty view, padding, a dropped byte


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteTower:
    """A convolutional reader of bytes.

    A stem of parallel convolutions (one n-gram width each) steps over the bytes by `stem_stride`; each following
    stage halves the length and then runs one residual convolution a dilation; transformer layers may follow. A view
    longer than `max_bytes` keeps its head (3/4) and its tail, with one gap symbol between: exploits put their point
    at either end, and a cut at one end alone could be filled with padding by whoever wrote the payload.
    """

    kind: Literal["byte"] = "byte"
    dim: int = 384  # of the unit vectors
    max_bytes: int = 2048  # at most 16,384
    embedding: int = 32  # channels of a byte
    kernels: tuple[int, ...] = (3, 5, 8)  # bytes; widths of the stem, none below stem_stride
    stem_stride: int = 2  # bytes a step
    widths: tuple[int, ...] = (144, 192, 256)  # channels of the stem, then of each stage
    dilations: tuple[int, ...] = (1,)  # of each stage's residual convolutions, three positions wide
    transformer_layers: int = 0  # on the down-sampled positions
    heads: int = 4
    pooling: Literal["max", "mean", "max_mean", "attention"] = "max_mean"  # of the last stage
    pool_stem: bool = True  # also the maximum of the stem: which n-grams occur anywhere
    dropout: float = 0.1
    byte_dropout: float = 0.0  # share of bytes replaced by the gap symbol while training

    def __post_init__(self) -> None:
        if not 16 <= self.max_bytes <= 16_384:
            raise InputError(f"max_bytes = {self.max_bytes} of a byte tower; choose 16 to 16384")
        check_channels(kind=self.kind, dim=self.dim, embedding=self.embedding)
        check_share(kind=self.kind, dropout=self.dropout, byte_dropout=self.byte_dropout)
        check_layers(0, kind=self.kind, transformer_layers=self.transformer_layers)
        check_at_least(1, kind=self.kind, heads=self.heads)
        if not self.kernels or min(self.kernels) < self.stem_stride or self.stem_stride < 1:
            raise InputError(f"kernels {self.kernels} skip bytes at stem_stride {self.stem_stride}; make them wider")
        if not self.widths or min(self.widths) < len(self.kernels):
            raise InputError(f"widths {self.widths} of a byte tower; each must be at least {len(self.kernels)}")
        if max(self.widths) > MOST_CHANNELS or max(self.kernels) > self.max_bytes:
            raise InputError(
                f"kernels {self.kernels} and widths {self.widths} of a byte tower; "
                f"choose at most {self.max_bytes} bytes and {MOST_CHANNELS} channels"
            )
        if not all(1 <= dilation <= self.max_bytes for dilation in self.dilations):
            raise InputError(f"dilations {self.dilations} of a byte tower; choose 1 to {self.max_bytes}")
        if self.transformer_layers:
            check_heads(kind=self.kind, width=self.widths[-1], heads=self.heads)


class ByteNetwork(nn.Module):
    """The module of a `ByteTower`.

    Activations are ReLU: zero is then both "padded" and "absent", and one multiplication masks a whole stage.
    """

    bytes_per_token: ClassVar[int] = 8  # a byte costs about an eighth of a transformer's token

    def __init__(self, config: ByteTower) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        self.embedding = nn.Embedding(N_SYMBOLS, config.embedding)
        self.stem = nn.ModuleList(
            Convolution(config.embedding, channels, kernel=kernel, stride=config.stem_stride)
            for kernel, channels in zip(config.kernels, _shares(config.widths[0], len(config.kernels)), strict=True)
        )
        self.stem_norm = nn.LayerNorm(config.widths[0])
        self.stages = nn.ModuleList(
            Stage(before, after, dilations=config.dilations, dropout=config.dropout)
            for before, after in zip(config.widths[:-1], config.widths[1:], strict=True)
        )
        last = config.widths[-1]
        self.layers = nn.ModuleList(
            TransformerLayer(width=last, heads=config.heads, dropout=config.dropout)
            for _ in range(config.transformer_layers)
        )
        self.last_norm = nn.LayerNorm(last)
        self.query = nn.Linear(last, 1) if config.pooling == "attention" else None
        pooled = last * (2 if config.pooling == "max_mean" else 1) + config.widths[0] * config.pool_stem
        self.projection = nn.Linear(pooled, config.dim)

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each view's symbols (int16), cut by the head-and-tail rule; an empty view is one gap symbol."""
        return [_symbols(view, self.config.max_bytes) for view in views]

    def pad(self, tokens: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch, as long as its longest row."""
        return pad_rows(tokens, value=GAP)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes: symbols [n, l] and their lengths [n]."""
        return self.pad(self.tokenize(views))

    def forward(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return unit vectors."""
        return self.project(self.features(tokens, lengths))

    def features(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n p"]:
        """Return the pooled output of the last stage, and of the stem if asked."""
        hidden, valid = self._positions(tokens, lengths)
        stem = hidden.max(dim=1).values if self.config.pool_stem else None
        for stage in self.stages:
            hidden, valid = stage(hidden, valid)
        if self.layers:
            hidden = hidden + sinusoids(hidden.shape[1], hidden.shape[2], hidden)
            for layer in self.layers:
                hidden = layer(hidden, valid)
        pooled = self._pool(functional.relu(self.last_norm(hidden)) * valid[:, :, None], valid)
        return pooled if stem is None else torch.cat([pooled, stem], dim=1)

    def project(self, features: Float[Tensor, "n p"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of pooled outputs."""
        kept = functional.dropout(features, self.config.dropout, self.training)
        return functional.normalize(self.projection(kept.to(self.projection.weight.dtype)).float(), dim=1)

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: none, bytes need no tokenizer."""
        return {}

    def _positions(
        self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n p w"], Bool[Tensor, "n p"]]:
        # Whole steps of every stage, so that the down-sampled positions of a row never depend on its batch.
        step = self.config.stem_stride * 2 ** len(self.stages)
        symbols = functional.pad(tokens, (0, -tokens.shape[1] % step), value=GAP)
        if self.training and self.config.byte_dropout > 0:
            dropped = torch.rand(symbols.shape, device=symbols.device) < self.config.byte_dropout
            symbols = symbols.masked_fill(dropped, GAP)
        valid = valid_positions(lengths, symbols.shape[1])
        embedded = self.embedding(symbols) * valid[:, :, None]
        valid = valid[:, :: self.config.stem_stride]
        hidden = torch.cat([convolution(embedded) for convolution in self.stem], dim=2)
        return functional.relu(self.stem_norm(hidden)) * valid[:, :, None], valid

    def _pool(self, hidden: Float[Tensor, "n l w"], valid: Bool[Tensor, "n l"]) -> Float[Tensor, "n p"]:
        # `hidden` is not negative and zero where padded, so that a plain maximum is blind to padding.
        match self.config.pooling:
            case "max":
                return hidden.max(dim=1).values
            case "mean":
                return mean_over(hidden, valid)
            case "max_mean":
                return torch.cat([hidden.max(dim=1).values, mean_over(hidden, valid)], dim=1)
            case "attention":
                scores: Tensor = self.query(hidden).squeeze(2)  # type: ignore[misc]
                return attention_over(hidden, scores, valid)


class Stage(nn.Module):
    """Halve the length, then run one residual convolution a dilation."""

    def __init__(self, before: int, after: int, *, dilations: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.halve = Convolution(before, after, kernel=3, stride=2)
        self.norms = nn.ModuleList(nn.LayerNorm(after) for _ in dilations)
        self.convolutions = nn.ModuleList(
            Convolution(after, after, kernel=3, dilation=dilation) for dilation in dilations
        )

    def forward(
        self, hidden: Float[Tensor, "n l w"], valid: Bool[Tensor, "n l"]
    ) -> tuple[Float[Tensor, "n m v"], Bool[Tensor, "n m"]]:
        """Padded positions are zeroed before each convolution, so that no row sees how long its batch is."""
        hidden, valid = self.halve(hidden * valid[:, :, None]), valid[:, ::2]
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            change = convolution(functional.relu(norm(hidden)) * valid[:, :, None])
            hidden = hidden + _drop_channels(change, self.dropout, self.training)
        return hidden, valid


class Convolution(nn.Module):
    """A convolution over positions, [n, l, w] -> [n, l / stride, v]; l must be a multiple of the stride.

    Held as Conv2d over one row in channels-last memory: that is the layout of [n, l, w], so that LayerNorm and
    attention need no copy, and on x86 the library's fastest path (157 against 92 GFLOP/s at 32 channels).
    """

    def __init__(self, before: int, after: int, *, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        around = dilation * (kernel - 1) + 1 - stride
        self.left, self.right = around // 2, around - around // 2
        self.convolution = nn.Conv2d(before, after, (1, kernel), stride=(1, stride), dilation=(1, dilation))

    def forward(self, hidden: Float[Tensor, "n l w"]) -> Float[Tensor, "n m v"]:
        """Positions beyond either end count as zero."""
        padded = functional.pad(hidden, (0, 0, self.left, self.right))
        convolved: Tensor = self.convolution(padded.transpose(1, 2)[:, :, None, :])
        return convolved[:, :, 0, :].transpose(1, 2)


def _drop_channels(hidden: Float[Tensor, "n l w"], rate: float, training: bool) -> Float[Tensor, "n l w"]:
    if not training or rate == 0:
        return hidden
    # One draw a channel and row [Tompson 2015]: neighbours share what they say, and a draw a value costs more than
    # the convolution.
    return hidden * functional.dropout(hidden.new_ones(hidden.shape[0], 1, hidden.shape[2]), rate)


def _shares(width: int, n: int) -> list[int]:
    return [width // n + (i < width % n) for i in range(n)]


def _symbols(view: bytes, max_bytes: int) -> Tokens:
    if not view:
        return np.array([GAP], dtype=np.int16)
    if len(view) <= max_bytes:
        return np.frombuffer(view, dtype=np.uint8).astype(np.int16)
    head = max_bytes * 3 // 4
    tail = view[len(view) - (max_bytes - head - 1) :]
    return np.concatenate([_symbols(view[:head], head), [GAP], _symbols(tail, len(tail))]).astype(np.int16)
