"""Convolutions whose BatchNorms never learn from a batch, and what that allows: both become one convolution.

Batches of contrastive fine-tuning are small and of one domain; and where a checkpoint has its statistics folded into
the convolutions already, as converted MobileNetV2s have, those of a batch give answers at random.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.mobilenet_v2.modeling_mobilenet_v2 import MobileNetV2ConvLayer


class StillBatchNorm2d(nn.BatchNorm2d):
    """A BatchNorm that always uses its kept statistics and never changes them, whatever mode it is put into."""

    @property
    def training(self) -> bool:
        """Never; `train` and assignment change nothing."""
        return False

    @training.setter
    def training(self, mode: bool) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, normalized by the kept statistics."""
        return functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )

    def scale_and_shift(self) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
        """Return `a` and `b` of each channel with forward(x) = a x + b, with gradients."""
        if self.running_mean is None or self.running_var is None:
            raise TypeError("a BatchNorm without statistics cannot be still")
        scale = torch.rsqrt(self.running_var + self.eps) * self.weight
        return scale, self.bias - self.running_mean * scale


class StillLayer(nn.Module):
    """A convolution, its still BatchNorm and an activation, with the weights scaled instead of the activations.

    Exact, with the gradients of all parameters, under the names of transformers' `MobileNetV2ConvLayer`. Scaling a
    few weights instead of each pixel, and padding inside the convolution, was measured at 1.3 to 2 times the speed.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        convolution, normalization = layer.convolution, layer.normalization
        if not isinstance(convolution, nn.Conv2d) or not isinstance(normalization, nn.BatchNorm2d):
            raise TypeError(f"{type(layer).__name__} is no convolution with a BatchNorm")
        self.convolution = convolution
        self.normalization = _still(normalization)
        self.activation: nn.Module | None = layer.activation  # type: ignore[assignment]
        if isinstance(self.activation, nn.ReLU6):
            self.activation = nn.ReLU6(inplace=True)
        self.same_padding = bool(layer.config.tf_padding)  # type: ignore[union-attr]

    def forward(self, hidden: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Return activation(norm(convolution(x)))."""
        scale, shift = self.normalization.scale_and_shift()
        weight = self.convolution.weight * scale[:, None, None, None]
        bias = shift if self.convolution.bias is None else shift + self.convolution.bias * scale
        return self.convolved(hidden, weight, bias)

    def convolved(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Float[Tensor, "n d i j"]:
        """Return activation(conv(x)) with given weights."""
        convolution = self.convolution
        padding: tuple[int, int] | str = convolution.padding  # type: ignore[assignment]
        if self.same_padding:
            hidden, padding = _same(hidden, convolution)
        convolved = functional.conv2d(
            hidden, weight, bias, convolution.stride, padding, convolution.dilation, convolution.groups
        )
        activated: Tensor = convolved if self.activation is None else self.activation(convolved)
        return activated


class FoldedLayer(nn.Module):
    """A `StillLayer` for reading only: the scaled weights are made once."""

    def __init__(self, layer: StillLayer) -> None:
        super().__init__()
        self.layer = layer
        with torch.no_grad():
            scale, shift = layer.normalization.scale_and_shift()
            bias = layer.convolution.bias
            self.weight = nn.Parameter(
                (layer.convolution.weight * scale[:, None, None, None]).contiguous(memory_format=torch.channels_last)
            )
            self.bias = nn.Parameter(shift if bias is None else shift + bias * scale)

    def forward(self, hidden: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Return what the layer returns."""
        return self.layer.convolved(hidden, self.weight, self.bias)


def hold_still(model: nn.Module) -> nn.Module:
    """Make every BatchNorm2d of `model` still, in place, under the same names; a MobileNetV2 also becomes faster."""
    for name, child in list(model.named_children()):
        if isinstance(child, MobileNetV2ConvLayer) and isinstance(child.normalization, nn.BatchNorm2d):
            setattr(model, name, StillLayer(child))
        elif type(child) is nn.BatchNorm2d:
            setattr(model, name, _still(child))
        else:
            hold_still(child)
    return model


def fold(model: nn.Module) -> nn.Module:
    """Replace still layers of `model` by convolutions alone, in place; for a copy that only reads."""
    for name, child in list(model.named_children()):
        if isinstance(child, StillLayer):
            setattr(model, name, FoldedLayer(child))
        else:
            fold(child)
    return model


def _still(norm: nn.BatchNorm2d) -> StillBatchNorm2d:
    still = StillBatchNorm2d(norm.num_features, eps=norm.eps, affine=norm.affine)
    still.weight, still.bias = norm.weight, norm.bias
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        setattr(still, name, getattr(norm, name))
    return still


def _same(hidden: Tensor, convolution: nn.Conv2d) -> tuple[Tensor, tuple[int, int]]:
    """Pad as transformers' `apply_tf_padding` does, inside the convolution where both sides get as much."""
    before, after = [], []
    for size, kernel, step, dilation in zip(
        hidden.shape[2:], convolution.kernel_size, convolution.stride, convolution.dilation, strict=True
    ):
        total = max(kernel - (size % step or step), 0)
        before.append(total // 2 * dilation)
        after.append((total - total // 2) * dilation)
    if before == after:
        return hidden, (before[0], before[1])
    return functional.pad(hidden, (before[1], after[1], before[0], after[0])), (0, 0)
