"""The two towers of an open_clip model (RN50, ViT-B-32 and other), as the optional library open_clip computes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from threatclip.encoders.clip_pictures import ClipReading, read_pictures, reading_from_json
from threatclip.encoders.freezing import check_freezing, freeze, rest, with_last
from threatclip.encoders.hub import resolve_source
from threatclip.encoders.open_clip_folder import (
    OpenClipParts,
    architecture_json,
    build_towers,
    checked_architecture,
    clean_text,
    load_open_clip,
    open_clip,
)
from threatclip.encoders.padding import Tokens
from threatclip.encoders.pixels import PATCH_BYTES, normalized, stack_rows
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.pairs.pair import view_text

_PAD = 0  # the library's own


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClipImageTower:
    """The image tower of an open_clip model, with its projection; BatchNorms keep their statistics.

    `source` is a folder, or a hub id with its commit in `revision`. Without other settings all of it trains.
    """

    kind: Literal["open_clip_image"] = "open_clip_image"
    source: str
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    n_trainable_layers: int | None = None  # from the last, RN50 has four; 0: the projection alone; None: all
    frozen: bool = False  # nothing trains, the projection neither

    def __post_init__(self) -> None:
        check_freezing(self.n_trainable_layers, frozen=self.frozen, kind=self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClipTextTower:
    """The text tower of an open_clip model, with its projection and the library's tokenizer."""

    kind: Literal["open_clip_text"] = "open_clip_text"
    source: str
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    n_trainable_layers: int | None = None  # from the last; 0: the projection alone; None: all, embeddings too
    frozen: bool = False  # nothing trains, the projection neither
    max_chars: int = 16_384  # read of a text before the tokenizer

    def __post_init__(self) -> None:
        check_freezing(self.n_trainable_layers, frozen=self.frozen, kind=self.kind)
        if self.max_chars < 1:
            raise InputError("an open_clip_text tower needs max_chars >= 1")


