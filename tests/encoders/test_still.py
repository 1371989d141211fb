"""Still layers equal a convolution and a BatchNorm in evaluation mode: values, gradients, any stride and padding."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from transformers import MobileNetV2Config
from transformers.models.mobilenet_v2.modeling_mobilenet_v2 import MobileNetV2ConvLayer

from threatclip.encoders.still import FoldedLayer, StillBatchNorm2d, StillLayer, fold, hold_still

CASES = list(itertools.product([1, 3], [1, 2], [1, 2], [True, False], [True, False], [1, 4]))


def layer_of(
    kernel: int, stride: int, dilation: int, tf_padding: bool, activated: bool, groups: int
) -> MobileNetV2ConvLayer:
    torch.manual_seed(kernel + 10 * stride + 100 * dilation)
    config = MobileNetV2Config(tf_padding=tf_padding)
    layer = MobileNetV2ConvLayer(
        config, 4, 8, kernel, stride=stride, dilation=dilation, groups=groups, use_activation=activated
    )
    norm = layer.normalization
    for parameter in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(parameter)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    return layer.eval()


@pytest.mark.parametrize("case", CASES)
def test_a_still_layer_equals_transformers_own(case: tuple[int, int, int, bool, bool, int]) -> None:
    layer = layer_of(*case)
    expected_grads, found_grads = [], []
    for size in (9, 8, 7):
        pixels = torch.randn(2, 4, size, 8)
        own = StillLayer(layer).train()
        for module, grads in ((layer, expected_grads), (own, found_grads)):
            module.zero_grad()
            output = module(pixels)
            output.square().sum().backward()
            grads.append({name: parameter.grad.clone() for name, parameter in module.named_parameters()})
        torch.testing.assert_close(own(pixels), layer(pixels), atol=1e-5, rtol=1e-5)
        folded = FoldedLayer(own)
        torch.testing.assert_close(folded(pixels), layer(pixels), atol=1e-5, rtol=1e-5)
    for expected, found in zip(expected_grads, found_grads, strict=True):
        assert set(expected) == set(found) == {"convolution.weight", "normalization.weight", "normalization.bias"}
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, atol=1e-3, rtol=1e-3)


def test_names_stay_and_other_norms_become_still() -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)),
        layer_of(3, 2, 1, True, True, 1),
        nn.BatchNorm2d(8, affine=False),
        nn.LayerNorm(4),
    ).eval()
    nn.init.uniform_(model[0][1].running_var, 0.5, 2)
    names = list(model.state_dict())
    pixels = torch.randn(3, 4, 8, 8)
    expected = model(pixels)
    held = hold_still(model)
    assert list(held.state_dict()) == names
    torch.testing.assert_close(held.train()(pixels), expected, atol=1e-5, rtol=1e-5)
    kinds = [type(module) for module in held.modules() if isinstance(module, nn.BatchNorm2d)]
    assert kinds == [StillBatchNorm2d] * 3
    torch.testing.assert_close(fold(held)(pixels), expected, atol=1e-5, rtol=1e-5)


def test_what_is_not_such_a_layer_is_no_still_layer() -> None:
    with pytest.raises(TypeError, match="no convolution"):
        StillLayer(layer_of(1, 1, 1, True, True, 1).requires_grad_(False).apply(_without_norm))
    norm = StillBatchNorm2d(3, track_running_stats=False)
    with pytest.raises(TypeError, match="without statistics"):
        norm.scale_and_shift()


def _without_norm(module: nn.Module) -> None:
    if isinstance(module, MobileNetV2ConvLayer):
        module.normalization = None
