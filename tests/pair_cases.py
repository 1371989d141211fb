"""Tiny pictures and words that belong together, and a dual encoder of a few thousand weights for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import TowerConfig, build_tower
from threatclip.pairs.images import encode_png
from threatclip.pairs.pair import Pair
from threatclip.training.dual.prepared import PreparedPairs, prepare_pairs

COLORS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "white": (240, 240, 240)}
PLACES = {"top": 0, "bottom": 8}
SIDE = 16


def picture_pairs(n: int, *, seed: int = 0, captions: int = 2) -> list[Pair]:
    """Return n pictures of a colored band on noise, each with a few captions that name color and place."""
    draw = np.random.default_rng(seed)
    pairs = []
    for number in range(n):
        color, place = draw.choice(list(COLORS)), draw.choice(list(PLACES))
        pixels = draw.integers(0, 90, size=(SIDE, SIDE, 3)).astype(np.uint8)
        pixels[PLACES[place] : PLACES[place] + 8] = COLORS[color]
        view = encode_png(pixels)
        wordings = (f"a {color} band at the {place}", f"the {place} is {color}", f"{color}, {place}")
        pairs += [
            Pair(id=f"{number}#{i}", view=view, caption=wordings[i], label=str(color), group=f"p{number}")
            for i in range(captions)
        ]
    return pairs


def tiny_dual(texts: list[str], *, seed: int = 0, view: TowerConfig | None = None, **text: Any) -> DualEncoder:
    """Return a dual encoder with fresh weights."""
    tower = view or ResnetTower(side=SIDE, width=8, stages=2, blocks=1, dim=16)
    words = BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=16, **{"dropout": 0.0, **text})
    return DualEncoder(
        view_tower=build_tower(tower, seed=seed, texts=texts), text_tower=build_tower(words, seed=seed, texts=texts)
    )


def tiny_case(n: int = 64, *, seed: int = 0, **text: Any) -> tuple[DualEncoder, PreparedPairs]:
    """Return a fresh dual encoder and pairs prepared for it."""
    pairs = picture_pairs(n, seed=seed)
    dual = tiny_dual([pair.caption or "" for pair in pairs], seed=seed, **text)
    return dual, prepare_pairs(pairs, dual)
