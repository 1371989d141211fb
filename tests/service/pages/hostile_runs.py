"""A folder of runs full of hostile content, answered by rule: what pages must show without running any of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from fake_runs import fake_run

from matrix_cases import made_matrix
from pair_cases import picture_pairs
from threatclip.artifacts import write_json, write_tensors
from threatclip.experiments.auditing.request import Audit
from threatclip.experiments.auditing.run import run_audit
from threatclip.experiments.progress import ignore
from threatclip.experiments.run_folder import RECIPE, STEPS
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs
from threatclip.seeds import rng

SCRIPT = "</title></textarea><script>alert(1)</script><img src=x onerror=alert(2)>"
RTL = "\u202egnp.exe\u202c\u2066{{ 7*7 }}"
HOSTILE = f"{SCRIPT} {RTL} javascript:alert(3) <svg onload=alert(4)>"
BROKEN = 4


@dataclass
class Ruled:
    """Answers "sqli" the surer the more of two words are there; every text of an answer is hostile."""

    modality: str
    model: str = "0" * 64

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        return [self._answer(pair) for pair in pairs]

    def _answer(self, pair: Pair) -> dict[str, Any]:
        words = (pair.caption or "").encode() if self.modality == "image" else pair.view
        sure = 1 / (1 + math.exp(1.0 - 2.0 * (b"UNION" in words) - 1.0 * (b"SELECT" in words)))
        return {
            "id": pair.id,
            "answers": [
                {"label": "sqli", "name": f"SQL injection {SCRIPT}", "probability": sure},
                {"label": RTL, "name": HOSTILE, "probability": 1 - sure},
            ],
            "abstained": sure < 0.5,
            "evidence": [
                {
                    "kind": "known case",
                    "id": f"case {HOSTILE}",
                    "label": SCRIPT,
                    "group": None,
                    "caption": HOSTILE,
                    "cosine": 0.5,
                },
                {"kind": "n-grams", "terms": [{"text": SCRIPT, "weight": 1.0}]},
            ],
            "model": self.model,
        }


def load_ruled(folder: Path) -> Ruled:
    """Return what answers for a fake run."""
    return Ruled(modality="image" if "posts" in folder.name else "payload")


def make_hostile_runs(folder: Path) -> Path:
    """Write two fake runs, an audit of pictures, a training in progress and a matrix; return the folder of runs."""
    runs = folder / "runs"
    fake_run(runs / "payloads")
    fake_run(runs / "posts", kind="events")
    (runs / "payloads" / "README.md").write_text(f"# {HOSTILE}\n")
    pairs = list(_pairs())
    write_pairs(folder / "pictures.parquet", pairs, modality="image")
    out = runs / "audits" / "scraped"
    draw = rng(0, "test/pages")
    vectors = {name: draw.normal(size=(len(pairs), 8)).astype(np.float32) for name in ("views", "captions")}
    write_tensors(folder / "vectors.safetensors", vectors)
    request = Audit(
        table=folder / "pictures.parquet",
        out=out,
        vectors=folder / "vectors.safetensors",
        filters=("relevance", "k_dist"),
        drop_top=0.2,
    )
    run_audit(request, on_progress=ignore)
    write_json(runs / "going" / RECIPE, {"task": "contrastive"})
    write_steps(runs / "going", 30)
    made_matrix(runs / "matrix")
    return runs


def _pairs() -> Iterator[Pair]:
    for row, pair in enumerate(picture_pairs(30, captions=1)):
        caption = f"{HOSTILE} {pair.caption}" if row % 3 == 0 else pair.caption
        yield replace(pair, caption=caption, view=pair.view[:60] if row == BROKEN else pair.view)


def write_steps(run: Path, n: int) -> None:
    """Write the records of a training that has done `n` steps, the last line torn."""
    rows = [
        {
            "stage": f"stage1 {SCRIPT}",
            "step": step,
            "epoch": 0,
            "losses": {"loss": 5.0 / step},
            "lr": 1e-3,
            "grad_norm": 1.0,
            "seconds": 0.1,
            "rows": 32,
        }
        for step in range(1, n + 1)
    ]
    (run / STEPS).write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"stage": "sta')
