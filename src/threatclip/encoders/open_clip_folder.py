"""Reading of an open_clip folder in the hub's format, through the optional library open_clip.

A folder holds `open_clip_config.json` and safetensors. Its architecture is data of that file; what the file could make
the library fetch or run (weights of a timm or hub model, code, pickles) is refused before the library sees it.
"""

from __future__ import annotations

import copy
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from threatclip.artifacts import read_json
from threatclip.encoders.clip_folder import check_scale, check_tensors, tensor_shapes
from threatclip.encoders.clip_pictures import ClipReading
from threatclip.encoders.hub import check_weight_files
from threatclip.errors import DamagedArtifactError, InputError, NotInstalledError

CONFIG = "open_clip_config.json"
_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors")
_KEYS = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text", "init_logit_scale"}
_MOST = {"layers": 256, "context_length": 4_096, "vocab_size": 2_000_000, "image_size": 1_024}
_MOST_ELSE = 65_536
_FILTERS = {"bilinear": 2, "bicubic": 3, "random": 3}  # random is so for training only
_INSTALL = "pip install 'threatclip[openclip]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClipParts:
    """An open_clip model as read from its folder."""

    architecture: dict[str, Any]  # the library's model_cfg, checked
    visual: nn.Module  # fp32
    text: nn.Module  # fp32
    log_scale: float
    reading: ClipReading
    tokenizer: Tokenizer


def load_open_clip(folder: Path) -> OpenClipParts:
    """Return both fp32 towers of a folder, and how they read pictures and texts.

    Raises:
        NotInstalledError: see `open_clip`.
        InputError: no open_clip model, or one that cannot be had from the folder alone; weights missing, left over or
            of other shapes than the configuration says.
        DamagedArtifactError: weights that are no safetensors, or not finite.
    """
    content = read_json(folder / CONFIG)
    if not isinstance(content, dict) or not isinstance(content.get("preprocess_cfg", {}), dict):
        raise InputError(f"{folder / CONFIG} is not that of an open_clip model; is it a model folder?")
    architecture = checked_architecture(content.get("model_cfg"), where=str(folder / CONFIG))
    check_weight_files(folder)
    path = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise InputError(f"{folder} holds none of {', '.join(_WEIGHTS)}; name its weights so")
    library = open_clip()
    found = library.model.convert_to_custom_text_state_dict(tensor_shapes([path]))
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in _made(architecture).state_dict().items()}
    check_tensors(found, expected, where=folder)
    model = _made(architecture)
    _fill(model, path)
    log_scale = float(model.logit_scale.detach())
    check_scale(folder, log_scale)
    return OpenClipParts(
        architecture=architecture,
        visual=model.visual.eval(),
        text=model.text.eval(),
        log_scale=log_scale,
        reading=_reading(folder, content.get("preprocess_cfg", {}), side=_side(model)),
        tokenizer=word_pieces(),
    )


def open_clip() -> Any:
    """Import the library.

    Raises:
        NotInstalledError: it is not installed, or its torchvision was built for another torch.
    """
    try:
        return importlib.import_module("open_clip")
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            f"an open_clip tower needs {error.name}, which is not installed; run: {_INSTALL}"
        ) from error
    # torchvision fails with RuntimeError where its operators do not fit the installed torch
    except (ImportError, RuntimeError) as error:
        raise NotInstalledError(
            f"open_clip cannot be imported ({_first_line(error)}); its torchvision must be built for this torch: "
            "on a machine without a GPU, pip install torchvision --index-url https://download.pytorch.org/whl/cpu"
        ) from error


def checked_architecture(value: object, *, where: str) -> dict[str, Any]:
    """Return a `model_cfg` that makes a model from itself alone, within limits.

    Raises:
        InputError: an unknown key, a part that is fetched from elsewhere, a loss that is not CLIP's, a number over its
            limit.
    """
    if not isinstance(value, dict) or not all(isinstance(value.get(key), dict) for key in ("vision_cfg", "text_cfg")):
        raise InputError(f"{where} has no model_cfg with vision_cfg and text_cfg; is it an open_clip model?")
    architecture = copy.deepcopy(value)
    unknown = sorted(set(architecture) - _KEYS)
    if unknown:
        raise InputError(f"{where}: {unknown[0]!r} is not supported: captioners and sigmoid losses are not CLIP's")
    _check_numbers(architecture, where=where)
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    for name in ("hf_model_name", "hf_tokenizer_name"):
        if text.get(name):
            raise InputError(
                f"{where}: {name} {text[name]!r} is fetched from elsewhere; use a model with CLIP's own text tower"
            )
    trunk = vision.get("timm_model_name")
    if trunk is not None and not (isinstance(trunk, str) and re.fullmatch(r"[A-Za-z0-9_.]+", trunk)):
        raise InputError(f"{where}: timm_model_name {trunk!r} is not one of timm's own architectures")
    if text.get("embed_cls") or text.get("tokenizer_kwargs") or text.get("tokenizer_mode") or text.get("output_tokens"):
        raise InputError(
            f"{where}: a text tower with embed_cls, output_tokens or a tokenizer of its own is not supported"
        )
    if trunk is not None:
        vision["timm_model_pretrained"] = False
    return architecture


