"""Pictures exactly as a CLIP folder wants them: decoded behind limits, shortest edge resized, center cropped."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from threatclip.artifacts import read_json
from threatclip.encoders.hub import quiet_transformers
from threatclip.encoders.padding import Tokens
from threatclip.encoders.pixels import MOST_SIDE, check_side
from threatclip.errors import ImageFaultError, InputError
from threatclip.pairs.images import GRAY, decode_image

_TYPES = {"CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor"}
_SERIAL_PICTURES = 8  # below it, threads cost more than they save
_MOST_PIXELS = 2**24  # after resizing; of longer strips only what the crop shows is resized


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipReading:
    """How a CLIP model wants its pictures read; sides in pixels."""

    side: int  # of the square that the model sees
    edge: int  # that the shortest edge is resized to before the crop; at least `side`
    resize: Literal["shortest", "squash"] = "shortest"  # squash: the whole picture to the square
    resample: int = 3  # Pillow's number of the filter; 3 is bicubic
    crop: Literal["floor", "round"] = "floor"  # of an odd margin: transformers floors, torchvision rounds to even
    mean: tuple[float, float, float]  # of each channel, of pixels in [0, 1]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        check_side(self.side, kind="CLIP image")
        if not self.side <= self.edge <= 2 * MOST_SIDE:
            raise InputError(
                f"pictures are resized to {self.edge} pixels but cropped to {self.side}; mend the settings"
            )
        if (
            self.resize not in ("shortest", "squash")
            or self.crop not in ("floor", "round")
            or self.resample not in range(6)
        ):
            raise InputError(f"cannot resize by {self.resize!r}, crop by {self.crop!r} with filter {self.resample!r}")
        if not all(len(values) == 3 and all(map(math.isfinite, values)) for values in (self.mean, self.std)):
            raise InputError(f"mean {self.mean} and std {self.std} of pictures; give three finite values each")
        if not all(1e-3 <= value <= 1e3 for value in self.std):
            raise InputError(f"std {self.std} of pictures; values go from 0.001 to 1000")

    def to_json(self) -> bytes:
        """Return the settings as the file that lies beside a tower's weights."""
        return json.dumps(asdict(self), sort_keys=True).encode()


def reading_from_json(content: bytes) -> ClipReading:
    """Return the settings that `to_json` wrote; raises whatever a wrong file leads to."""
    plain: dict[str, Any] = json.loads(content)
    numbers: dict[str, Any] = {name: tuple(plain.pop(name)) for name in ("mean", "std")}
    return ClipReading(**plain, **numbers)


def read_pictures(views: Sequence[bytes], reading: ClipReading, *, workers: int | None = None) -> list[Tokens]:
    """Return each picture as uint8 [3, side, side], decoded in threads; an empty view is mid-gray.

    Pixels are those of transformers' CLIPImageProcessor before it rescales and normalizes, but upright.

    Raises:
        ImageFaultError: a view is no picture that can be read safely; names its place in `views`.
    """

    def read(place: int) -> Tokens:
        if not views[place]:
            return np.full((3, reading.side, reading.side), GRAY, np.uint8)
        try:
            pixels = decode_image(views[place])
        except ImageFaultError as error:
            raise ImageFaultError(f"picture {place} of {len(views)}: {error}") from error
        return np.ascontiguousarray(fit_pixels(pixels, reading).transpose(2, 0, 1))

    n_workers = (os.cpu_count() or 1) if workers is None else workers
    if n_workers <= 1 or len(views) < _SERIAL_PICTURES:
        return [read(place) for place in range(len(views))]
    with ThreadPoolExecutor(n_workers) as pool:
        return list(pool.map(read, range(len(views))))


def fit_pixels(pixels: np.ndarray, reading: ClipReading) -> np.ndarray:
    """Return a picture, uint8 [h, w, 3], resized and cropped to uint8 [side, side, 3]."""
    picture = Image.fromarray(pixels)
    side, edge, resample = reading.side, reading.edge, Image.Resampling(reading.resample)
    if reading.resize == "squash":
        return np.asarray(picture.resize((side, side), resample))
    width, height = _resized(picture.width, picture.height, edge)
    left, top = _margin(width - side, reading.crop), _margin(height - side, reading.crop)
    crop = (left, top, left + side, top + side)
    if width * height <= _MOST_PIXELS:
        return np.asarray(picture.resize((width, height), resample).crop(crop))
    # a strip of 1 x 16,384 pixels would grow to gigabytes; its crop alone differs a little, by the order of two steps
    across, down = picture.width / width, picture.height / height
    box = (crop[0] * across, crop[1] * down, min(crop[2] * across, picture.width), min(crop[3] * down, picture.height))
    return np.asarray(picture.resize((side, side), resample, box=box))


