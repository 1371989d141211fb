"""Both towers of one CLIP model, with its own temperature: where continued training starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from threatclip.artifacts import read_json
from threatclip.encoders.clip import ClipImageTower, ClipTextTower, clip_image_network, clip_text_network
from threatclip.encoders.clip_folder import load_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.hub import resolve_source
from threatclip.encoders.open_clip import (
    OpenClipImageTower,
    OpenClipTextTower,
    open_clip_image_network,
    open_clip_text_network,
)
from threatclip.encoders.open_clip_folder import CONFIG, load_open_clip
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError


def dual_from_clip(
    source: str,
    *,
    revision: str | None = None,
    n_trainable_view_layers: int | None = None,
    n_trainable_text_layers: int | None = None,
    max_tokens: int | None = None,
    learn_temperature: bool = True,
) -> DualEncoder:
    """Return a CLIP model as a dual encoder in evaluation mode: its towers, and the scale that its weights hold.

    Args:
        source: a folder in transformers' format, or in open_clip's where it has no other; or a hub id.
        revision: the hub commit, 40 hex digits; required for a hub id.
        n_trainable_view_layers: of the image tower, from the last; 0: the projection alone; None: all of it.
        n_trainable_text_layers: likewise of the text tower.
        max_tokens: of a text, marks included; None keeps the folder's own limit.
        learn_temperature: whether the scale is trained further.

    Raises:
        InputError: see `load_clip` and `load_open_clip`.
        DamagedArtifactError: see `load_clip` and `load_open_clip`.
    """
    folder = resolve_source(source, revision)
    view: dict[str, Any] = {"source": source, "revision": revision, "n_trainable_layers": n_trainable_view_layers}
    text: dict[str, Any] = {"source": source, "revision": revision, "n_trainable_layers": n_trainable_text_layers}
    if not _is_open_clip(folder):
        parts = load_clip(folder)
        towers: tuple[Tower, Tower] = (
            clip_image_network(ClipImageTower(**view), parts),
            clip_text_network(ClipTextTower(**text, max_tokens=max_tokens), parts),
        )
        return _dual(*towers, log_scale=float(parts.model.logit_scale.detach()), learn_temperature=learn_temperature)
    if max_tokens is not None:
        raise InputError(f"{source} is an open_clip model, whose texts have one length; leave max_tokens out")
    other = load_open_clip(folder)
    towers = (
        open_clip_image_network(OpenClipImageTower(**view), other),
        open_clip_text_network(OpenClipTextTower(**text), other),
    )
    return _dual(*towers, log_scale=other.log_scale, learn_temperature=learn_temperature)


def _is_open_clip(folder: Path) -> bool:
    if not (folder / CONFIG).is_file():
        return False
    content = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
    return not isinstance(content, dict) or content.get("model_type") != "clip"


def _dual(view: Tower, text: Tower, *, log_scale: float, learn_temperature: bool) -> DualEncoder:
    dual = DualEncoder(view_tower=view, text_tower=text, learn_temperature=learn_temperature)
    with torch.no_grad():
        dual.log_scale.fill_(log_scale)
    return dual.eval()
