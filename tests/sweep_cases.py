"""A sweep small enough for a test: pictures of four generated classes, towers of a few thousand weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from threatclip.artifacts import read_json, write_json
from threatclip.experiments.cells import Cell, Work, is_finished
from threatclip.experiments.progress import OnProgress
from threatclip.pairs.image_samples import sample_pictures
from threatclip.pairs.table import write_pairs

CLASSES = ("red-star", "blue-circle", "green-square", "yellow-ring")
TINY = """
task = "attack-sweep"
title = "Four shapes"
prompts = "captions"

[rows]
file = { path = "pictures.parquet" }
root = "ROOT"
pool = 96
test = 24

[victim]
view_tower = { kind = "resnet", side = 16, width = 4, stages = 2, blocks = 1, dim = 16 }
fit = { epochs = 1, batch_rows = 16, precision = "fp32" }

[victim.text_tower]
kind = "bpe"
vocabulary = 300
max_tokens = 16
width = 16
layers = 1
heads = 2
dim = 16
dropout = 0.0

[continued]
epochs = 1
batch_rows = 16
precision = "fp32"

[[lines]]
name = "clean"

[[lines]]
name = "patch"
attack = { kind = "badnets", target = "red-star", pattern = "binary", place = "corner" }
counts = [8]

[[lines]]
name = "queries"
attack = { kind = "single_label", queries = "blue-circle", target = "green-square" }
counts = [8]
trains = "text"
"""


def run_here(cells: Sequence[Cell], work: Work, *, jobs: int, on_progress: OnProgress) -> list[dict[str, Any]]:
    """Run cells as `run_cells` does, but in this process: no worker has to import torch first."""
    del jobs, on_progress
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for cell in cells:
            if not is_finished(cell):
                write_json(cell.file(".json"), {**work(cell), "seconds": 0.0, "peak_mib": 0.0, "key": cell.key})
    finally:
        torch.set_num_threads(before)
    return [read_json(cell.file(".json")) for cell in cells]


def write_sweep(folder: Path, *, text: str = TINY) -> Path:
    """Write 160 pictures, a fifth of them test, and the recipe of the sweep; return the recipe."""
    pictures = sample_pictures(160, seed=1, side=16, classes=CLASSES)
    split = [replace(pair, split="test" if place % 5 == 0 else "train") for place, pair in enumerate(pictures)]
    write_pairs(folder / "pictures.parquet", split, modality="image")
    recipe = folder / "sweep.toml"
    recipe.write_text(text.replace("ROOT", str(folder)))
    return recipe
