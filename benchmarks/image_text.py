# ruff: noqa: E402  (libraries read the thread counts when they are imported)
"""Training throughput of image-text models against a plain loop: same model, same pairs, one thread, one run.

    python benchmarks/image_text.py [--pairs 512] [--batch 64] [--rounds 3] [--epochs 10] [--json]

`clip`: a small CLIP as transformers builds it. The plain loop is transformers' own: CLIPProcessor on every batch of
pictures and texts, CLIPModel with its loss, AdamW. `resnet`: our residual tower and BPE tower, with random crops and
flips. The plain loop opens, crops, resizes and flips picture by picture with Pillow and trains the same modules.

Both loops read the same JPEG files (made here, 192 pixels) and see the same rows in the same batches. Ours decodes and
tokenizes them first: that time is added, shared over `--epochs`. They take turns, the best round of each counts, and
time is CPU time of the process, since a shared machine makes wall time mean little.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

for _name, _value in {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}.items():
    os.environ[_name] = _value
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPProcessor, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.utils import logging as transformers_logging

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import build_tower
from threatclip.losses.clip import symmetric_infonce
from threatclip.pairs.image_samples import sample_pictures
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng
from threatclip.training.dual.batches import PairBatches
from threatclip.training.dual.fit import fit_steps
from threatclip.training.dual.prepared import PreparedPairs, prepare_pairs
from threatclip.training.dual.settings import Augmentation, Fit

SIDE, SOURCE_SIDE = 64, 192
RATE = 1e-4
LOOKS = Augmentation(crop=0.6, flip=0.5)
START, END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One model under both loops: `fresh` makes it, `plain` trains it as most would, one call a batch of pairs."""

    fresh: Callable[[], DualEncoder]
    plain: Callable[[], Callable[[Sequence[Pair]], float]]
    augmentation: Augmentation


def main() -> None:
    """Run every case and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers_logging.disable_progress_bar()
    pairs = jpeg_pairs(options.pairs)
    with tempfile.TemporaryDirectory() as folder:
        save_small_clip(Path(folder), pairs)
        cases = {"clip": clip_case(Path(folder)), "resnet": resnet_case(pairs)}
        result = {
            name: compare(case, pairs, batch=options.batch, rounds=options.rounds, epochs=options.epochs)
            for name, case in cases.items()
        }
    print(json.dumps(result) if options.json else table(result))


def compare(case: Case, pairs: Sequence[Pair], *, batch: int, rounds: int, epochs: int) -> dict[str, float]:
    """Return pairs per CPU second of both loops, their ratio, and how far the losses of the first batch agree."""
    fit = Fit(
        epochs=1,
        batch_rows=batch,
        learning_rate=RATE,
        warmup_fraction=0.0,
        clip_norm=None,
        augmentation=case.augmentation,
    )
    best: dict[str, float] = {}
    first: dict[str, float] = {}
    for _ in range(rounds):
        dual = case.fresh()
        began = time.process_time()
        prepared = prepare_pairs(pairs, dual)
        prepare_s = time.process_time() - began
        began = time.process_time()
        losses = [step.losses["loss"] for step in fit_steps(dual, prepared, fit, seed=0)]
        _keep(best, "threatclip", time.process_time() - began + prepare_s / epochs)
        _keep(best, "prepare", prepare_s)
        rows = batches_of(prepared, dual, fit, pairs)
        step = case.plain()
        began = time.process_time()
        plain = [step(some) for some in rows]
        _keep(best, "plain", time.process_time() - began)
        first = {"threatclip": losses[0], "plain": plain[0]}
    n = sum(len(some) for some in rows)
    return {
        "pairs": n,
        "pairs_per_cpu_s": n / best["threatclip"],
        "plain_pairs_per_cpu_s": n / best["plain"],
        "ratio": best["plain"] / best["threatclip"],
        "prepare_cpu_ms_per_pair": 1000 * best["prepare"] / len(pairs),
        "first_loss": first["threatclip"],
        "plain_first_loss": first["plain"],
    }


def _keep(best: dict[str, float], name: str, seconds: float) -> None:
    best[name] = min(best.get(name, math.inf), seconds)


def batches_of(prepared: PreparedPairs, dual: DualEncoder, fit: Fit, pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return the pairs of every batch that our loop saw."""
    batches = PairBatches(pairs=prepared, dual=dual, settings=fit, seed=0)
    return [[pairs[row] for row in batches.indices(0, step).tolist()] for step in range(batches.steps_per_epoch)]


