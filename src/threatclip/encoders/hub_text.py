"""Reading of a text encoder's folder in the hub's format: its transformer, its tokenizer, and how to use them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

from threatclip.artifacts import read_json
from threatclip.encoders.hub import (
    check_complete,
    check_weight_files,
    read_config,
    read_model,
    read_tokenizer,
    reading_hub,
    refuse_code,
)
from threatclip.errors import InputError

Pooling = Literal["mean", "cls", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a pretrained folder wants its texts read."""

    pooling: Pooling
    max_tokens: int
    max_tokens_possible: int  # positions that the transformer has
    pad_id: int
    lowercase: bool = False
    prompt: str = ""  # put before every text


def load_folder(folder: Path) -> tuple[nn.Module, Tokenizer, Reading]:
    """Return the fp32 transformer (without a pooler), its tokenizer, and how to use them.

    Raises:
        InputError: not a folder that can be read without code or pickles, or some weights are missing in it.
        DamagedArtifactError: weights that are not safetensors.
    """
    refuse_code(folder)
    check_weight_files(folder)
    parts = _parts(folder)
    with reading_hub(folder, "a transformer", want="use an encoder with a fast tokenizer"):
        config, tokenizer = read_config(folder), read_tokenizer(folder)
        model, report = read_model(AutoModel, folder, config)
        backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    if config.is_encoder_decoder:
        raise InputError(f"{folder} is an encoder-decoder ({config.model_type}); use an encoder such as BERT")
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    check_complete(folder, missing, report)
    return without_pooler(model), backend, _reading(folder, parts, config, tokenizer)


def without_pooler(model: nn.Module) -> nn.Module:
    """Drop the layer that classification heads use and towers do not: it would be a parameter without a gradient."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


def _parts(folder: Path) -> dict[str, Path]:
    """Return the sentence-transformers modules of a folder by kind; only kinds that a tower reproduces exactly."""
    path = folder / "modules.json"
    if not path.is_file():
        return {"Transformer": folder}
    parts: dict[str, Path] = {}
    for module in read_json(path):
        package, _, kind = str(module["type"]).rpartition(".")
        if not package.startswith("sentence_transformers") or kind not in {"Transformer", "Pooling", "Normalize"}:
            raise InputError(f"{path} asks for {module['type']!r}; Transformer, Pooling and Normalize are supported")
        parts[kind] = folder / str(module["path"])
    if parts.get("Transformer") != folder:
        raise InputError(f"{path} keeps its transformer in a subfolder; move those files beside modules.json")
    return parts


def _reading(folder: Path, parts: dict[str, Path], config: Any, tokenizer: Any) -> Reading:
    text = _optional_json(folder / "sentence_bert_config.json")
    prompts = _optional_json(folder / "config_sentence_transformers.json")
    default_prompt = prompts.get("default_prompt_name")
    # RoBERTa-like models number positions from behind the padding token
    possible = int(getattr(config, "max_position_embeddings", 0) or 0) or 10**6
    if config.model_type in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        possible -= int(config.pad_token_id) + 1
    limit = text.get("max_seq_length") or min(tokenizer.model_max_length, possible)
    if tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: the tokenizer has no padding token; use an encoder such as BERT")
    return Reading(
        pooling=_pooling(parts["Pooling"]) if "Pooling" in parts else "mean",
        max_tokens=min(int(limit), possible),
        max_tokens_possible=possible,
        pad_id=int(tokenizer.pad_token_id),
        lowercase=bool(text.get("do_lower_case", False)),
        prompt=str(prompts["prompts"][default_prompt]) if default_prompt else "",
    )


def _pooling(folder: Path) -> Pooling:
    config = read_json(folder / "config.json")
    modes = config.get("pooling_mode")
    if modes is None:
        old = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
        modes = [old.get(name, name) for name, on in config.items() if name.startswith("pooling_mode_") and on]
    names = [modes] if isinstance(modes, str) else list(modes)
    if len(names) != 1 or names[0] not in get_args(Pooling) or not config.get("include_prompt", True):
        raise InputError(f"{folder}/config.json pools by {names}; one of {', '.join(get_args(Pooling))} is supported")
    return cast(Pooling, names[0])


def _optional_json(path: Path) -> dict[str, Any]:
    content = read_json(path) if path.is_file() else {}
    return content if isinstance(content, dict) else {}
