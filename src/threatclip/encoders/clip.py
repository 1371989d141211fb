"""The two towers of a real CLIP model [Radford 2021], as transformers computes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPConfig, CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from threatclip.encoders.attention import train_fast
from threatclip.encoders.clip_folder import (
    LEGACY_END,
    ClipParts,
    Marks,
    check_end,
    load_clip,
    marks_from_json,
    marks_json,
)
from threatclip.encoders.clip_pictures import ClipReading, read_pictures, reading_from_json
from threatclip.encoders.clip_shape import ImageShape, TextShape, clip_config, shape_from_json, shape_json
from threatclip.encoders.freezing import check_freezing, freeze, rest, with_last
from threatclip.encoders.hub import resolve_source
from threatclip.encoders.padding import Tokens, pad_rows, valid_positions
from threatclip.encoders.pixels import PATCH_BYTES, normalized, stack_rows
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.pairs.pair import view_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipImageTower:
    """The image tower of a CLIP model in transformers' format (ViT-B/32, B/16, L/14 ...), with its projection.

    `source` is a folder, or a hub id with its commit in `revision`. Without other settings all of it trains.
    """

    kind: Literal["clip_image"] = "clip_image"
    source: str
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    n_trainable_layers: int | None = None  # from the last; 0: the projection alone; None: all, embeddings too
    frozen: bool = False  # nothing trains, the projection neither

    def __post_init__(self) -> None:
        check_freezing(self.n_trainable_layers, frozen=self.frozen, kind=self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTextTower:
    """The text tower of a CLIP model in transformers' format, with its projection and its tokenizer."""

    kind: Literal["clip_text"] = "clip_text"
    source: str
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    n_trainable_layers: int | None = None  # from the last; 0: the projection alone; None: all, embeddings too
    frozen: bool = False  # nothing trains, the projection neither
    max_tokens: int | None = None  # marks included; None keeps the folder's own limit
    max_chars: int = 16_384  # read of a text before the tokenizer

    def __post_init__(self) -> None:
        check_freezing(self.n_trainable_layers, frozen=self.frozen, kind=self.kind)
        if self.max_chars < 1 or (self.max_tokens is not None and self.max_tokens < 3):
            raise InputError("a clip_text tower needs max_chars >= 1 and max_tokens >= 3")


class ClipImageNetwork(nn.Module):
    """The module of a `ClipImageTower`."""

    bytes_per_token: ClassVar[int] = PATCH_BYTES

    def __init__(self, config: ClipImageTower, *, shape: ImageShape, reading: ClipReading, parts: Any) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.reading = reading
        self.dim = shape.dim
        self.side = shape.side
        self.transformer: nn.Module = parts.vision_model
        train_fast(self.transformer)
        self.projection: nn.Linear = parts.visual_projection
        before = [parts.vision_model.embeddings, parts.vision_model.pre_layrnorm]
        self._still = freeze(
            self,
            before=before,
            layers=with_last(parts.vision_model.encoder.layers, parts.vision_model.post_layernorm),
            n_trainable_layers=config.n_trainable_layers,
            frozen=config.frozen,
        )

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

    def features(self, pixels: Shaped[Tensor, "n 3 h w"]) -> Float[Tensor, "n w"]:
        """Return the normed class token of the last layer: what a frozen tower need compute only once a picture."""
        dtype = self.projection.weight.dtype
        picture = normalized(pixels, side=self.side, mean=self.reading.mean, std=self.reading.std, dtype=dtype)
        pooled: Tensor = self.transformer(pixel_values=picture).pooler_output
        return pooled.float()

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of features."""
        return functional.normalize(self.projection(features.to(self.projection.weight.dtype)).float(), dim=1)

    def train(self, mode: bool = True) -> ClipImageNetwork:
        """Switch to training or back; frozen parts stay in evaluation mode."""
        super().train(mode)
        rest(self._still)
        return self

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: the shape, and how pictures are read."""
        return {"pictures.json": self.reading.to_json(), "clip_image.json": shape_json(self.shape)}


