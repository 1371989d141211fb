"""Nearest known cases: exact and approximate search of an index, beside plain numpy, on the same vectors in one run.

    python benchmarks/search.py [--rows 10000] [--queries 256] [--synthetic] [--vectors FILE] [--json]

The vectors are all-MiniLM-L6-v2's of CVE descriptions, where the real data (THREATCLIP_DATA) and the extra `minilm`
are there; queries are other descriptions. Else, or with --synthetic, they are points of 600 clusters, which flatter
approximate search.

Seconds are of CPU on one thread. Ours are whole answers, with the text, label and time of each hit read from the
index; numpy's are row numbers alone: one matrix product and a partition.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from threatclip.index.build import build_index
from threatclip.index.cases import CaseTable
from threatclip.index.search import open_index
from threatclip.index.settings import KINDS, IndexSettings
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.table import write_pairs

K, BATCH, DIM = 10, 32, 384
DATA = Path(os.environ.get("THREATCLIP_DATA", "../shared/data")) / "cve" / "cve_descriptions_cwe.jsonl.gz"
LEAST_RECALL = 0.95


class Given:
    """An encoder whose vectors are there already: a view is the number of its row."""

    model, kind, precision, dim = "given", "given", "fp32", DIM
    modality: Modality = "text"

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = vectors

    def views(self, views: Sequence[bytes]) -> np.ndarray:
        rows: np.ndarray = self._vectors[[int(view) for view in views]]
        return rows

    def captions(self, captions: Sequence[str]) -> np.ndarray:
        raise SystemExit(f"{len(captions)} captions; this benchmark searches views")


def described(n: int) -> np.ndarray:
    """Return unit vectors of the first n distinct CVE descriptions, shuffled."""
    from threatclip.encoders.encode import encode
    from threatclip.encoders.pretrained import PretrainedTower, build_pretrained

    texts: dict[bytes, None] = {}
    with gzip.open(DATA) as lines:
        for line in lines:
            texts[json.loads(line)["description"].encode()] = None
            if len(texts) == n:
                break
    tower = build_pretrained(PretrainedTower()).eval()
    shuffled: np.ndarray = np.random.default_rng(0).permutation(encode(tower, list(texts)))
    return shuffled


def clustered(n: int) -> np.ndarray:
    """Return unit vectors of 600 clusters of 48 dimensions, with noise."""
    draw = np.random.default_rng(0)
    centers, spread = draw.normal(size=(600, DIM)), draw.normal(size=(48, DIM))
    points = centers[draw.integers(600, size=n)] + 0.5 * draw.normal(size=(n, 48)) @ spread / 7
    vectors: np.ndarray = (points + 0.1 * draw.normal(size=(n, DIM))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def numpy_exact(queries: np.ndarray, known: np.ndarray) -> list[list[str]]:
    """Return the k nearest rows of each query, as anyone would write it."""
    scores = queries @ known.T
    near = np.argpartition(-scores, K, axis=1)[:, :K]
    order = np.take_along_axis(scores, near, axis=1).argsort(axis=1)[:, ::-1]
    return [[str(row) for row in rows] for rows in np.take_along_axis(near, order, axis=1)]


def timed(
    ask: Callable[[np.ndarray], list[list[str]]], queries: np.ndarray, batch: int
) -> tuple[float, list[list[str]]]:
    """Return CPU milliseconds a query, and what was found."""
    ask(queries[:batch])  # a library sets itself up at the first call
    began, found = time.process_time(), list[list[str]]()
    for start in range(0, len(queries), batch):
        found += ask(queries[start : start + batch])
    return 1000 * (time.process_time() - began) / len(queries), found


def measured(folder: Path, known: np.ndarray, queries: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the figures of every way to search."""
    write_pairs(folder / "known.parquet", [Pair(id=str(n), view=b"%d" % n) for n in range(len(known))], modality="text")
    ways: dict[str, IndexSettings] = {"exact": IndexSettings(exact_rows=max(5_000, len(known)))}
    ways |= {kind: IndexSettings(kind=kind, exact_rows=5_000, recall=LEAST_RECALL) for kind in KINDS}
    results: dict[str, dict[str, float]] = {}
    for batch in (1, BATCH):
        spent, truth = timed(lambda some: numpy_exact(some, known), queries, batch)
        results[f"numpy, batch {batch}"] = {"ms_a_query": spent, "recall": 1.0}
    for name, settings in ways.items():
        uri, began = str(folder / name), time.process_time()
        tables = [CaseTable(path=folder / "known.parquet", source="known")]
        for _ in build_index(uri, tables, encoder=Given(known), settings=settings):
            pass
        build_s = time.process_time() - began
        index = open_index(uri, refresh_s=3600)

        def ask(some: np.ndarray, index: Any = index) -> list[list[str]]:
            return [[hit.id for hit in hits] for hits in index.search(some, model="given", k=K)]

        for batch in (1, BATCH):
            spent, found = timed(ask, queries, batch)
            shares = [len(set(near) & set(true)) / K for near, true in zip(found, truth, strict=True)]
            one = {"ms_a_query": spent, "recall": float(np.mean(shares)), "build_s": build_s}
            one["numpy_over_ours"] = results[f"numpy, batch {batch}"]["ms_a_query"] / spent
            if index.generation.approximate is not None:
                one["recall_told"] = index.generation.approximate.recall
            results[f"{name}, batch {batch}"] = one
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=256)
    parser.add_argument("--synthetic", action="store_true")
    parser.add_argument("--vectors", type=Path, help="an .npy file to keep the vectors in, or to take them from")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    real = DATA.is_file() and not options.synthetic
    what = "MiniLM of CVE descriptions" if real else "synthetic clusters"
    if options.vectors is not None and options.vectors.is_file():
        what = str(options.vectors)
        vectors = np.load(options.vectors, allow_pickle=False)[: options.rows + options.queries]
    else:
        vectors = (described if real else clustered)(options.rows + options.queries)
    if options.vectors is not None and not options.vectors.is_file():
        np.save(options.vectors, vectors, allow_pickle=False)
    queries, known = vectors[: options.queries], vectors[options.queries :]
    with tempfile.TemporaryDirectory() as folder:
        results = measured(Path(folder), known, queries)
    report = {
        "vectors": what,
        "rows": len(known),
        "dim": DIM,
        "queries": len(queries),
        "results": results,
    }
    print(json.dumps(report, indent=2) if options.json else table(report))
    if results[f"exact, batch {BATCH}"]["recall"] < 0.999:  # rows of equal scores may change places
        raise SystemExit("exact search is not exact")


def table(report: dict[str, Any]) -> str:
    """Return the figures as lines of text."""
    lines = [f"{report['rows']:,} vectors ({report['vectors']}), {report['queries']:,} queries, k = {K}, one thread"]
    for name, one in report["results"].items():
        ratio = f"  numpy / ours {one['numpy_over_ours']:.2f}" if "numpy_over_ours" in one else ""
        build = f"  build {one['build_s']:.1f} CPU-s" if "build_s" in one else ""
        told = f" (told {one['recall_told']:.3f})" if "recall_told" in one else ""
        lines.append(
            f"{name:>21}: {one['ms_a_query']:7.3f} CPU-ms a query  recall@{K} {one['recall']:.3f}{told}{ratio}{build}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
