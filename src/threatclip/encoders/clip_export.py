"""Saving a dual encoder in the format of transformers' CLIPModel, where its architecture is CLIP's."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from threatclip.artifacts import atomic_folder, write_bytes, write_json
from threatclip.encoders.clip import ClipImageNetwork, ClipTextNetwork
from threatclip.encoders.clip_folder import check_tensors
from threatclip.encoders.clip_pictures import processor_settings
from threatclip.encoders.clip_shape import clip_config
from threatclip.encoders.dual import MAX_SCALE, DualEncoder
from threatclip.encoders.hub import quiet_transformers
from threatclip.errors import InputError


def save_as_clip(dual: DualEncoder, folder: Path) -> None:
    """Write `folder` so that `CLIPModel.from_pretrained` and `CLIPProcessor.from_pretrained` give the same outputs.

    Written whole or not at all: config.json, model.safetensors (fp32), the tokenizer's files and
    preprocessor_config.json, which versions 4 and 5 of transformers read; and a manifest of their hashes.

    Raises:
        InputError: a tower is not CLIP's, the tokenizer is one that transformers would read otherwise, or `folder`
            exists and was not written by this function.
        StorageError: the disk refused.
    """
    view, text = dual.view_tower, dual.text_tower
    if not isinstance(view, ClipImageNetwork) or not isinstance(text, ClipTextNetwork):
        kinds = f"{view.config.kind!r} and {text.config.kind!r}"
        raise InputError(
            f"towers of kinds {kinds} cannot be saved as a CLIPModel, whose architecture they have not; "
            "only 'clip_image' with 'clip_text' can"
        )
    model = clip_model(view, text, log_scale=float(dual.log_scale.detach()))
    pictures = CLIPImageProcessorPil(**processor_settings(view.reading))
    with atomic_folder(folder, manifest={"kind": "transformers CLIPModel"}) as part, quiet_transformers():
        model.save_pretrained(part)
        pictures.save_pretrained(part)
        _write_tokenizer(text, part)


def clip_model(view: ClipImageNetwork, text: ClipTextNetwork, *, log_scale: float) -> CLIPModel:
    """Return transformers' model with the weights of two towers; the scale is clipped as our models read it."""
    scale = min(max(log_scale, 0.0), math.log(MAX_SCALE))
    tokenizer, marks = _original(text), text.marks
    config = clip_config(
        view.shape,
        text.shape,
        log_scale=scale,
        start_id=tokenizer.token_to_id(marks.bos_token) if marks.bos_token else None,
        pad_id=tokenizer.token_to_id(marks.pad_token) if marks.pad_token else None,
    )
    with torch.device("meta"):
        model = CLIPModel(config)
    weights = {
        **{f"vision_model.{name}": tensor for name, tensor in view.transformer.state_dict().items()},
        **{f"text_model.{name}": tensor for name, tensor in text.transformer.state_dict().items()},
        "visual_projection.weight": view.projection.weight,
        "text_projection.weight": text.projection.weight,
        "logit_scale": torch.tensor(scale),
    }
    return _filled(model, weights)


def _filled(model: CLIPModel, weights: dict[str, torch.Tensor]) -> CLIPModel:
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    check_tensors(found, expected, where=Path("the dual encoder"))
    plain = {name: tensor.detach().float().cpu().contiguous() for name, tensor in weights.items()}
    model.load_state_dict(plain, strict=True, assign=True)
    return model


def _original(text: ClipTextNetwork) -> Tokenizer:
    tokenizer = Tokenizer.from_str(text.assets()["tokenizer.json"].decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _write_tokenizer(text: ClipTextNetwork, folder: Path) -> None:
    """Write today's and the older files of a tokenizer, and see that transformers reads the same one from them."""
    content = _original(text).to_str()
    vocabulary = json.loads(content)["model"]
    marks = text.marks
    names = {
        name: mark
        for name in ("bos_token", "eos_token", "pad_token", "unk_token")
        if (mark := getattr(marks, name)) is not None
    }
    write_bytes(folder / "tokenizer.json", content.encode())
    settings = {**names, "tokenizer_class": marks.tokenizer_class, "model_max_length": text.max_tokens}
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", names)
    if "vocab" in vocabulary and "merges" in vocabulary:
        write_bytes(folder / "vocab.json", json.dumps(vocabulary["vocab"], ensure_ascii=False).encode())
        merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in vocabulary["merges"]]
        write_bytes(folder / "merges.txt", "\n".join(["#version: 0.2", *merges, ""]).encode())
    again = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if json.loads(again.backend_tokenizer.to_str()) != json.loads(content):
        raise InputError(
            f"transformers reads a {marks.tokenizer_class} differently from this model's tokenizer; it cannot be saved"
        )
