"""What all repairs share: what they refuse, the trusted pairs as arrays, and a copy that never learns."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from torch import nn

from threatclip.defenses.contracts import Suspect
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import Tower, view_modality
from threatclip.errors import InputError
from threatclip.training.dual.prepared import PreparedPairs, prepare_pairs, whole
from threatclip.training.dual.settings import Fit


def prepared_trusted(repair: Any, suspect: Suspect, fit: Fit) -> PreparedPairs:
    """Return the trusted pairs as the towers of a suspect model read them.

    Args:
        repair: says by `kind` and `modalities` what it can repair.
        suspect: what is repaired.
        fit: its batches must be filled.

    Raises:
        InputError: views of another modality, or too few trusted pairs with both halves.
        ImageFaultError: a picture cannot be read safely.
    """
    if suspect.modality not in repair.modalities:
        raise InputError(
            f"{repair.kind} repairs models of {', '.join(repair.modalities)} views, this one reads {suspect.modality} "
            "views; choose another repair"
        )
    if (view_modality(suspect.dual.view_tower) == "image") != (suspect.modality == "image"):
        kind = suspect.dual.view_tower.config.kind
        raise InputError(f"a {kind} view tower does not read {suspect.modality} views; name the modality it was of")
    usable = len(whole(suspect.trusted))
    if usable < fit.batch_rows:
        raise InputError(
            f"{usable} trusted pairs with a view and a caption, batches of {fit.batch_rows}; trust more pairs, or "
            "lower batch_rows"
        )
    return prepare_pairs(suspect.trusted, suspect.dual, freeze=fit.freeze)


def frozen_copy(dual: DualEncoder) -> DualEncoder:
    """Return a copy in evaluation mode of which nothing learns."""
    # tokenizers are read only, and some cannot be copied
    kept = [getattr(tower, "_tokenizer", None) for tower in (dual.view_tower, dual.text_tower)]
    twin = copy.deepcopy(dual, {id(tokenizer): tokenizer for tokenizer in kept if tokenizer is not None})
    return twin.eval().requires_grad_(False)


@contextlib.contextmanager
def without_running_statistics(tower: Tower) -> Iterator[None]:
    """Let batch norms see a batch without remembering it: what is judged later is plain views, not second looks."""
    norms = [layer for layer in tower.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    tracking = [layer.track_running_stats for layer in norms]
    for layer in norms:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer, tracks in zip(norms, tracking, strict=True):
            layer.track_running_stats = tracks
