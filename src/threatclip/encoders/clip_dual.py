"""Both towers of one CLIP model, with its own temperature: where continued training starts."""

from __future__ import annotations

import torch

from threatclip.encoders.clip import ClipImageTower, ClipTextTower, clip_image_network, clip_text_network
from threatclip.encoders.clip_folder import load_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.hub import resolve_source


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
        source: a folder in transformers' format, or a hub id.
        revision: the hub commit, 40 hex digits; required for a hub id.
        n_trainable_view_layers: of the image tower, counted from the last, with its projection; None trains all of it.
        n_trainable_text_layers: likewise of the text tower.
        max_tokens: of a text, marks included; None keeps the folder's own limit.
        learn_temperature: whether the scale is trained further.

    Raises:
        InputError: see `load_clip`.
        DamagedArtifactError: see `load_clip`.
    """
    parts = load_clip(resolve_source(source, revision))
    view = ClipImageTower(source=source, revision=revision, n_trainable_layers=n_trainable_view_layers)
    text = ClipTextTower(
        source=source, revision=revision, n_trainable_layers=n_trainable_text_layers, max_tokens=max_tokens
    )
    dual = DualEncoder(
        view_tower=clip_image_network(view, parts),
        text_tower=clip_text_network(text, parts),
        learn_temperature=learn_temperature,
    )
    with torch.no_grad():
        dual.log_scale.copy_(parts.model.logit_scale)
    return dual.eval()
