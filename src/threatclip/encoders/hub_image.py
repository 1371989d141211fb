"""Reading of a vision model's folder in the hub's format: its trunk, and how it wants its pictures."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from threatclip.artifacts import read_json
from threatclip.encoders.hub import (
    check_complete,
    check_finite,
    check_weight_files,
    read_config,
    read_model,
    reading_hub,
    refuse_code,
)
from threatclip.encoders.pixels import check_side
from threatclip.encoders.still import hold_still
from threatclip.errors import DamagedArtifactError, InputError

Pooling = Literal["pooler", "mean", "first"]
_NAMES_OF_CLASSES = ("id2label", "label2id")  # of a head that a tower has not


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureReading:
    """How a pretrained folder wants its pictures read, and what of its output to take."""

    side: int  # pixels that it was trained at
    mean: tuple[float, float, float]  # of each channel, of pixels in [0, 1]
    std: tuple[float, float, float]
    blue_first: bool = False  # channels in the order blue, green, red
    pooling: Pooling = "mean"  # first: the class token

    def __post_init__(self) -> None:
        check_side(self.side, kind="pretrained_image")
        three_each = len(self.mean) == 3 and len(self.std) == 3
        if not three_each or not all(map(math.isfinite, self.mean)) or not all(1e-3 <= std <= 1e3 for std in self.std):
            raise InputError(f"mean {self.mean} and std {self.std} of pictures; give three values, std 0.001 to 1000")
        if self.pooling not in get_args(Pooling):
            raise InputError(f"pooling = {self.pooling!r} of pictures; choose {', '.join(get_args(Pooling))}")


def load_picture_folder(folder: Path) -> tuple[nn.Module, PictureReading]:
    """Return the fp32 trunk of a vision model, in evaluation mode, and how to feed it.

    Raises:
        InputError: not a folder that can be read without code or pickles, no vision model, or weights are missing.
        DamagedArtifactError: weights that are not safetensors, or not finite.
    """
    refuse_code(folder)
    check_weight_files(folder)
    reading = _reading(folder)
    with reading_hub(folder, "a vision model", want="use a transformers folder"):
        config = read_config(folder)
        model, report = read_model(AutoModel, folder, config)
    if model.main_input_name != "pixel_values":
        raise InputError(f"{folder} is a {config.model_type} that reads {model.main_input_name}, not pictures alone")
    # a counter that only training reads; not every writer keeps it
    missing = sorted(name for name in report["missing_keys"] if not name.endswith("num_batches_tracked"))
    if any("pooler" in name for name in missing):
        model.pooler = None
        missing = [name for name in missing if "pooler" not in name]
    check_complete(folder, missing, report)
    check_finite(folder, model)
    return hold_still(model).eval(), replace(reading, pooling=_pooling(model, reading.side))


def rebuild_picture_model(assets: Mapping[str, bytes]) -> tuple[nn.Module, PictureReading]:
    """Return a trunk of the shape that assets tell, its weights still to be loaded, and how to feed it.

    Raises:
        DamagedArtifactError: an asset is missing or not ours.
    """
    try:
        settings: dict[str, Any] = json.loads(assets["pictures.json"])
        for name in ("mean", "std"):
            settings[name] = tuple(settings[name])
        reading = PictureReading(**settings)
        shape = json.loads(assets["vision.json"])
        if "auto_map" in shape:
            raise DamagedArtifactError("vision.json of a tower names code to run (auto_map); restore the bundle")
        model = AutoModel.from_config(AutoConfig.for_model(**shape), dtype=torch.float32)
        if reading.pooling != "pooler":
            model.pooler = None
        model = hold_still(model).eval()
        with torch.no_grad():
            picture_features(model, torch.zeros(1, 3, reading.side, reading.side), pooling=reading.pooling)
    except DamagedArtifactError:
        raise
    # transformers raises whatever a wrong shape leads to
    except Exception as error:
        raise DamagedArtifactError(
            f"cannot rebuild a pretrained image tower from pictures.json and vision.json ({error!r}); "
            "restore the bundle"
        ) from error
    return model, reading


def picture_assets(model: nn.Module, reading: PictureReading) -> dict[str, bytes]:
    """Return the files that `rebuild_picture_model` needs."""
    shape = model.config.to_dict()  # type: ignore[union-attr, operator]
    kept = {name: value for name, value in shape.items() if name not in _NAMES_OF_CLASSES}
    return {
        "pictures.json": json.dumps(asdict(reading), sort_keys=True).encode(),
        "vision.json": json.dumps(kept, sort_keys=True, default=str).encode(),
    }


def picture_features(model: nn.Module, pictures: Tensor, *, pooling: str) -> Tensor:
    """Return one fp32 row [n, w] a normalized picture [n, 3, s, s], at whatever side."""
    takes = inspect.signature(model.forward).parameters
    more = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in takes else {}
    output = model(pixel_values=pictures, **more)
    if pooling == "pooler":
        pooled: Tensor = output.pooler_output.float().flatten(1)
        return pooled
    hidden: Tensor = output.last_hidden_state.float()
    if pooling == "first":
        return hidden[:, 0]
    return hidden.mean(dim=(2, 3)) if hidden.ndim == 4 else hidden.mean(dim=1)


def picture_layers(model: nn.Module) -> list[nn.Module]:
    """Return a trunk as its parts in the order in which a picture passes them: stem, each layer, what follows."""
    parts: list[nn.Module] = []
    for child in model.children():
        if isinstance(child, nn.ModuleList):
            parts.extend(child)
        elif any(isinstance(part, nn.ModuleList) and len(part) > 1 for part in child.children()):
            parts.extend(picture_layers(child))
        elif any(True for _ in child.parameters()):
            parts.append(child)
    return parts


def _pooling(model: nn.Module, side: int) -> Pooling:
    with torch.no_grad():
        output = model.eval()(pixel_values=torch.zeros(1, 3, side, side))
    if getattr(output, "pooler_output", None) is not None:
        return "pooler"
    return "mean" if output.last_hidden_state.ndim == 4 else "first"


def _reading(folder: Path) -> PictureReading:
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        raise InputError(f"{folder} has no preprocessor_config.json, so nothing says how it reads pictures; add it")
    settings = read_json(path)
    if settings.get("rescale_offset"):
        raise InputError(f"{path} asks for rescale_offset, which is not supported; use another model")
    try:
        largest = 255 * (float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0)
        normalizes = settings.get("do_normalize", True)
        mean = [value / largest for value in settings["image_mean"]] if normalizes else [0.0] * 3
        std = [value / largest for value in settings["image_std"]] if normalizes else [1 / largest] * 3
        cropped = settings.get("crop_size") if settings.get("do_center_crop") else None
        return PictureReading(
            side=_side(cropped or settings["size"]),
            mean=(mean[0], mean[1], mean[2]),
            std=(std[0], std[1], std[2]),
            blue_first=bool(settings.get("do_flip_channel_order", False)),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise InputError(f"{path} does not say how pictures are read ({error!r}); restore the folder") from error


def _side(size: Any) -> int:
    return int(size if isinstance(size, int) else size.get("height") or size["shortest_edge"])
