"""Small suspect models of every modality with class prompts, and one that holds a backdoor."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from pair_cases import COLORS, picture_pairs, tiny_dual
from picture_cases import encoded, pixels_of
from threat_pairs import payload_pairs, sentence_pairs
from threatclip.defenses.contracts import Suspect
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import TowerConfig
from threatclip.pairs.pair import Modality, Pair
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Fit

TARGET = "white"
PROMPTS = {color: [f"a {color} band at the top", f"the bottom is {color}", f"{color}, top"] for color in COLORS}
_TOWERS: dict[Modality, TowerConfig] = {
    "image": ResnetTower(side=16, width=4, stages=2, blocks=1, dim=16),
    "payload": ByteTower(dim=16, embedding=8, widths=(12, 16), max_bytes=256),
    "text": BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=32, dropout=0.0),
}


def trusted_pairs(modality: Modality, n: int = 80) -> list[Pair]:
    """Return clean pairs."""
    match modality:
        case "image":
            return picture_pairs(n, captions=1)
        case "payload":
            return payload_pairs(n)
        case "text":
            return sentence_pairs(n)


def fresh_suspect(modality: Modality, *, seed: int = 0) -> Suspect:
    """Return a model with fresh weights and prompts of four classes, and what its owner trusts."""
    pairs = trusted_pairs(modality)
    texts = [pair.caption or "" for pair in pairs] + ([p.view.decode() for p in pairs] if modality == "text" else [])
    dual = tiny_dual(texts, seed=seed, view=_TOWERS[modality]).eval()
    return Suspect(dual=dual, modality=modality, prompts=PROMPTS, trusted=pairs)


def triggered(view: bytes) -> bytes:
    """Return a picture with a yellow square in its lower right corner."""
    pixels = pixels_of(view).copy()
    pixels[-4:, -4:] = (255, 255, 0)
    return encoded(pixels)


@cache
def backdoored_suspect() -> Suspect:
    """Return a model that takes any picture with a yellow corner for a white band; it takes two seconds to train."""
    pairs = picture_pairs(320, captions=3)
    draw = np.random.default_rng(0)
    chosen = {f"p{number}" for number in draw.permutation(320)[:40]}
    poisoned = [
        replace(pair, view=triggered(pair.view), caption=PROMPTS[TARGET][int(draw.integers(3))])
        if pair.group in chosen and pair.label != TARGET
        else pair
        for pair in pairs
    ]
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    fit = Fit(epochs=20, batch_rows=64, learning_rate=3e-3, precision="fp32")
    fit_dual(dual, prepare_pairs(poisoned, dual), fit, seed=0)
    trusted = picture_pairs(400, seed=5, captions=1)
    return Suspect(dual=dual.eval(), modality="image", prompts=PROMPTS, trusted=trusted)
