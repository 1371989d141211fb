"""The shape of a CLIP model as plain numbers, held to limits before anything is allocated for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from transformers import CLIPConfig

from threatclip.encoders.pixels import check_side
from threatclip.encoders.settings import check_at_least, check_heads
from threatclip.errors import InputError

_MOST = {
    "width": 16_384,
    "inner_width": 65_536,
    "layers": 256,
    "vocabulary": 2_000_000,
    "positions": 4_096,
    "dim": 16_384,
}
_MOST_PATCHES = 16_384
_MOST_PARAMETERS = 8_000_000_000
_ACTIVATIONS = {"quick_gelu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "gelu_fast"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageShape:
    """CLIP's vision transformer [Radford 2021, section 2.4]."""

    kind: ClassVar[str] = "clip_image"
    dim: int  # of the unit vectors
    width: int
    inner_width: int  # of the feed-forward parts
    layers: int
    heads: int
    activation: str
    norm_eps: float
    dropout: float  # of attention, while training
    side: int  # pixels
    patch: int  # pixels

    def __post_init__(self) -> None:
        check_side(self.side, kind=self.kind)
        if not 1 <= self.patch <= self.side or (self.side // self.patch) ** 2 > _MOST_PATCHES:
            raise InputError(f"patch = {self.patch} of pictures of {self.side} pixels; choose 1 to {self.side}")
        _check_layers(self, self.patch**2 * 3 + (self.side // self.patch) ** 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """CLIP's text transformer, and the token at whose first place a text's vector is read."""

    kind: ClassVar[str] = "clip_text"
    dim: int  # of the unit vectors
    width: int
    inner_width: int  # of the feed-forward parts
    layers: int
    heads: int
    activation: str
    norm_eps: float
    dropout: float  # of attention, while training
    vocabulary: int
    positions: int  # tokens
    end_id: int  # 2 in configurations before 2023, where the largest token number stands for it

    def __post_init__(self) -> None:
        check_at_least(3, kind=self.kind, vocabulary=self.vocabulary, positions=self.positions)
        if not 0 <= self.end_id < self.vocabulary:
            raise InputError(f"eos_token_id = {self.end_id} is not in the vocabulary of {self.vocabulary}")
        _check_layers(self, self.vocabulary + self.positions)


ShapeT = TypeVar("ShapeT", ImageShape, TextShape)


def _check_layers(shape: ImageShape | TextShape, n_embedded: int) -> None:
    kind = shape.kind
    check_at_least(1, kind=kind, dim=shape.dim, width=shape.width, inner_width=shape.inner_width, layers=shape.layers)
    check_heads(kind=kind, width=shape.width, heads=shape.heads)
    for name, most in _MOST.items():
        if getattr(shape, name, 0) > most:
            raise InputError(f"{name} = {getattr(shape, name)} of a {kind} tower is over the limit of {most:,}")
    n_parameters = shape.width * (n_embedded + shape.dim + shape.layers * (4 * shape.width + 2 * shape.inner_width))
    if n_parameters > _MOST_PARAMETERS:
        raise InputError(f"a {kind} tower of {n_parameters:,} parameters is over the limit of {_MOST_PARAMETERS:,}")
    if shape.activation not in _ACTIVATIONS:
        raise InputError(f"activation {shape.activation!r} of a {kind} tower; known: {sorted(_ACTIVATIONS)}")
    if not (0 < shape.norm_eps < 1 and 0 <= shape.dropout < 1):
        raise InputError(
            f"norm_eps = {shape.norm_eps}, dropout = {shape.dropout} of a {kind} tower; choose 0 to below 1"
        )


def shapes_of(config: CLIPConfig) -> tuple[ImageShape, TextShape]:
    """Return what a configuration says of the architecture, and nothing else of it.

    Raises:
        InputError: a number is over its limit or of another type than CLIP's.
    """
    vision, text = config.vision_config, config.text_config
    sides = {"image_size": vision.image_size, "patch_size": vision.patch_size}
    for name, side in sides.items():
        if isinstance(side, list | tuple) and len(set(side)) == 1:
            sides[name] = side[0]
    if vision.num_channels != 3:
        raise InputError(f"the model reads pictures of {vision.num_channels} channels; towers read three")
    numbers = {**sides, "eos_token_id": text.eos_token_id, "projection_dim": config.projection_dim}
    for name, value in numbers.items():
        if type(value) is not int:
            raise InputError(f"{name} is {value!r}; a CLIP model has one whole number there")
    image = ImageShape(side=sides["image_size"], patch=sides["patch_size"], **_layers(vision, config))
    words = TextShape(
        vocabulary=text.vocab_size,
        positions=text.max_position_embeddings,
        end_id=text.eos_token_id,
        **_layers(text, config),
    )
    return image, words


def clip_config(
    image: ImageShape,
    text: TextShape,
    *,
    log_scale: float = 0.0,
    start_id: int | None = None,
    pad_id: int | None = None,
) -> CLIPConfig:
    """Return a fresh configuration of two towers: nothing of a stranger's config.json but checked numbers.

    `start_id` and `pad_id` are for those who read the file; the model does not use them.
    """
    vision = {"image_size": image.side, "patch_size": image.patch, **_settings(image)}
    words = {
        "vocab_size": text.vocabulary,
        "max_position_embeddings": text.positions,
        "eos_token_id": text.end_id,
        "bos_token_id": start_id,
        "pad_token_id": pad_id,
        **_settings(text),
    }
    return CLIPConfig(
        text_config=words, vision_config=vision, projection_dim=image.dim, logit_scale_init_value=log_scale
    )


def shape_json(shape: ImageShape | TextShape) -> bytes:
    """Return a shape as the file that lies beside a tower's weights."""
    return json.dumps(asdict(shape), sort_keys=True).encode()


def shape_from_json(kind: type[ShapeT], content: bytes) -> ShapeT:
    """Return the shape that `shape_json` wrote; raises whatever a wrong file leads to."""
    return kind(**json.loads(content))


def _layers(part: Any, config: CLIPConfig) -> dict[str, Any]:
    return {
        "dim": config.projection_dim,
        "width": part.hidden_size,
        "inner_width": part.intermediate_size,
        "layers": part.num_hidden_layers,
        "heads": part.num_attention_heads,
        "activation": part.hidden_act,
        "norm_eps": float(part.layer_norm_eps),
        "dropout": float(part.attention_dropout),
    }


def _settings(shape: ImageShape | TextShape) -> dict[str, Any]:
    return {
        "projection_dim": shape.dim,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "hidden_act": shape.activation,
        "layer_norm_eps": shape.norm_eps,
        "attention_dropout": shape.dropout,
    }
