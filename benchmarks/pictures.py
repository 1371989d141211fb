# ruff: noqa: E402  (libraries read the thread counts when they are imported)
"""Speed of reading pictures and of contrastive training, against plain loops with transformers on the same models.

    python benchmarks/pictures.py [--pictures 192] [--epochs 2] [--rounds 2] [--mobilenet FOLDER] [--json]

Pictures are JPEG files of 160 pixels, made here; models have random weights unless FOLDER is given (a MobileNetV2 in
the hub's format): weights do not change the time. The peer does what the libraries' own examples do: open each picture
with Pillow, run the processor and the tokenizer, the model, the symmetric loss, AdamW; every epoch anew. Its
BatchNorms are in evaluation mode, as ours: it computes the same. It also gets bf16 autocast as a row of its own. Both
sides take turns on one thread, the best round counts, time is CPU time of the process and decoding counts.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _name, _value in {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}.items():
    os.environ[_name] = _value
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    BertTokenizerFast,
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    MobileNetV2Config,
    MobileNetV2Model,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import build_tower
from threatclip.pairs.image_samples import sample_pictures
from threatclip.pairs.images import decode_image
from threatclip.pairs.pair import Pair
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Fit

CLIP_SIDE, MOBILE_SIDE = 64, 128
BATCH_ROWS, LEARNING_RATE, DIM = 32, 1e-4, 128
TEXT = {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 512}
Vectors = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A model of transformers, and how its own tools feed it."""

    model: nn.Module
    feed: Callable[[list[Pair]], dict[str, Any]]
    vectors: Callable[[dict[str, Any]], Vectors]
    scale: nn.Parameter

    def fit(self, pairs: list[Pair], *, epochs: int, bf16: bool) -> None:
        """Train as the examples do."""
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE)
        for _ in range(epochs):
            for start in range(0, len(pairs) - BATCH_ROWS + 1, BATCH_ROWS):
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    view, caption = self.vectors(self.feed(pairs[start : start + BATCH_ROWS]))
                    logits = self.scale.exp() * view @ caption.T
                    right = torch.arange(len(logits))
                    loss = (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()


def main() -> None:
    """Time everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--mobilenet", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    pairs = jpeg_pairs(options.pictures)
    with tempfile.TemporaryDirectory() as name:
        clip, mobile, bert = write_models(Path(name), pairs, options.mobilenet)
        result = {
            "pictures": len(pairs),
            "reading": reading(mobile, pairs, options.rounds),
            "training": {
                "CLIP (ViT, 64 px)": training(
                    pairs, lambda: clip_peer(clip), lambda: dual_from_clip(str(clip)), options.epochs, options.rounds
                ),
                "MobileNetV2 + BERT (128 px)": training(
                    pairs,
                    lambda: mobile_peer(mobile, bert),
                    lambda: mobile_dual(mobile, bert),
                    options.epochs,
                    options.rounds,
                ),
            },
        }
    print(json.dumps(result) if options.json else table(result))


def reading(folder: Path, pairs: list[Pair], rounds: int) -> dict[str, Any]:
    """Return pictures per CPU second of the features of a frozen MobileNetV2, and how far both agree."""
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor = mobile_processor(folder)
    tower = build_tower(PretrainedImageTower(source=str(folder), side=MOBILE_SIDE), seed=0)
    encoder = prepare_encoder(tower, precision="fp32")
    views = [pair.view for pair in pairs]

    def peer() -> np.ndarray:
        parts = []
        with torch.inference_mode():
            for start in range(0, len(views), BATCH_ROWS):
                pictures = [Image.open(io.BytesIO(view)) for view in views[start : start + BATCH_ROWS]]
                parts.append(model(**processor(images=pictures, return_tensors="pt")).pooler_output)
        return torch.cat(parts).numpy()

    found: dict[str, np.ndarray] = {}
    best = fastest({"transformers": peer, "threatclip": lambda: encoder(views, output="features")}, rounds, found)
    one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in found.values())
    return {**rates(best, len(views)), "least_cosine": float((one * other).sum(axis=1).min())}


def training(
    pairs: list[Pair],
    make_peer: Callable[[], Peer],
    make_dual: Callable[[], DualEncoder],
    epochs: int,
    rounds: int,
) -> dict[str, Any]:
    """Return pictures per CPU second of whole fits, decoding and all, and how far the untrained models agree."""
    settings = Fit(epochs=epochs, batch_rows=BATCH_ROWS, learning_rate=LEARNING_RATE)

    def ours() -> None:
        dual = make_dual()
        fit_dual(dual, prepare_pairs(pairs, dual), settings, seed=0)

    runs: dict[str, Callable[[], Any]] = {
        "transformers": lambda: make_peer().fit(pairs, epochs=epochs, bf16=False),
        "transformers, bf16": lambda: make_peer().fit(pairs, epochs=epochs, bf16=True),
        "threatclip": ours,
    }
    best = fastest(runs, rounds, {})
    return {**rates(best, epochs * len(pairs)), "least_cosine": agreement(pairs[:8], make_peer(), make_dual())}


def agreement(pairs: list[Pair], peer: Peer, dual: DualEncoder) -> float:
    """Return the least cosine between the two sides' vectors of the same rows before training."""
    peer.model.eval()
    dual.eval()
    with torch.inference_mode():
        expected = peer.vectors(peer.feed(pairs))
        view = dual.view_tower(**dual.view_tower.collate([pair.view for pair in pairs]))
        caption = dual.text_tower(**dual.text_tower.collate([str(pair.caption).encode() for pair in pairs]))
    return min(float((one * other).sum(dim=1).min()) for one, other in zip(expected, (view, caption), strict=True))


def fastest(runs: dict[str, Callable[[], Any]], rounds: int, found: dict[str, Any]) -> dict[str, float]:
    """Return the CPU seconds of each run's best round; the runs take turns."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            found[name] = run()
            best[name] = min(best.get(name, float("inf")), time.process_time() - started)
    return best


def rates(best: dict[str, float], n: int) -> dict[str, Any]:
    """Return rows per CPU second, and ratios to the plain loop."""
    return {
        "per_cpu_s": {name: n / seconds for name, seconds in best.items()},
        "ratio": {name: best["transformers"] / seconds for name, seconds in best.items()},
    }


def clip_peer(folder: Path) -> Peer:
    """Return CLIP as transformers has it."""
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).train()
    processor, tokenizer = CLIPImageProcessorPil.from_pretrained(folder), CLIPTokenizer.from_pretrained(folder)

    def feed(pairs: list[Pair]) -> dict[str, Any]:
        pictures = [Image.open(io.BytesIO(pair.view)) for pair in pairs]
        words = tokenizer([str(pair.caption) for pair in pairs], padding=True, truncation=True, return_tensors="pt")
        return {**processor(images=pictures, return_tensors="pt"), **words}

    def vectors(batch: dict[str, Any]) -> Vectors:
        output = model(**batch)
        return output.image_embeds, output.text_embeds

    return Peer(model=model, feed=feed, vectors=vectors, scale=model.logit_scale)


def mobile_peer(folder: Path, bert: Path) -> Peer:
    """Return a MobileNetV2 and a BERT with a projection, put together by hand."""
    dual = mobile_dual(folder, bert)
    vision = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()  # whose BatchNorms must stay as they are
    text = AutoModel.from_pretrained(bert, dtype=torch.float32, add_pooling_layer=False).train()
    heads = nn.ModuleList([dual.view_tower.projection, dual.text_tower.projection])
    model = nn.ModuleList([vision, text, heads])
    scale = nn.Parameter(dual.log_scale.detach().clone())
    model.register_parameter("scale", scale)
    processor, tokenizer = mobile_processor(folder), BertTokenizerFast.from_pretrained(bert)

    def feed(pairs: list[Pair]) -> dict[str, Any]:
        pictures = [Image.open(io.BytesIO(pair.view)) for pair in pairs]
        words = tokenizer([str(pair.caption) for pair in pairs], padding=True, truncation=True, return_tensors="pt")
        return {"pictures": processor(images=pictures, return_tensors="pt"), "words": words}

    def vectors(batch: dict[str, Any]) -> Vectors:
        view = heads[0](vision(**batch["pictures"]).pooler_output)
        hidden = text(**batch["words"]).last_hidden_state
        valid = batch["words"]["attention_mask"][:, :, None]
        caption = heads[1]((hidden * valid).sum(dim=1) / valid.sum(dim=1))
        return functional.normalize(view, dim=1), functional.normalize(caption, dim=1)

    return Peer(model=model, feed=feed, vectors=vectors, scale=scale)


def mobile_dual(folder: Path, bert: Path) -> DualEncoder:
    """Return the same as two towers of ours, all of it trained."""
    view = PretrainedImageTower(
        source=str(folder), side=MOBILE_SIDE, n_trainable_layers=18, dim=DIM, projection="linear"
    )
    text = PretrainedTower(
        source=str(bert),
        dim=DIM,
        projection="linear",
        n_trainable_layers=TEXT["num_hidden_layers"],
        trainable_embeddings=True,
    )
    return DualEncoder(view_tower=build_tower(view, seed=0), text_tower=build_tower(text, seed=0))


def mobile_processor(folder: Path) -> Any:
    """Return the processor of the folder, set to the side that both use."""
    from transformers import AutoImageProcessor

    square = {"height": MOBILE_SIDE, "width": MOBILE_SIDE}
    return AutoImageProcessor.from_pretrained(folder, size=square, do_center_crop=False, resample=3)


def write_models(root: Path, pairs: list[Pair], mobilenet: Path | None) -> tuple[Path, Path, Path]:
    """Write a small CLIP, a MobileNetV2 (unless there is one) and a BERT in the hub's format; return their folders."""
    torch.manual_seed(0)
    clip, mobile, bert = root / "clip", root / "mobilenet", root / "bert"
    words = [str(pair.caption) for pair in pairs]
    write_clip(clip)
    write_bert(bert, words)
    if mobilenet is None:
        MobileNetV2Model(MobileNetV2Config()).save_pretrained(mobile)
        settings = {
            "image_processor_type": "MobileNetV2ImageProcessor",
            "size": {"height": 224, "width": 224},
            "do_center_crop": False,
            "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3,
        }
        (mobile / "preprocessor_config.json").write_text(json.dumps(settings))
    return clip, mobilenet or mobile, bert


def write_clip(folder: Path) -> None:
    """Write a CLIP of six million weights with a byte-level vocabulary."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    ids = {"vocab_size": len(pieces), "bos_token_id": len(pieces) - 2, "eos_token_id": len(pieces) - 1}
    vision = {"hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 3, "intermediate_size": 768}
    config = CLIPConfig(
        text_config={**TEXT, **ids, "max_position_embeddings": 48},
        vision_config={**vision, "image_size": CLIP_SIDE, "patch_size": 8},
        projection_dim=DIM,
    )
    CLIPModel(config).save_pretrained(folder)
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=48).save_pretrained(folder)
    size = {"size": {"shortest_edge": CLIP_SIDE}, "crop_size": {"height": CLIP_SIDE, "width": CLIP_SIDE}}
    CLIPImageProcessorPil(**size).save_pretrained(folder)


def write_bert(folder: Path, words: list[str]) -> None:
    """Write a BERT of three layers with a vocabulary of `words`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(words, trainers.WordPieceTrainer(special_tokens=marks, show_progress=False))
    vocabulary = tokenizer.get_vocab()
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)))
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=48).save_pretrained(folder)
    shape = BertConfig(**TEXT, vocab_size=len(vocabulary), max_position_embeddings=64)
    BertModel(shape, add_pooling_layer=False).save_pretrained(folder)


def jpeg_pairs(n: int) -> list[Pair]:
    """Return sample pictures as JPEG files, as pictures of posts come."""
    pairs = []
    for pair in sample_pictures(n, seed=0, side=160):
        stream = io.BytesIO()
        Image.fromarray(decode_image(pair.view)).save(stream, format="JPEG", quality=90)
        pairs.append(Pair(id=pair.id, view=stream.getvalue(), caption=pair.caption, group=pair.group))
    return pairs


def table(result: dict[str, Any]) -> str:
    """Return the figures as lines."""
    rows = [("reading, MobileNetV2 128 px", result["reading"])]
    rows += [(f"training, {name}", found) for name, found in result["training"].items()]
    lines = [f"{result['pictures']} pictures; per CPU second of one thread (times the plain loop)"]
    for name, found in rows:
        figures = [f"{who} {rate:.1f} ({found['ratio'][who]:.2f})" for who, rate in found["per_cpu_s"].items()]
        lines.append(f"{name}: {'; '.join(figures)}; least cosine {found['least_cosine']:.6f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
