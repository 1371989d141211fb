"""Image towers trained from scratch on small pictures (32 to 128 pixels): a residual network and a transformer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.padding import Tokens
from threatclip.encoders.pixels import PATCH_BYTES, check_fit, check_side, decode_rows, normalized, stack_rows
from threatclip.encoders.settings import (
    MOST_CHANNELS,
    check_at_least,
    check_channels,
    check_heads,
    check_layers,
    check_share,
)
from threatclip.encoders.transformer import TransformerLayer
from threatclip.errors import InputError
from threatclip.pairs.images import Fit

_WIDE_STEM_SIDE = 64  # pixels; from here on the stem halves the picture: a quarter of the work for the same network
_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)  # about those of photographs, in [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResnetTower:
    """A residual network [He 2016, section 3.3] for small pictures.

    A 3 x 3 stem of `width` channels; then stages that each halve the side and double the channels, of `blocks`
    residual blocks; mean over positions; a linear map. Width 32 has 2.8 M parameters; with blocks = 1, 1.2 M.
    """

    kind: Literal["resnet"] = "resnet"
    dim: int = 256  # of the unit vectors
    side: int = 64  # pixels; pictures are resized to a square
    fit: Fit = "squash"  # how a picture becomes a square: squash keeps all of it, crop its proportions
    width: int = 32  # channels of the stem
    stages: int = 3
    blocks: int = 2  # of each stage
    stem_stride: int | None = None  # None: 2 from 64 pixels on, else 1
    dropout: float = 0.0  # of the pooled features

    def __post_init__(self) -> None:
        check_side(self.side, kind=self.kind)
        check_fit(self.fit, kind=self.kind)
        check_channels(kind=self.kind, dim=self.dim, width=self.width)
        check_layers(1, kind=self.kind, stages=self.stages, blocks=self.blocks)
        check_share(kind=self.kind, dropout=self.dropout)
        if self.stem_stride not in (None, 1, 2, 4):
            raise InputError(f"stem_stride = {self.stem_stride} of a resnet tower; choose 1, 2 or 4")
        if self.width * 2**self.stages > MOST_CHANNELS:
            raise InputError(
                f"width = {self.width} doubled by stages = {self.stages} passes {MOST_CHANNELS} channels; lower one"
            )
        if self.side < self.stem_step * 2**self.stages:
            raise InputError(f"side = {self.side} is too small for stages = {self.stages} that halve it; lower stages")

    @property
    def stem_step(self) -> int:
        """The stem's stride in pixels."""
        return self.stem_stride or (2 if self.side >= _WIDE_STEM_SIDE else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class VitTower:
    """A vision transformer [Dosovitskiy 2021] with learned positions and mean pooling."""

    kind: Literal["vit"] = "vit"
    dim: int = 256  # of the unit vectors
    side: int = 64  # pixels, a multiple of `patch`
    fit: Fit = "squash"  # how a picture becomes a square: squash keeps all of it, crop its proportions
    patch: int = 8  # pixels
    width: int = 192
    layers: int = 6
    heads: int = 3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_side(self.side, kind=self.kind)
        check_fit(self.fit, kind=self.kind)
        check_at_least(1, kind=self.kind, patch=self.patch)
        check_channels(kind=self.kind, dim=self.dim, width=self.width)
        check_layers(1, kind=self.kind, layers=self.layers)
        check_share(kind=self.kind, dropout=self.dropout)
        check_heads(kind=self.kind, width=self.width, heads=self.heads)
        if self.side % self.patch:
            raise InputError(f"side = {self.side} of a vit tower is not a multiple of patch = {self.patch}")


class ResnetNetwork(nn.Module):
    """The module of a `ResnetTower`."""

    bytes_per_token: ClassVar[int] = PATCH_BYTES

    def __init__(self, config: ResnetTower) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        self.side = config.side
        self.stem = nn.Conv2d(3, config.width, 3, stride=config.stem_step, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(config.width)
        widths = [config.width * 2**stage for stage in range(config.stages + 1)]
        self.blocks = nn.ModuleList(
            ResidualBlock(before if number == 0 else after, after, stride=2 if number == 0 else 1)
            for before, after in itertools.pairwise(widths)
            for number in range(config.blocks)
        )
        self.projection = nn.Linear(widths[-1], config.dim)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each picture as uint8 [3, side, side]; an empty view is gray.

        Raises:
            ImageFaultError: a view is no picture that can be read safely.
        """
        return decode_rows(views, side=self.side, fit=self.config.fit)

    def pad(self, rows: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch: `pixels` [n, 3, side, side] uint8."""
        return stack_rows(rows)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes."""
        return self.pad(self.tokenize(views))

    def forward(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Return unit vectors of pictures: uint8, or floats in [0, 1] with a gradient."""
        return self.project(self.features(pixels))

    def features(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n w"]:
        """Return the mean over positions of the last stage."""
        hidden = normalized(pixels, side=self.side, mean=_MEAN, std=_STD, dtype=self.stem.weight.dtype)
        hidden = functional.relu(self.stem_norm(self.stem(hidden)))
        for block in self.blocks:
            hidden = block(hidden)
        return hidden.float().mean(dim=(2, 3))

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of pooled features."""
        kept = functional.dropout(features, self.config.dropout, self.training)
        return functional.normalize(self.projection(kept.to(self.projection.weight.dtype)).float(), dim=1)

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: none."""
        return {}


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with BatchNorm around a shortcut; the shortcut is a 1 x 1 convolution where shapes change.

    The last norm starts at one: a start at zero [Goyal 2017, section 5.1] suits deep networks and long training; four
    epochs of 10,000 CIFAR-10 pictures ended at 49% with it and at 55% without.
    """

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        changes = before != after or stride != 1
        self.shortcut = nn.Conv2d(before, after, 1, stride=stride, bias=False) if changes else None
        self.shortcut_norm = nn.BatchNorm2d(after) if changes else None

    def forward(self, hidden: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Return relu(shortcut(x) + change(x))."""
        change = self.second_norm(self.second(functional.relu(self.first_norm(self.first(hidden)))))
        if self.shortcut is not None and self.shortcut_norm is not None:
            hidden = self.shortcut_norm(self.shortcut(hidden))
        return functional.relu(hidden + change)


class VitNetwork(nn.Module):
    """The module of a `VitTower`."""

    bytes_per_token: ClassVar[int] = PATCH_BYTES

    def __init__(self, config: VitTower) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        self.side = config.side
        self.patches = nn.Conv2d(3, config.width, config.patch, stride=config.patch)
        self.positions = nn.Parameter(0.02 * torch.randn((config.side // config.patch) ** 2, config.width))
        self.layers = nn.ModuleList(
            TransformerLayer(width=config.width, heads=config.heads, dropout=config.dropout)
            for _ in range(config.layers)
        )
        self.last_norm = nn.LayerNorm(config.width)
        self.projection = nn.Linear(config.width, config.dim)

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each picture as uint8 [3, side, side]; an empty view is gray.

        Raises:
            ImageFaultError: a view is no picture that can be read safely.
        """
        return decode_rows(views, side=self.side, fit=self.config.fit)

    def pad(self, rows: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch: `pixels` [n, 3, side, side] uint8."""
        return stack_rows(rows)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes."""
        return self.pad(self.tokenize(views))

    def forward(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Return unit vectors of pictures: uint8, or floats in [0, 1] with a gradient."""
        return self.project(self.features(pixels))

    def features(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n w"]:
        """Return the mean over patches of the last layer."""
        picture = normalized(pixels, side=self.side, mean=_MEAN, std=_STD, dtype=self.patches.weight.dtype)
        hidden = self.patches(picture).flatten(2).transpose(1, 2) + self.positions
        hidden = functional.dropout(hidden, self.config.dropout, self.training)
        for layer in self.layers:
            hidden = layer(hidden, None)
        normed: Tensor = self.last_norm(hidden)
        return normed.float().mean(dim=1)

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of pooled features."""
        return functional.normalize(self.projection(features.to(self.projection.weight.dtype)).float(), dim=1)

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: none."""
        return {}
