"""A tiny random CLIP in the hub's own formats (today's, and that of 2021), small pictures, and its peer's answers."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, CLIPConfig, CLIPModel, CLIPProcessor, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders.clip import ClipImageTower, ClipTextTower

START, END = "<|startoftext|>", "<|endoftext|>"
SIDE, POSITIONS, DIM = 32, 20, 24
WORDS = [
    "a flooded street at night",
    "Smoke over the Harbour!! 3 boats, 12 people",
    "it's dry; we're   fine\n\tnow",
    "ünïcode 漢字 🔥🔥",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
    "",
]
SIZES = [(32, 32), (47, 90), (90, 47), (33, 32), (32, 35), (200, 70), (9, 5), (64, 64)]  # width, height


def vocabulary() -> dict[str, int]:
    """Return a byte-level vocabulary with a few merged pieces, its marks last, as CLIP's."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(letter + "</w>" for letter in letters), "th", "the</w>", "re", "ree</w>", START, END]
    return {piece: number for number, piece in enumerate(pieces)}


def tiny_config(**text: Any) -> CLIPConfig:
    """Return the shape of a model of 50,000 weights; keywords change its text part."""
    part = {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 32, "intermediate_size": 48}
    words = vocabulary()
    ids = {"vocab_size": len(words), "bos_token_id": words[START], "eos_token_id": words[END]}
    return CLIPConfig(
        text_config={**part, **ids, "max_position_embeddings": POSITIONS, "hidden_act": "gelu", **text},
        vision_config={**part, "hidden_size": 40, "image_size": SIDE, "patch_size": 8},
        projection_dim=DIM,
        logit_scale_init_value=3.0,
    )


def random_clip(config: CLIPConfig, *, seed: int = 0) -> CLIPModel:
    """Return a model whose every weight is random and large enough to matter, biases and norms too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIPModel(config).eval()
        for name, parameter in model.named_parameters():
            if name != "logit_scale":
                parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as transformers 5 writes it: config, safetensors, tokenizer.json, processor_config.json."""
    folder = tmp_path_factory.mktemp("clip") / "tiny"
    save_clip(folder)
    return folder


def save_clip(folder: Path, **text: Any) -> None:
    """Write a tiny model in transformers' format of today."""
    words = vocabulary()
    random_clip(tiny_config(**text)).save_pretrained(folder)
    tokenizer = CLIPTokenizer(
        vocab=words, merges=[("t", "h"), ("th", "e</w>"), ("r", "e"), ("re", "e</w>")], model_max_length=POSITIONS
    )
    pictures = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    CLIPProcessor(pictures, tokenizer).save_pretrained(folder)


@pytest.fixture
def clip_copy(tiny_clip: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny model that a test may spoil."""
    return Path(shutil.copytree(tiny_clip, tmp_path / "model"))


def edit_json(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file; a dotted key goes into a table, None removes it."""
    content = json.loads(path.read_text())
    for dotted, value in changes.items():
        *outer, last = dotted.split("__")
        place = content
        for key in outer:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(json.dumps(content))


def picture(size: tuple[int, int], *, seed: int = 0) -> bytes:
    """Return a PNG of smooth noise, so that every step of resizing shows."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(stream, "PNG")
    return stream.getvalue()


PICTURES = [picture(size, seed=number) for number, size in enumerate(SIZES)]


def peer_outputs(folder: Path, pictures: list[bytes], texts: list[str]) -> Any:
    """Return what transformers itself computes: processor, tokenizer and forward of its own."""
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    opened = [Image.open(io.BytesIO(view)) for view in pictures]
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(images=opened, return_tensors="pt")
    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        return model(**pixels, **tokens)


def configs(folder: Path) -> tuple[ClipImageTower, ClipTextTower]:
    """Return the settings of both towers of a folder."""
    return ClipImageTower(source=str(folder)), ClipTextTower(source=str(folder))


_OLD_KEYS: dict[str, Any] = {  # that every configuration of 2021 repeats
    **dict.fromkeys(("_name_or_path", "prefix", "bad_words_ids", "finetuning_task", "task_specific_params")),
    **{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "pruned_heads": {}},
    **{"is_decoder": False, "torchscript": False, "use_bfloat16": False, "output_attentions": False},
    **{"max_length": 20, "num_beams": 1, "top_k": 50, "length_penalty": 1.0, "dropout": 0.0, "torch_dtype": None},
    **{"add_cross_attention": False, "tie_word_embeddings": True, "transformers_version": "4.16.0.dev0"},
}


def to_old_layout(folder: Path) -> None:
    """Rewrite a folder as the models of 2021 lie on the hub: other files, `eos_token_id` 2, counters as weights."""
    words = vocabulary()
    merges = ["#version: 0.2", "t h", "th e</w>", "r e", "re e</w>", ""]
    (folder / "tokenizer.json").unlink()
    (folder / "processor_config.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(words, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(merges))
    marks = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    settings = {**marks, "model_max_length": POSITIONS, "do_lower_case": True, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    pictures = {
        "crop_size": SIDE,
        "size": SIDE,
        "resample": 3,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        **dict.fromkeys(("do_center_crop", "do_normalize", "do_resize"), True),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    edit_json(folder / "config.json", text_config__eos_token_id=2)
    content = json.loads((folder / "config.json").read_text())
    for name in ("text_config", "vision_config"):
        content[name].update(_OLD_KEYS)
    parts = {f"{name}_dict": content[name] for name in ("text_config", "vision_config")}
    (folder / "config.json").write_text(json.dumps({**content, **parts, "torch_dtype": "float16"}))
    weights = read_tensors(folder / "model.safetensors")
    counted = {"text_model": POSITIONS, "vision_model": 1 + (SIDE // 8) ** 2}
    for name, n in counted.items():
        weights[f"{name}.embeddings.position_ids"] = np.arange(n, dtype=np.int64)[None]
    write_tensors(folder / "model.safetensors", weights)