class OpenClipImageNetwork(nn.Module):
    """The module of an `OpenClipImageTower`."""

    bytes_per_token: ClassVar[int] = PATCH_BYTES

    def __init__(
        self, config: OpenClipImageTower, *, architecture: Mapping[str, Any], visual: nn.Module, reading: ClipReading
    ) -> None:
        super().__init__()
        self.config = config
        self.architecture = dict(architecture)
        self.reading = reading
        self.dim = int(architecture["embed_dim"])
        self.side = reading.side
        self.visual = visual
        before, layers = _image_parts(visual)
        if not layers and config.n_trainable_layers is not None:
            raise InputError(f"cannot tell the layers of {config.source} apart; leave n_trainable_layers out")
        self._still = freeze(
            self,
            before=before,
            layers=layers,
            n_trainable_layers=config.n_trainable_layers,
            frozen=config.frozen,
        )
        _keep_statistics(visual)

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each picture as uint8 [3, side, side]; an empty view is gray.

        Raises:
            ImageFaultError: a view is no picture that can be read safely.
        """
        return read_pictures(views, self.reading)

    def pad(self, rows: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch: `pixels` [n, 3, side, side] uint8."""
        return stack_rows(rows)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes."""
        return self.pad(self.tokenize(views))

    def forward(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Return unit vectors of pictures: uint8, or floats in [0, 1] with a gradient."""
        return self.project(self.features(pixels))

    def features(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Return the tower's projected output."""
        dtype = next(self.visual.parameters()).dtype
        picture = normalized(pixels, side=self.side, mean=self.reading.mean, std=self.reading.std, dtype=dtype)
        output: Tensor = self.visual(picture)
        return output.float()

    def project(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of features."""
        return functional.normalize(features.float(), dim=1)

    def train(self, mode: bool = True) -> OpenClipImageNetwork:
        """Switch to training or back; frozen parts stay in evaluation mode."""
        super().train(mode)
        rest(self._still)
        return self

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: the architecture, and how pictures are read."""
        return {"open_clip.json": architecture_json(self.architecture), "pictures.json": self.reading.to_json()}


class OpenClipTextNetwork(nn.Module):
    """The module of an `OpenClipTextTower`."""

    bytes_per_token: ClassVar[int] = 1

    def __init__(
        self, config: OpenClipTextTower, *, architecture: Mapping[str, Any], text: nn.Module, tokenizer: Tokenizer
    ) -> None:
        super().__init__()
        self.config = config
        self.architecture = dict(architecture)
        self.dim = int(architecture["embed_dim"])
        self.max_tokens = int(text.context_length)  # type: ignore[arg-type]
        self._tokenizer_json = tokenizer.to_str()
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=self.max_tokens)
        self.text = text
        self._still = freeze(
            self,
            before=[text.token_embedding, text.positional_embedding],  # type: ignore[list-item]
            layers=with_last(text.transformer.resblocks, text.ln_final),  # type: ignore[union-attr, arg-type]
            n_trainable_layers=config.n_trainable_layers,
            frozen=config.frozen,
        )

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each text's token numbers between the two marks, at most the model's length.

        What looks like a mark in a text is text: who writes one would hide all that follows.
        """
        self._tokenizer.encode_special_tokens = True  # here, because a copied tokenizer forgets it
        texts = [clean_text(view_text(view)[: self.config.max_chars]) for view in views]
        return [np.array(row.ids, dtype=np.int32) for row in self._tokenizer.encode_batch_fast(texts)]

    def pad(self, tokens: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch, as long as the model: the library's masks have one length."""
        rows = np.full((len(tokens), self.max_tokens), _PAD, dtype=np.int32)
        for target, row in zip(rows, tokens, strict=True):
            target[: len(row)] = row
        lengths = np.array([len(row) for row in tokens], dtype=np.int64)
        return {"tokens": torch.from_numpy(rows), "lengths": torch.from_numpy(lengths)}

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes: token numbers [n, l] and their lengths [n]."""
        return self.pad(self.tokenize(views))

    def forward(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return unit vectors."""
        return self.project(self.features(tokens, lengths))

    def features(
        self,
        tokens: Int[Tensor, "n l"],
        lengths: Int[Tensor, " n"],  # noqa: ARG002  (the library finds the end mark itself)
    ) -> Float[Tensor, "n d"]:
        """Return the tower's projected output."""
        output: Tensor = self.text(tokens[:, : self.max_tokens].long())
        return output.float()

    def project(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of features."""
        return functional.normalize(features.float(), dim=1)

    def train(self, mode: bool = True) -> OpenClipTextNetwork:
        """Switch to training or back; frozen parts stay in evaluation mode."""
        super().train(mode)
        rest(self._still)
        return self

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: the architecture and the tokenizer."""
        return {
            "open_clip.json": architecture_json(self.architecture),
            "tokenizer.json": self._tokenizer_json.encode(),
        }


def build_open_clip_image(config: OpenClipImageTower) -> OpenClipImageNetwork:
    """Read the tower's source, all of its weights or none; raises what `load_open_clip` raises."""
    return open_clip_image_network(config, load_open_clip(resolve_source(config.source, config.revision)))


def build_open_clip_text(config: OpenClipTextTower) -> OpenClipTextNetwork:
    """Read the tower's source, all of its weights or none; raises what `load_open_clip` raises."""
    return open_clip_text_network(config, load_open_clip(resolve_source(config.source, config.revision)))


def open_clip_image_network(config: OpenClipImageTower, parts: OpenClipParts) -> OpenClipImageNetwork:
    """Return the image tower of a model that was read."""
    return OpenClipImageNetwork(config, architecture=parts.architecture, visual=parts.visual, reading=parts.reading)


def open_clip_text_network(config: OpenClipTextTower, parts: OpenClipParts) -> OpenClipTextNetwork:
    """Return the text tower of a model that was read."""
    return OpenClipTextNetwork(config, architecture=parts.architecture, text=parts.text, tokenizer=parts.tokenizer)


def rebuild_open_clip_image(config: OpenClipImageTower, assets: Mapping[str, bytes]) -> OpenClipImageNetwork:
    """Make the tower's shape from its assets alone; the weights are still to be loaded.

    Raises:
        NotInstalledError: open_clip is not installed.
        DamagedArtifactError: an asset is missing or not ours.
    """
    open_clip()
    # the library raises whatever a wrong configuration leads to
    try:
        architecture = checked_architecture(json.loads(assets["open_clip.json"]), where="open_clip.json")
        reading = reading_from_json(assets["pictures.json"])
        visual, _ = build_towers(architecture)
        return OpenClipImageNetwork(config, architecture=architecture, visual=visual, reading=reading)
    except Exception as error:
        raise _not_ours("open_clip_image", error) from error


def rebuild_open_clip_text(config: OpenClipTextTower, assets: Mapping[str, bytes]) -> OpenClipTextNetwork:
    """Make the tower's shape from its assets alone; the weights are still to be loaded.

    Raises:
        NotInstalledError: open_clip is not installed.
        DamagedArtifactError: an asset is missing or not ours.
    """
    open_clip()
    # tokenizers raises bare Exception on a broken file, the library whatever a wrong configuration leads to
    try:
        architecture = checked_architecture(json.loads(assets["open_clip.json"]), where="open_clip.json")
        tokenizer = Tokenizer.from_str(assets["tokenizer.json"].decode())
        _, text = build_towers(architecture)
        return OpenClipTextNetwork(config, architecture=architecture, text=text, tokenizer=tokenizer)
    except Exception as error:
        raise _not_ours("open_clip_text", error) from error


def _keep_statistics(model: nn.Module) -> None:
    """Give every BatchNorm, of the library's own kinds too, the class that it has, but never in training mode.

    Set here, not by `train`: whoever puts the parts of a tower into their modes one by one would undo that.
    """
    never = {"training": property(lambda _: False, lambda _, __: None)}
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = type(type(module).__name__, (type(module),), never)


def _image_parts(visual: nn.Module) -> tuple[list[nn.Module | nn.Parameter], list[nn.Module]]:
    """Return what a picture passes before the first layer, and the layers; nothing for the trunks of timm."""
    layers = [getattr(visual, f"layer{number}", None) for number in (1, 2, 3, 4)]
    if all(layers):  # a residual network
        stem = [getattr(visual, f"{part}{number}") for part in ("conv", "bn") for number in (1, 2, 3)]
        return stem, layers  # type: ignore[return-value]
    transformer = getattr(visual, "transformer", None)
    if transformer is None:
        return [], []
    before = [getattr(visual, name) for name in ("conv1", "class_embedding", "positional_embedding", "ln_pre")]
    return before, with_last(transformer.resblocks, getattr(visual, "ln_post", None))


def _not_ours(kind: str, error: Exception) -> DamagedArtifactError:
    reason = str(error) if isinstance(error, InputError) else repr(error)
    return DamagedArtifactError(f"cannot rebuild an {kind} tower from its files ({reason}); restore the bundle")
