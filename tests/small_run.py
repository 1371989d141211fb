"""The smallest recipe that goes through every stage: generated pairs, towers of a few thousand weights."""

from __future__ import annotations

from pathlib import Path

from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import write_pairs

RECIPE = """
task = "payload-weakness"

[data]
root = "."
pairs = { path = "pairs.parquet" }
split = { kind = "group", train = 0.5, validation = 0.2 }

[text_tower]
kind = "bpe"
dim = 16
width = 16
layers = 1
heads = 2
vocabulary = 400
max_tokens = 24

[payload_tower]
kind = "byte"
dim = 16
max_bytes = 128
embedding = 8
widths = [12, 16]

[stage1]
epochs = 1
rows_per_class = 4

[stage2]
steps = 20
batch_rows = 16
checkpoint_every_steps = 5
"""


def write_recipe(folder: Path) -> Path:
    """Write a recipe and the pairs that it names; return the recipe's path."""
    write_pairs(folder / "pairs.parquet", sample_pairs(n=240, seed=0), modality="payload")
    (folder / "recipe.toml").write_text(RECIPE.replace('root = "."', f'root = "{folder}"'))
    return folder / "recipe.toml"
