"""Every training with settings that fit in seconds, and a tiny model and pairs of each modality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pair_cases import picture_pairs, tiny_dual
from threat_pairs import payload_pairs, sentence_pairs
from threatclip.defenses.trainings.roclip import RoClip
from threatclip.defenses.trainings.safeclip import SafeClip
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.dual import DualEncoder
from threatclip.pairs.pair import Modality, Pair
from threatclip.training.dual.settings import Augmentation, Fit

QUICK = Fit(epochs=3, batch_rows=16, precision="fp32")
MILD = Augmentation(crop=0.5, flip=0.5, token_dropout=0.1, feature_dropout=0.1)

TRAININGS_TRIED: dict[str, Any] = {
    "roclip": RoClip(break_epoch=2, augmentation=MILD),
    "roclip every epoch": RoClip(break_epoch=1, bank_share=1.0, augmentation=MILD),
    "safeclip": SafeClip(unimodal_epochs=1, slow_epochs=1, augmentation=MILD),
    "safeclip at once": SafeClip(unimodal_epochs=0, slow_epochs=0, clean=0.5, growth=0.2, augmentation=MILD),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Pairs of one modality and a fresh tiny model for them."""

    modality: Modality
    pairs: Callable[[], list[Pair]]
    dual: Callable[[], DualEncoder]


def _texts(pairs: list[Pair]) -> list[str]:
    return [pair.caption or "" for pair in pairs] + [pair.view.decode("latin-1") for pair in pairs]


_BYTES = ByteTower(dim=16, max_bytes=256, widths=(8, 12), kernels=(3, 5), dilations=(1,))
_WORDS = BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=16, dropout=0.0)

MATERIAL: dict[str, Material] = {
    "image": Material(
        modality="image",
        pairs=lambda: picture_pairs(40, captions=2),
        dual=lambda: tiny_dual([pair.caption or "" for pair in picture_pairs(40, captions=2)]),
    ),
    "payload": Material(
        modality="payload",
        pairs=lambda: payload_pairs(48),
        dual=lambda: tiny_dual(_texts(payload_pairs(48)), view=_BYTES),
    ),
    "text": Material(
        modality="text",
        pairs=lambda: sentence_pairs(48),
        dual=lambda: tiny_dual(_texts(sentence_pairs(48)), view=_WORDS),
    ),
}
