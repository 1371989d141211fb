"""Tiny towers of every kind, and a tiny random BERT saved in the hub's own format."""

from __future__ import annotations

import json
import shutil
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.clip import ClipTextTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import Tower, TowerConfig, build_tower

TEXTS = [
    "A path traversal in the export page lets a remote user read any file.",
    "The login form builds its query by hand; a quote ends the string.",
    "An upload of a script is stored below the web root and can be called.",
    "Markup in the comment field runs in the browser of whoever reads it.",
    "short",
    "",
]
VIEWS = [text.encode() for text in TEXTS]
CONFIGS: dict[str, TowerConfig] = {
    "byte": ByteTower(dim=24, max_bytes=96, embedding=8, widths=(12, 16, 20)),
    "byte-attention": ByteTower(
        dim=24, embedding=8, widths=(12, 16), transformer_layers=1, pooling="attention", dilations=(1, 2)
    ),
    "byte-one-stage": ByteTower(
        dim=24, embedding=8, kernels=(5,), stem_stride=1, widths=(16,), pooling="mean", pool_stem=False
    ),
    "bpe": BpeTower(dim=24, vocabulary=300, max_tokens=24, width=16, layers=2, heads=2),
    "pretrained": PretrainedTower(source="TINY"),
    "pretrained-linear": PretrainedTower(source="TINY", dim=24, projection="linear", max_tokens=20),
    "pretrained-mlp": PretrainedTower(source="TINY", projection="mlp", n_trainable_layers=1),
    "clip-text": ClipTextTower(source="TINY"),
    "clip-text-layers": ClipTextTower(source="TINY", n_trainable_layers=1, max_tokens=12),
}


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a random three-layer BERT of width 32 that a sentence-transformer reads (mean pooling)."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    (folder / "1_Pooling").mkdir(parents=True)
    letters = string.ascii_lowercase + string.digits
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*marks, *letters, *string.punctuation, *(f"##{letter}" for letter in letters), "the", "path", "##ing"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=48).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=64,
        )
        BertModel(shape).save_pretrained(folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "2_Normalize").mkdir()
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 40, "do_lower_case": False}))
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False})
    )
    return folder


@pytest.fixture
def tiny_copy(tiny_bert: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny model that a test may spoil."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


Make = Callable[..., Tower]


@pytest.fixture
def make_tower(tiny_bert: Path, tiny_clip: Path) -> Make:
    """Return a function from a name of CONFIGS to a fresh tower in evaluation mode."""

    def make(name: str, *, seed: int = 0) -> Tower:
        config = CONFIGS[name]
        if isinstance(config, PretrainedTower):
            config = replace(config, source=str(tiny_bert))
        if isinstance(config, ClipTextTower):
            config = replace(config, source=str(tiny_clip))
        return build_tower(config, seed=seed, texts=TEXTS).eval()

    return make
