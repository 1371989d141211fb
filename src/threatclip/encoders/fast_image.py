"""Image towers as they are read fastest: BatchNorms inside the convolutions, weights in a chosen precision."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from threatclip.encoders.image import ResidualBlock, ResnetNetwork, VitNetwork
from threatclip.encoders.image_pretrained import PretrainedImageNetwork
from threatclip.encoders.still import fold
from threatclip.encoders.towers import ImageTower

_NORMS = {"stem": "stem_norm", "first": "first_norm", "second": "second_norm", "shortcut": "shortcut_norm"}


def fast_image_tower(tower: ImageTower, *, dtype: torch.dtype) -> ImageTower:
    """Return a copy of `tower` for reading only, in evaluation mode.

    Rows differ from the tower's by rounding where `dtype` is fp32. Where a tower of ours ends in a projection, that
    stays in fp32: it costs nothing.
    """
    fast = copy.deepcopy(tower).eval()
    if isinstance(fast, ResnetNetwork):
        _fold_norms(fast)
    elif isinstance(fast, PretrainedImageNetwork):
        fold(fast.model)
    fast.to(dtype)
    if isinstance(fast, ResnetNetwork | VitNetwork | PretrainedImageNetwork) and fast.projection is not None:
        fast.projection.to(torch.float32)
    # fused weights come in rows
    fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return fast


def _fold_norms(network: ResnetNetwork) -> None:
    for module in network.modules():
        if not isinstance(module, ResidualBlock | ResnetNetwork):
            continue
        for name, norm_name in _NORMS.items():
            convolution, norm = getattr(module, name, None), getattr(module, norm_name, None)
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, norm))
                setattr(module, norm_name, nn.Identity())