def build_towers(architecture: Mapping[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Return image and text tower of a checked architecture; their weights are still to be loaded.

    Raises:
        NotInstalledError: see `open_clip`.
        InputError: the library cannot make such a model.
    """
    model = _made(architecture)
    return model.visual, model.text


def word_pieces() -> Tokenizer:
    """Return the library's vocabulary as a fast tokenizer, for texts that `clean_text` was applied to.

    The library's own tokenizer gives the same numbers (but for code points that are not assigned, and U+0345), in
    quadratic time and with a cache that any stranger can fill.
    """
    from transformers import CLIPTokenizer

    simple = open_clip().tokenizer.SimpleTokenizer()
    start, end = "<start_of_text>", "<end_of_text>"
    fast = CLIPTokenizer(
        vocab=simple.encoder,
        merges=list(simple.bpe_ranks),
        bos_token=start,
        eos_token=end,
        unk_token=end,
        pad_token=end,
    )
    return Tokenizer.from_str(fast.backend_tokenizer.to_str())


def clean_text(text: str) -> str:
    """Return a text as the library cleans it: mended Unicode, HTML entities resolved, lower case."""
    cleaned: str = open_clip().tokenizer.get_clean_fn("lower")(text)
    return cleaned


def _made(architecture: Mapping[str, Any]) -> Any:
    settings = {name: value for name, value in architecture.items() if name != "custom_text"}
    library = open_clip()
    # the library raises whatever a wrong configuration leads to: TypeError, AssertionError, RuntimeError
    try:
        model = library.CustomTextCLIP(**copy.deepcopy(settings))
    except Exception as error:
        raise InputError(f"open_clip cannot make the model of {CONFIG} ({_first_line(error)}); restore it") from error
    return model.eval()


def _fill(model: nn.Module, path: Path) -> None:
    from safetensors.torch import load_file

    weights = open_clip().model.convert_to_custom_text_state_dict(load_file(path))
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DamagedArtifactError(f"{path} holds values that are not finite in {name!r}; restore it")
    model.load_state_dict(weights, strict=True)


def _check_numbers(settings: Mapping[str, Any], *, where: str) -> None:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            _check_numbers(value, where=where)
            continue
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not abs(number) <= _MOST.get(name, _MOST_ELSE):
                raise InputError(f"{where}: {name} = {number} is over the limit of {_MOST.get(name, _MOST_ELSE):,}")
        if isinstance(value, list) and len(value) > 8:
            raise InputError(f"{where}: {name} has {len(value)} entries; give at most 8")


def _reading(folder: Path, settings: Mapping[str, Any], *, side: int) -> ClipReading:
    library = open_clip()
    mean = settings.get("mean") or library.OPENAI_DATASET_MEAN
    std = settings.get("std") or library.OPENAI_DATASET_STD
    mode, name = settings.get("resize_mode") or "shortest", settings.get("interpolation") or "bicubic"
    if mode not in ("shortest", "squash") or name not in _FILTERS:
        raise InputError(f"{folder / CONFIG}: pictures resized by {mode!r} with {name!r} are not supported")
    try:
        (first, second, third), (one, two, three) = mean, std
        return ClipReading(
            side=side,
            edge=side,
            resize="squash" if mode == "squash" else "shortest",
            resample=_FILTERS[name],
            crop="round",
            mean=(float(first), float(second), float(third)),
            std=(float(one), float(two), float(three)),
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{folder / CONFIG}: mean {mean!r} and std {std!r} of pictures are not three numbers"
        ) from error


def _side(model: Any) -> int:
    size = model.visual.image_size
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise InputError(f"the model reads pictures of {size} pixels; towers read squares")
    return int(sides.pop())


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200]


def architecture_json(architecture: Mapping[str, Any]) -> bytes:
    """Return an architecture as the file that lies beside a tower's weights."""
    return json.dumps(architecture, sort_keys=True).encode()