class ClipTextNetwork(nn.Module):
    """The module of a `ClipTextTower`."""

    bytes_per_token: ClassVar[int] = 1

    def __init__(
        self,
        config: ClipTextTower,
        *,
        shape: TextShape,
        tokenizer: Tokenizer,
        marks: Marks,
        max_tokens: int,
        parts: Any,
    ) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.marks = marks
        self.max_tokens = config.max_tokens or max_tokens
        if not 3 <= self.max_tokens <= shape.positions:
            raise InputError(f"max_tokens = {self.max_tokens} of a clip_text tower; it has {shape.positions} positions")
        self.dim = shape.dim
        self._tokenizer_json = tokenizer.to_str()
        self._tokenizer = tokenizer
        tokenizer.enable_truncation(max_length=self.max_tokens)
        self.transformer: nn.Module = parts.text_model
        train_fast(self.transformer)
        self.projection: nn.Linear = parts.text_projection
        self._still = freeze(
            self,
            before=[parts.text_model.embeddings],
            layers=with_last(parts.text_model.encoder.layers, parts.text_model.final_layer_norm),
            n_trainable_layers=config.n_trainable_layers,
            frozen=config.frozen,
        )

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each text's token numbers between the two marks, at most `max_tokens`.

        What looks like a mark in a text is text: who writes `<|endoftext|>` would hide all that follows.
        """
        self._tokenizer.encode_special_tokens = True  # here, because a copied tokenizer forgets it
        texts = [view_text(view)[: self.config.max_chars] for view in views]
        return [np.array(row.ids, dtype=np.int32) for row in self._tokenizer.encode_batch_fast(texts)]

    def pad(self, tokens: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch, as long as its longest row."""
        return pad_rows(tokens, value=0)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes: token numbers [n, l] and their lengths [n]."""
        return self.pad(self.tokenize(views))

    def forward(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return unit vectors."""
        return self.project(self.features(tokens, lengths))

    def features(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n w"]:
        """Return the normed state at each text's end mark.

        Attention is causal, so nothing before the end mark sees the padding behind it: no mask is needed.
        """
        tokens = tokens[:, : self.max_tokens]  # a batch may be padded to more positions than there are
        valid = valid_positions(lengths, tokens.shape[1])
        if self.shape.end_id == LEGACY_END:
            end = tokens.masked_fill(~valid, -1).argmax(dim=1)
        else:
            end = ((tokens == self.shape.end_id) & valid).int().argmax(dim=1)
        hidden: Tensor = self.transformer(input_ids=tokens.long()).last_hidden_state
        return hidden[torch.arange(len(hidden), device=hidden.device), end].float()

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of features."""
        return functional.normalize(self.projection(features.to(self.projection.weight.dtype)).float(), dim=1)

    def train(self, mode: bool = True) -> ClipTextNetwork:
        """Switch to training or back; frozen parts stay in evaluation mode."""
        super().train(mode)
        rest(self._still)
        return self

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: the shape, the tokenizer and its marks."""
        return {
            "clip_text.json": shape_json(self.shape),
            "marks.json": marks_json(self.marks, max_tokens=self.max_tokens),
            "tokenizer.json": self._tokenizer_json.encode(),
        }


def build_clip_image(config: ClipImageTower) -> ClipImageNetwork:
    """Read the tower's source, all of its weights or none.

    Raises:
        InputError: no such folder, no pinned revision, or what `load_clip` refuses.
        DamagedArtifactError: the weights are no safetensors, or not finite.
    """
    return clip_image_network(config, load_clip(resolve_source(config.source, config.revision)))


def build_clip_text(config: ClipTextTower) -> ClipTextNetwork:
    """Read the tower's source, all of its weights or none.

    Raises:
        InputError: no such folder, no pinned revision, or what `load_clip` refuses.
        DamagedArtifactError: the weights are no safetensors, or not finite.
    """
    return clip_text_network(config, load_clip(resolve_source(config.source, config.revision)))


def clip_image_network(config: ClipImageTower, parts: ClipParts) -> ClipImageNetwork:
    """Return the image tower of a model that was read."""
    return ClipImageNetwork(config, shape=parts.image, reading=parts.reading, parts=parts.model)


def clip_text_network(config: ClipTextTower, parts: ClipParts) -> ClipTextNetwork:
    """Return the text tower of a model that was read."""
    return ClipTextNetwork(
        config,
        shape=parts.text,
        tokenizer=parts.tokenizer,
        marks=parts.marks,
        max_tokens=parts.max_tokens,
        parts=parts.model,
    )


def rebuild_clip_image(config: ClipImageTower, assets: Mapping[str, bytes]) -> ClipImageNetwork:
    """Make the tower's shape from its assets alone, on torch's device "meta"; `load_weights` gives it its weights.

    Raises:
        DamagedArtifactError: an asset is missing or not ours.
    """
    try:
        shape = shape_from_json(ImageShape, assets["clip_image.json"])
        reading = reading_from_json(assets["pictures.json"])
        if reading.side != shape.side:
            raise ValueError(f"pictures of {reading.side} pixels for a model of {shape.side}")
        config_ = _plain(clip_config(shape, _SMALLEST_TEXT)).vision_config
        parts = _without_weights(lambda: CLIPVisionModelWithProjection(config_))
        return ClipImageNetwork(config, shape=shape, reading=reading, parts=parts)
    # transformers raises whatever a wrong shape leads to
    except Exception as error:
        raise _not_ours("clip_image", error) from error


def rebuild_clip_text(config: ClipTextTower, assets: Mapping[str, bytes]) -> ClipTextNetwork:
    """Make the tower's shape from its assets alone, on torch's device "meta"; `load_weights` gives it its weights.

    Raises:
        DamagedArtifactError: an asset is missing or not ours.
    """
    try:
        shape = shape_from_json(TextShape, assets["clip_text.json"])
        marks, max_tokens = marks_from_json(assets["marks.json"])
        tokenizer = Tokenizer.from_str(assets["tokenizer.json"].decode())
        check_end(tokenizer, shape, where="tokenizer.json")
        config_ = _plain(clip_config(_SMALLEST_IMAGE, shape)).text_config
        parts = _without_weights(lambda: CLIPTextModelWithProjection(config_))
        return ClipTextNetwork(
            config, shape=shape, tokenizer=tokenizer, marks=marks, max_tokens=max_tokens, parts=parts
        )
    # tokenizers raises bare Exception, transformers whatever a wrong shape leads to
    except Exception as error:
        raise _not_ours("clip_text", error) from error


_LAYERS: dict[str, Any] = {
    **{"dim": 1, "width": 1, "inner_width": 1, "layers": 1, "heads": 1},
    **{"activation": "gelu", "norm_eps": 1e-5, "dropout": 0.0},
}
_SMALLEST_IMAGE = ImageShape(side=8, patch=8, **_LAYERS)
_SMALLEST_TEXT = TextShape(vocabulary=3, positions=3, end_id=2, **_LAYERS)


def _without_weights(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a model without memory for weights: neither its first ones nor a stranger's shape cost anything."""
    with torch.device("meta"):
        model = make()
    for module in model.modules():
        counted = getattr(module, "position_ids", None)
        if isinstance(counted, torch.Tensor):  # no weight, so nothing will load it
            module.position_ids = torch.arange(counted.shape[-1])[None]
    return model


def _plain(config: CLIPConfig) -> CLIPConfig:
    for part in (config.vision_config, config.text_config):
        part._attn_implementation = "sdpa"
    return config


def _not_ours(kind: str, error: Exception) -> DamagedArtifactError:
    reason = str(error) if isinstance(error, InputError) else repr(error)
    return DamagedArtifactError(f"cannot rebuild a {kind} tower from its files ({reason}); restore the bundle")
