"""Small suspect models of every modality, and trusted pairs that repairs can be tried on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pair_cases import picture_pairs
from threat_pairs import payload_pairs, sentence_pairs
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.unlearning.search import Effort
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import TowerConfig, build_tower
from threatclip.pairs.pair import Modality, Pair
from threatclip.training.dual.settings import Fit

FIT = Fit(epochs=1, batch_rows=16, learning_rate=1e-3, precision="fp32")
QUICK: dict[str, dict[str, Any]] = {"anchored_unlearning": {"search": Effort(steps=2, batch=16)}}
"""Parameters, by kind, of repairs whose own defaults take seconds even here."""
VIEW_TOWERS: dict[Modality, TowerConfig] = {
    "image": ResnetTower(side=16, width=4, stages=2, blocks=1, dim=16),
    "payload": ByteTower(dim=16, embedding=8, kernels=(3,), widths=(8, 8), max_bytes=256),
    "text": BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=16, dropout=0.0),
}


def trusted_pairs(modality: Modality) -> list[Pair]:
    """Return about 40 clean pairs."""
    match modality:
        case "image":
            return picture_pairs(36, captions=1)
        case "payload":
            return payload_pairs(36)
        case "text":
            return sentence_pairs(36)


def suspect(modality: Modality, *, seed: int = 0, trusted: Sequence[Pair] | None = None, **text: Any) -> Suspect:
    """Return a model with fresh weights, and what its owner trusts."""
    pairs = trusted_pairs(modality)
    words = [pair.caption or "" for pair in pairs]
    if modality == "text":
        words += [pair.view.decode() for pair in pairs]
    caption_tower = BpeTower(
        dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=16, **{"dropout": 0.0, **text}
    )
    dual = DualEncoder(
        view_tower=build_tower(VIEW_TOWERS[modality], seed=seed, texts=words),
        text_tower=build_tower(caption_tower, seed=seed + 1, texts=words),
    )
    return Suspect(dual=dual, modality=modality, prompts={}, trusted=pairs if trusted is None else trusted)