def clip_case(folder: Path) -> Case:
    """Return the case of a CLIP folder."""

    def plain() -> Callable[[Sequence[Pair]], float]:
        model = CLIPModel.from_pretrained(folder, dtype=torch.float32).train()
        processor = CLIPProcessor.from_pretrained(folder, backend="pil")
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)

        def step(pairs: Sequence[Pair]) -> float:
            pictures = [Image.open(io.BytesIO(pair.view)).convert("RGB") for pair in pairs]
            texts = [pair.caption or "" for pair in pairs]
            inputs = processor(text=texts, images=pictures, return_tensors="pt", padding=True, truncation=True)
            loss = model(**inputs, return_loss=True).loss
            return _update(loss, optimizer)

        return step

    return Case(fresh=lambda: dual_from_clip(str(folder)), plain=plain, augmentation=Augmentation())


def resnet_case(pairs: Sequence[Pair]) -> Case:
    """Return the case of towers from scratch."""
    texts = [pair.caption or "" for pair in pairs]

    def fresh() -> DualEncoder:
        words = BpeTower(dim=256, vocabulary=1000, max_tokens=32, width=128, layers=3)
        return DualEncoder(
            view_tower=build_tower(ResnetTower(side=SIDE, dim=256), seed=0),
            text_tower=build_tower(words, seed=0, texts=texts),
        )

    def plain() -> Callable[[Sequence[Pair]], float]:
        dual = fresh().train()
        optimizer = torch.optim.AdamW(dual.parameters(), lr=RATE)
        draw = rng(0, "benchmark/crops")

        def step(pairs: Sequence[Pair]) -> float:
            pixels = torch.stack([cropped(Image.open(io.BytesIO(pair.view)).convert("RGB"), draw) for pair in pairs])
            words = dual.text_tower.collate([(pair.caption or "").encode() for pair in pairs])
            views, captions = dual.view_tower(pixels=pixels), dual.text_tower(**words)
            return _update(symmetric_infonce(views, captions, temperature=dual.temperature), optimizer)

        return step

    return Case(fresh=fresh, plain=plain, augmentation=LOOKS)


def _update(loss: Tensor, optimizer: torch.optim.Optimizer) -> float:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def cropped(picture: Image.Image, draw: np.random.Generator) -> Tensor:
    """Return a random resized crop, mirrored half of the time, floats in [0, 1]."""
    width, height = picture.size
    area, aspect = draw.uniform(LOOKS.crop, 1) * width * height, math.exp(draw.uniform(-1, 1) * math.log(LOOKS.aspect))
    w, h = min(width, int(math.sqrt(area * aspect))), min(height, int(math.sqrt(area / aspect)))
    x, y = int(draw.integers(width - w + 1)), int(draw.integers(height - h + 1))
    picture = picture.crop((x, y, x + w, y + h)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    if draw.random() < LOOKS.flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def jpeg_pairs(n: int) -> list[Pair]:
    """Return generated pictures as JPEG files with their captions."""
    pairs = []
    for pair in sample_pictures(n, seed=0, side=SOURCE_SIDE):
        stream = io.BytesIO()
        Image.open(io.BytesIO(pair.view)).save(stream, "JPEG", quality=90)
        pairs.append(replace(pair, view=stream.getvalue()))
    return pairs


def save_small_clip(folder: Path, pairs: Sequence[Pair]) -> None:
    """Write a CLIP of 4 million random weights in transformers' format, its vocabulary made from the captions."""
    vocabulary, merges = clip_words([pair.caption or "" for pair in pairs])
    ids = {"vocab_size": len(vocabulary), "bos_token_id": vocabulary[START], "eos_token_id": vocabulary[END]}
    config = CLIPConfig(
        text_config={**_part(128, layers=3, heads=2), **ids, "max_position_embeddings": 32},
        vision_config={**_part(192, layers=6, heads=3), "image_size": SIDE, "patch_size": 8},
        projection_dim=256,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    words = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=32)
    CLIPProcessor(pictures, words).save_pretrained(folder)


def _part(width: int, *, layers: int, heads: int) -> dict[str, Any]:
    sizes = {"hidden_size": width, "intermediate_size": 4 * width}
    return {**sizes, "num_hidden_layers": layers, "num_attention_heads": heads}


def clip_words(texts: Sequence[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return a byte-level vocabulary with CLIP's word ends, its marks last, and the merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=1200, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    tokenizer.train_from_iterator((text.lower() for text in texts), trainer=trainer)
    merges = [tuple(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]
    pieces = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(merge) for merge in merges), START, END]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}, merges


def table(result: dict[str, dict[str, float]]) -> str:
    """Return the figures as lines of text."""
    lines = []
    for name, values in result.items():
        lines.append(f"{name}:")
        lines += [f"{key:>26}: {value:,.3f}" for key, value in values.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