def picture_reading(folder: Path, *, side: int) -> ClipReading:
    """Return how a folder in the hub's format wants its pictures read.

    `side` is what config.json says that the model sees.

    Raises:
        InputError: no settings, those of another processor, or some that give no square of `side`.
    """
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    _check_processor(folder)
    with quiet_transformers():
        # the library raises whatever a wrong file leads to
        try:
            settings: dict[str, Any] = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True).to_dict()
            reading = _reading(settings)
        except InputError as error:
            raise InputError(f"{folder}: {error}") from error
        except Exception as error:
            raise InputError(f"{folder} does not say how pictures are read ({error!r}); restore it") from error
    if reading.side != side:
        raise InputError(f"{folder} crops pictures to {reading.side} pixels, but its config.json has image_size {side}")
    return reading


def processor_settings(reading: ClipReading) -> dict[str, Any]:
    """Return the arguments of transformers' CLIPImageProcessor that read pictures the same way.

    Raises:
        InputError: it has no such way.
    """
    square = {"height": reading.side, "width": reading.side}
    if reading.crop != "floor":
        raise InputError("transformers' CLIPImageProcessor cannot crop as torchvision does; export a clip_image tower")
    return {
        "size": square if reading.resize == "squash" else {"shortest_edge": reading.edge},
        "crop_size": square,
        "do_center_crop": reading.resize != "squash",
        "resample": reading.resample,
        "image_mean": list(reading.mean),
        "image_std": list(reading.std),
    }


def _check_processor(folder: Path) -> None:
    """Refuse settings of another processor, whose defaults and steps differ, and code."""
    found: dict[str, Any] = {}
    for name in ("processor_config.json", "preprocessor_config.json"):
        content = read_json(folder / name) if (folder / name).is_file() else {}
        if not isinstance(content, Mapping) or not isinstance(content.get("image_processor", {}), Mapping):
            raise InputError(f"{folder / name} is not a JSON object; is it a model folder?")
        inner = content.get("image_processor", content if name == "preprocessor_config.json" else {})
        if "auto_map" in content or "auto_map" in inner:
            raise InputError(
                f"{folder / name} names code to run (auto_map), which is never run; use a model without it"
            )
        found = found or dict(inner)
    if not found:
        raise InputError(f"{folder} has no preprocessor_config.json, so nothing says how it reads pictures; add it")
    kind = found.get("image_processor_type", found.get("feature_extractor_type", "CLIPImageProcessor"))
    if kind not in _TYPES:
        raise InputError(f"{folder} reads pictures by a {kind!r}; only CLIP's own processor is reproduced exactly")


def _reading(settings: Mapping[str, Any]) -> ClipReading:
    if settings.get("do_pad") or not settings["do_resize"]:
        raise InputError("its processor pads pictures or does not resize them; CLIP's resizes")
    size, crop = settings["size"], settings["crop_size"] if settings["do_center_crop"] else None
    largest = 255 * settings["rescale_factor"] if settings["do_rescale"] else 255.0
    mean = [value / largest for value in settings["image_mean"]] if settings["do_normalize"] else [0.0] * 3
    std = [value / largest for value in settings["image_std"]] if settings["do_normalize"] else [1 / largest] * 3
    squash = set(size) == {"height", "width"}
    if not squash and set(size) != {"shortest_edge"}:
        raise InputError(f"its processor resizes to {size}; shortest_edge, or height and width, are supported")
    sides = {*(size.values() if squash else ()), *(crop.values() if crop else ())}
    if len(sides) != 1 or (not squash and crop is None):
        raise InputError(f"its processor makes no square of one size: resizes to {size}, crops to {crop}")
    seen = int(sides.pop())
    return ClipReading(
        side=seen,
        edge=seen if squash else int(size["shortest_edge"]),
        resize="squash" if squash else "shortest",
        resample=int(settings["resample"]),
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
    )


def _resized(width: int, height: int, edge: int) -> tuple[int, int]:
    short, long = min(width, height), max(width, height)
    grown = int(edge * long / short)
    return (edge, grown) if width <= height else (grown, edge)


def _margin(spare: int, crop: str) -> int:
    return spare // 2 if crop == "floor" else round(spare / 2)
