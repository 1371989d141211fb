"""Inference of BERT-shaped pretrained towers on a CPU: the same equation, fewer and better-laid-out operations.

Against the library's module: weights laid out for the processor once, not per call (fp32 on an AMD EPYC: 240 against
105 GFLOP/s); query, key and value in one product; GELU fused into its product; and with bf16 products the residual
stream stays in fp32, which halves the angle to the fp32 result (least cosine 0.99997 against 0.99992).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.padding import valid_positions
from threatclip.encoders.pretrained import PretrainedNetwork

_MASKED = -1e4  # added to a padded position's score; in bf16's range, and exp of it is zero


def supports(tower: nn.Module) -> bool:
    """Tell whether `FastBert` computes what `tower` computes: a BERT encoder with exact GELU on a CPU."""
    if not isinstance(tower, PretrainedNetwork):
        return False
    config: Any = tower.transformer.config
    return (
        config.model_type == "bert"
        and config.hidden_act == "gelu"
        and not config.is_decoder
        and next(tower.parameters()).device.type == "cpu"
    )


def can_pack(dtype: torch.dtype) -> bool:
    """Tell whether this torch build and processor lay out weights of `dtype`; if not, plain products are used."""
    if not torch._C._has_mkldnn or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


class PackedLinear:
    """x -> act(x W' + b) with a frozen copy of the weights in `dtype`."""

    def __init__(self, weight: Tensor, bias: Tensor, *, dtype: torch.dtype) -> None:
        self._packed = can_pack(dtype)
        self._bias = bias.detach().to(dtype)
        plain = weight.detach().to(dtype)
        # the second argument is a row count that the layout is tuned for: a token budget
        self._weight = torch.ops.mkldnn._reorder_linear_weight(plain, 2_048) if self._packed else plain.clone()

    def __call__(self, rows: Float[Tensor, "t i"], *, gelu: bool = False) -> Float[Tensor, "t o"]:
        """Return the product, through GELU if asked."""
        if self._packed:
            result: Tensor = torch.ops.mkldnn._linear_pointwise(
                rows, self._weight, self._bias, "gelu" if gelu else "none", [], "none"
            )
            return result
        product = functional.linear(rows, self._weight, self._bias)
        return functional.gelu(product) if gelu else product


class FastBert:
    """A frozen snapshot of a tower for which `supports` holds; call it with the tower's own batches."""

    def __init__(self, tower: PretrainedNetwork, *, dtype: torch.dtype) -> None:
        transformer: Any = tower.transformer
        self._tower = tower
        self._dtype = dtype
        self._embeddings = transformer.embeddings
        self._layers = [_Layer(layer, transformer.config, dtype) for layer in transformer.encoder.layer]

    def __call__(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors that the tower would, without gradients."""
        return self._tower.project(self.features(tokens, lengths))

    def features(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n w"]:
        """Return the pooled output of the transformer."""
        n, longest = tokens.shape
        valid = valid_positions(lengths, longest)
        mask = None
        if not bool(valid.all()):
            mask = torch.zeros(n, 1, 1, longest, dtype=self._dtype).masked_fill(~valid[:, None, None, :], _MASKED)
        hidden = self._embeddings(input_ids=tokens.long()).flatten(0, 1)
        for layer in self._layers:
            hidden = layer(hidden, mask, n)
        return self._tower.pool(hidden.view(n, longest, -1), valid)


class _Layer:
    """One post-norm transformer layer [Devlin 2019] on flattened rows."""

    def __init__(self, layer: Any, config: Any, dtype: torch.dtype) -> None:
        attention = layer.attention.self
        self._heads = int(config.num_attention_heads)
        self._dtype = dtype
        # scores are scaled by 1 / sqrt(width of a head): once, in the query's weights
        shrink = (config.hidden_size // self._heads) ** -0.5
        parts = [attention.query, attention.key, attention.value]
        weights = [part.weight * factor for part, factor in zip(parts, (shrink, 1.0, 1.0), strict=True)]
        biases = [part.bias * factor for part, factor in zip(parts, (shrink, 1.0, 1.0), strict=True)]
        self._mix_in = PackedLinear(torch.cat(weights), torch.cat(biases), dtype=dtype)
        self._mix_out = _packed(layer.attention.output.dense, dtype)
        self._widen = _packed(layer.intermediate.dense, dtype)
        self._narrow = _packed(layer.output.dense, dtype)
        self._attention_norm: nn.Module = layer.attention.output.LayerNorm
        self._forward_norm: nn.Module = layer.output.LayerNorm

    def __call__(
        self, hidden: Float[Tensor, "t w"], mask: Float[Tensor, "n 1 1 l"] | None, n: int
    ) -> Float[Tensor, "t w"]:
        mixed = self._mix_out(self._attend(hidden.to(self._dtype), mask, n))
        hidden = self._attention_norm(hidden + mixed)
        changed = self._narrow(self._widen(hidden.to(self._dtype), gelu=True))
        result: Tensor = self._forward_norm(hidden + changed)
        return result

    def _attend(
        self, rows: Float[Tensor, "t w"], mask: Float[Tensor, "n 1 1 l"] | None, n: int
    ) -> Float[Tensor, "t w"]:
        mixed = self._mix_in(rows).view(n, len(rows) // n, 3, self._heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        if self._dtype == torch.float32:
            read = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=1.0)
        else:  # as plain products: twice as fast as the library's kernel in bf16 at these lengths
            scores = query @ key.transpose(-1, -2)
            if mask is not None:
                scores += mask
            read = scores.softmax(dim=-1) @ value
        return read.transpose(1, 2).reshape(len(rows), -1)


def _packed(linear: nn.Linear, dtype: torch.dtype) -> PackedLinear:
    return PackedLinear(linear.weight, linear.bias, dtype=dtype)
