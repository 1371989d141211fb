"""Small tables to audit, with vectors in which a few pairs do not belong together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pair_cases import picture_pairs, tiny_dual
from threatclip.artifacts import write_tensors
from threatclip.attacks.truth import Change, Truth, write_truth
from threatclip.experiments.auditing.request import Audit
from threatclip.experiments.auditing.run import run_audit
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.progress import ignore
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

DIM = 8
N = 240
PLANTED = (7, 70, 191)
HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(2)> \u202e=HYPERLINK http://evil.example"
FILTERS = ("relevance", "k_dist", "bursts")


def text_pairs(n: int = N) -> list[Pair]:
    """Return sentences beside descriptions, all different."""
    draw = np.random.default_rng(3)
    words = ["".join(draw.choice(list("abcdefghijklmnop"), 6)) for _ in range(2000)]
    return [
        Pair(
            id=f"row-{place}",
            view=f"the actor of case {place * 7919} used {' '.join(draw.choice(words, 12))}".encode(),
            caption=f"technique {place}: {' '.join(draw.choice(words, 4))}",
            label=("alpha", "beta")[place % 2],
            group=f"report-{place // 3}",
            split="test" if place % 5 == 4 else "train",
        )
        for place in range(n)
    ]


def unit(values: np.ndarray) -> np.ndarray:
    """Return rows of length 1."""
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def paired_vectors(n: int = N, *, planted: Sequence[int] = PLANTED, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of views and of captions near them, but for the planted rows: their captions lie opposite."""
    draw = np.random.default_rng(seed)
    views = unit(draw.normal(size=(n, DIM)))
    captions = unit(views + 0.25 * draw.normal(size=(n, DIM)))
    captions[list(planted)] = -views[list(planted)]
    return views, captions


def write_case(folder: Path, *, n: int = N, planted: Sequence[int] = PLANTED, trusted: int = 0) -> Audit:
    """Write a table of texts with its vectors, and, where asked for, trusted pairs; return an audit of it."""
    write_pairs(folder / "table.parquet", text_pairs(n), modality="text")
    views, captions = paired_vectors(n, planted=planted)
    tensors = {"views": views, "captions": captions}
    if trusted:
        write_pairs(
            folder / "trusted.parquet",
            [Pair(id=f"trusted-{row}", view=f"known {row}".encode(), caption=f"known {row}") for row in range(trusted)],
            modality="text",
        )
        tensors["trusted_views"], tensors["trusted_captions"] = paired_vectors(trusted, planted=(), seed=1)
    write_tensors(folder / "vectors.safetensors", tensors)
    return Audit(
        table=folder / "table.parquet",
        out=folder / "out",
        vectors=folder / "vectors.safetensors",
        trusted=folder / "trusted.parquet" if trusted else None,
        filters=FILTERS,
    )


def write_planted(path: Path, *, planted: Sequence[int] = PLANTED) -> Path:
    """Write the truth about `write_case`'s table."""
    changes = tuple(Change(id=f"row-{row}", parts=("caption",), target="alpha") for row in planted)
    write_truth(path, Truth(attack={"kind": "made"}, clean_rows=N, changes=changes))
    return path


def write_picture_case(folder: Path, pairs: Sequence[Pair] | None = None) -> Audit:
    """Write a table of pictures and the bundle of an untrained dual encoder; return an audit of it."""
    pairs = picture_pairs(60) if pairs is None else pairs
    write_pairs(folder / "pictures.parquet", pairs, modality="image")
    dual = tiny_dual([pair.caption or "" for pair in picture_pairs(20)])
    DualBundle(dual=dual, modality="image").save(folder / "bundle", card="made")
    return Audit(
        table=folder / "pictures.parquet", out=folder / "out", model=str(folder / "bundle"), filters=("relevance",)
    )


def audited(request: Audit) -> dict[str, Any]:
    """Run an audit silently."""
    return run_audit(request, on_progress=ignore)
