"""The smallest recipe that goes through every stage: generated pairs, towers of a few thousand weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from threatclip.experiments.config import load_recipe
from threatclip.experiments.progress import ignore
from threatclip.experiments.run import train_run
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import write_pairs

RECIPE = """
task = "payload-weakness"

[data]
root = "."
pairs = { path = "PAIRS" }
split = { kind = "temporal", train_until = 2018, validation_until = 2021 }

[[data.extra]]
name = "generated"
n = 60
benign_fraction = 0.2

[text_tower]
kind = "bpe"
dim = 24
width = 16
layers = 1
heads = 2
vocabulary = 400
max_tokens = 24

[payload_tower]
kind = "byte"
dim = 24
max_bytes = 256
embedding = 8
widths = [12, 16]

[stage1]
epochs = 1
rows_per_class = 4

[stage2]
steps = 15
batch_rows = 16
checkpoint_every_steps = 5
"""
STEPS = 15
# without dropout, which draws anew for every share of a batch; and one fit only, for speed
PLAIN = ("payload_tower.dropout=0", "text_tower.dropout=0", "answer.refit=false")


@dataclass(frozen=True, kw_only=True)
class TinyRun:
    """A finished run: its recipe's file, its folder, and what `train_run` told."""

    recipe: Path
    folder: Path
    summary: dict[str, Any]

    @property
    def bundle(self) -> Path:
        """The bundle's folder."""
        return self.folder / "bundle"


def write_recipe(folder: Path) -> Path:
    """Write a recipe and the pairs that it names; return the recipe's path."""
    write_pairs(folder / "pairs.parquet", sample_pairs(n=240, seed=0), modality="payload")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.replace("PAIRS", str(folder / "pairs.parquet")))
    return recipe


def train_tiny(recipe: Path, out: Path, *overrides: str, resume: bool = False) -> TinyRun:
    """Train as the recipe says, on one thread: more of them add up numbers in another order."""
    with one_thread():
        summary = train_run(load_recipe(recipe, overrides), out, resume=resume, on_progress=ignore)
    return TinyRun(recipe=recipe, folder=out, summary=summary)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder by its name there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def save_tiny_bert(folder: Path) -> Path:
    """Save a random two-layer BERT of width 24 that reads letters, in the hub's own format."""
    folder.mkdir(parents=True)
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=32).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
        BertModel(shape).save_pretrained(folder)
    return folder
