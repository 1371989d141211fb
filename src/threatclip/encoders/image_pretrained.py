"""Pretrained image tower: a transformers vision folder, read without the hub's code or pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.attention import train_fast
from threatclip.encoders.hub import resolve_source
from threatclip.encoders.hub_image import (
    PictureReading,
    load_picture_folder,
    picture_assets,
    picture_features,
    picture_layers,
    rebuild_picture_model,
)
from threatclip.encoders.padding import Tokens
from threatclip.encoders.pixels import PATCH_BYTES, check_fit, check_side, decode_rows, normalized, stack_rows
from threatclip.encoders.pretrained import make_projection
from threatclip.encoders.settings import check_at_least, check_channels
from threatclip.errors import InputError
from threatclip.pairs.images import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedImageTower:
    """A vision model that somebody else trained, and what of it may be trained further.

    `source` is a transformers folder (config.json, model.safetensors, preprocessor_config.json), or a hub id with its
    commit in `revision`. Its last `n_trainable_layers` parts train: a MobileNetV2 has 18 (stem, 16 blocks, last
    convolution). Its BatchNorms keep their statistics even then.
    """

    kind: Literal["pretrained_image"] = "pretrained_image"
    source: str
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    dim: int | None = None  # of the unit vectors; None keeps the model's own width
    side: int | None = None  # pixels; None keeps the folder's own
    fit: Fit = "squash"  # how a picture becomes a square: squash keeps all of it, crop its proportions
    n_trainable_layers: int = 0  # counted from the last; 0 freezes the model
    projection: Literal["none", "linear", "mlp"] = "none"  # mlp: linear plus a residual GELU layer

    def __post_init__(self) -> None:
        if self.dim is not None and self.projection == "none":
            raise InputError(f"dim = {self.dim} of a {self.kind} tower needs projection = 'linear' or 'mlp'")
        if self.dim is not None:
            check_channels(kind=self.kind, dim=self.dim)
        if self.side is not None:
            check_side(self.side, kind=self.kind)
        check_fit(self.fit, kind=self.kind)
        check_at_least(0, kind=self.kind, n_trainable_layers=self.n_trainable_layers)


class PretrainedImageNetwork(nn.Module):
    """The module of a `PretrainedImageTower`."""

    bytes_per_token: ClassVar[int] = PATCH_BYTES

    def __init__(self, config: PretrainedImageTower, *, model: nn.Module, reading: PictureReading) -> None:
        super().__init__()
        self.config = config
        self.reading = reading
        self.side = config.side or reading.side
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        train_fast(model)
        self.n_features = self._probed_width()
        self.dim = config.dim or self.n_features
        self.projection = make_projection(config.projection, self.n_features, self.dim)
        self._trainable = _freeze(model, config)

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
        """Return the pooled output of the model: what a frozen one need compute only once for each picture."""
        dtype = next(self.model.parameters()).dtype
        picture = normalized(pixels, side=self.side, mean=self.reading.mean, std=self.reading.std, dtype=dtype)
        return picture_features(self.model, self._ordered(picture), pooling=self.reading.pooling)

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of pooled features."""
        pooled = features
        if self.projection is not None:
            pooled = self.projection(pooled.to(next(self.projection.parameters()).dtype))
        return functional.normalize(pooled.float(), dim=1)

    def train(self, mode: bool = True) -> PretrainedImageNetwork:
        """Switch to training or back; frozen parts stay as they are used, and BatchNorms keep their statistics."""
        super().train(mode)
        if mode:
            self.model.eval()
            for module in self._trainable:
                module.train()
        return self

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: how pictures are read, and the shape of the model."""
        return picture_assets(self.model, self.reading)

    def _ordered(self, picture: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 s s"]:
        return picture.flip(1) if self.reading.blue_first else picture

    def _probed_width(self) -> int:
        with torch.no_grad():
            blank = torch.zeros(1, 3, self.side, self.side)
            try:
                return int(picture_features(self.model, blank, pooling=self.reading.pooling).shape[1])
            except (RuntimeError, ValueError) as error:
                raise InputError(
                    f"{self.config.source} cannot read pictures of side = {self.side} ({error})"
                ) from error


def build_pretrained_image(config: PretrainedImageTower) -> PretrainedImageNetwork:
    """Read the tower's source, all of its weights or none.

    Raises:
        InputError: no such folder, no pinned revision, code or pickles asked for, weights missing, no vision model.
        DamagedArtifactError: the weights are not safetensors.
    """
    model, reading = load_picture_folder(resolve_source(config.source, config.revision))
    return PretrainedImageNetwork(config, model=model, reading=reading)


def rebuild_pretrained_image(config: PretrainedImageTower, assets: Mapping[str, bytes]) -> PretrainedImageNetwork:
    """Make the tower's shape from its assets alone; the weights are still to be loaded.

    Raises:
        DamagedArtifactError: an asset is missing or not ours.
    """
    model, reading = rebuild_picture_model(assets)
    return PretrainedImageNetwork(config, model=model, reading=reading)


def _freeze(model: nn.Module, config: PretrainedImageTower) -> list[nn.Module]:
    """Leave a gradient to the last layers only; return the modules that train."""
    layers = picture_layers(model)
    if config.n_trainable_layers > len(layers):
        raise InputError(f"n_trainable_layers = {config.n_trainable_layers} but {config.source} has {len(layers)}")
    model.requires_grad_(False)
    trained = layers[len(layers) - config.n_trainable_layers :]
    for module in trained:
        module.requires_grad_(True)
    return trained
