# ruff: noqa: E402  (libraries read the thread counts when they are imported)
"""Encoding speed against sentence-transformers' default `encode`: same model, same texts, one thread, one run.

    python benchmarks/encode.py [--texts 1000] [--rounds 3] [--json]

Texts are made here: log-normal token counts (median about 55) cut at 128, words mixed with paths, versions and hex
as descriptions and payloads have them, so that characters do not tell tokens. The two take turns, the best round of
each counts, and time is CPU time of the process, since a shared machine makes wall time mean little.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

for _name, _value in {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}.items():
    os.environ[_name] = _value
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.hub import minilm_folder
from threatclip.encoders.pretrained import PretrainedNetwork, PretrainedTower
from threatclip.encoders.towers import build_tower
from threatclip.seeds import rng

VOCABULARY = (
    "a an the in of to and by for with before via when which that allows remote attacker user request server file "
    "plugin parameter upload path login query string page version header session cookie token script command input "
    "unauthenticated crafted arbitrary malicious vulnerable endpoint execute read write include inject bypass missing "
    "validation sanitization authorization deserialization traversal redirect template expression database"
)
WORDS = VOCABULARY.split()
MAX_TOKENS = 128


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tower = build_tower(PretrainedTower(max_tokens=MAX_TOKENS), seed=0)
    if not isinstance(tower, PretrainedNetwork):
        raise TypeError(type(tower))
    texts = mixed_texts(options.texts, tower)
    result = compare(tower, texts, options.rounds)
    print(json.dumps(result) if options.json else table(result))


def compare(tower: PretrainedNetwork, texts: list[str], rounds: int) -> dict[str, object]:
    """Return texts per CPU second of both, their ratio, and how far their vectors agree."""
    peer = SentenceTransformer(str(minilm_folder()), device="cpu")
    peer.max_seq_length = MAX_TOKENS
    views = [text.encode() for text in texts]
    started = time.process_time()
    encoder = prepare_encoder(tower, probe=views)
    probe_s = time.process_time() - started
    plain = prepare_encoder(tower, precision="fp32")
    runs: dict[str, Callable[[], np.ndarray]] = {
        "sentence-transformers": lambda: np.asarray(peer.encode(texts, show_progress_bar=False)),
        "threatclip": lambda: encoder(views),
        "threatclip fp32": lambda: plain(views),
    }
    best_s: dict[str, float] = {}
    vectors: dict[str, np.ndarray] = {}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            vectors[name] = run()
            best_s[name] = min(best_s.get(name, float("inf")), time.process_time() - started)
    lengths = [len(row) for row in tower.tokenize(views)]
    return {
        "texts": len(texts),
        "tokens_mean": float(np.mean(lengths)),
        "tokens_median": float(np.median(lengths)),
        "padding_of_character_sorting": padding(texts, lengths),
        "precision": encoder.precision,
        "probe_cpu_s": probe_s,
        "texts_per_cpu_s": {name: len(texts) / seconds for name, seconds in best_s.items()},
        "ratio": {name: best_s["sentence-transformers"] / seconds for name, seconds in best_s.items()},
        "agreement": {
            name: agreement(vectors["sentence-transformers"], vectors[name]) for name in runs if "clip" in name
        },
    }


def padding(texts: list[str], lengths: list[int]) -> float:
    """Return padded over real tokens in batches of 32 sorted by characters, as the peer makes them."""
    ordered = np.array(lengths)[np.argsort([-len(text) for text in texts], kind="stable")]
    padded = sum(int(batch.max()) * len(batch) for batch in np.split(ordered, range(32, len(ordered), 32)))
    return padded / sum(lengths)


def agreement(reference: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Return least and mean cosine of matching rows, and the share of rows that keep their nearest neighbor."""
    cosine = (reference * other).sum(axis=1)
    nearest = [(np.asarray(v) @ np.asarray(v).T - 2 * np.eye(len(v))).argmax(axis=1) for v in (reference, other)]
    return {
        "least_cosine": float(cosine.min()),
        "mean_cosine": float(cosine.mean()),
        "top_1": float((nearest[0] == nearest[1]).mean()),
    }


def mixed_texts(n: int, tower: PretrainedNetwork) -> list[str]:
    """Return `n` texts of log-normal token counts; each has its own share of identifiers among its words."""
    chance = rng(0, "benchmark/texts")
    texts = []
    for _ in range(n):
        target, share = min(MAX_TOKENS, max(6, int(chance.lognormal(4.0, 0.55)))), chance.beta(0.5, 1.0)
        pieces = [identifier(chance) if chance.random() < share else str(chance.choice(WORDS)) for _ in range(target)]
        counts = np.cumsum([len(row) - 2 for row in tower.tokenize([piece.encode() for piece in pieces])])
        texts.append(" ".join(pieces[: int(np.searchsorted(counts, target - 2)) + 1]))
    return texts


def identifier(chance: np.random.Generator) -> str:
    """Return a path, a version, a hex string or an encoded value."""
    letters = "".join(chance.choice(list("abcdefghijklmnopqrstuvwxyz0123456789"), size=8))
    numbers = chance.integers(0, 40, size=3)
    return str(
        chance.choice(
            [
                f"/{letters[:5]}/{chance.choice(WORDS)}.php?{letters[5:]}={numbers[0]}",
                ".".join(map(str, numbers)),
                bytes(chance.integers(0, 256, size=6, dtype=np.uint8)).hex(),
                "".join(f"%{number:02x}" for number in numbers) + letters[:4],
            ]
        )
    )


def table(result: dict[str, object]) -> str:
    """Return the figures as lines of text."""
    lines = [f"{name:>24}: {value}" for name, value in result.items() if not isinstance(value, dict)]
    for name, values in result.items():
        if isinstance(values, dict):
            lines += [f"{name:>24}: {key} {value}" for key, value in values.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
