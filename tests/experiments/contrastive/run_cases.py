"""The smallest contrastive recipe that goes through two stages, on a table of generated pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiment_cases import one_thread

from pair_cases import picture_pairs
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.contrastive.recipe import Contrastive
from threatclip.experiments.contrastive.train import train_contrastive
from threatclip.experiments.progress import ignore
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

RECIPE = """
task = "contrastive"
matching_pool = 5

[view_tower]
kind = "resnet"
side = 16
width = 8
stages = 2
blocks = 1
dim = 16

[text_tower]
kind = "bpe"
dim = 16
width = 16
layers = 1
heads = 2
vocabulary = 300
max_tokens = 16

[prompts]
red = ["a red band", "it is red"]
green = ["a green band"]
blue = ["a blue band"]
white = ["a white band"]

[[stages]]
name = "general"
tables = [{ file = { path = "general.parquet" } }]
[stages.fit]
epochs = 2
batch_rows = 16
precision = "fp32"
checkpoint_every_steps = 2
augmentation = { crop = 0.7, flip = 0.5 }

[[stages]]
name = "posts"
tables = [{ file = { path = "posts.parquet" } }]
interpolate = 0.75
[stages.fit]
epochs = 2
batch_rows = 8
learning_rate = 1e-4
precision = "fp32"
"""


def split_rows(pairs: Sequence[Pair], prefix: str) -> list[Pair]:
    """Return pairs with a split by picture, 60 / 20 / 20, under names of their own."""
    splits = ("train", "train", "train", "validation", "test")
    return [
        replace(
            pair,
            id=f"{prefix}{pair.id}",
            group=f"{prefix}{pair.group}",
            split=splits[int((pair.group or "p0")[1:]) % 5],
        )
        for pair in pairs
    ]


def write_tables(folder: Path) -> Path:
    """Write both tables and the recipe; return the recipe's path."""
    write_pairs(folder / "general.parquet", split_rows(picture_pairs(60, seed=0), "g"), modality="image")
    write_pairs(folder / "posts.parquet", split_rows(picture_pairs(40, seed=1, captions=1), "p"), modality="image")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)
    return recipe


def load(recipe: Path, *overrides: str) -> Contrastive:
    """Read the recipe, its data beside it."""
    values = read_recipe(recipe, (f"data.root={str(recipe.parent)!r}", *overrides))
    return parse(Contrastive, values, where=str(recipe))


def train_small(recipe: Path, out: Path, *overrides: str, resume: bool = False) -> dict[str, Any]:
    """Train as the recipe says."""
    with one_thread():
        return train_contrastive(load(recipe, *overrides), out, resume=resume, on_progress=ignore)
