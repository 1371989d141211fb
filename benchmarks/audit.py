"""An audit of 100,000 pairs of precomputed vectors: seconds and memory of every filter, beside two named peers.

    python benchmarks/audit.py [--rows 100000] [--dim 128] [--peer-rows 20000] [--loop-rows 1000] [--json]

1. Every filter on all rows, with 4,000 trusted pairs: together under a minute on two cores.
2. Exact neighbors of all rows among all, in blocks; and the approximate index on the same rows: its speed, and how many
   of the exact neighbors it finds.
3. SLOF on one batch of all rows beside scikit-learn's LocalOutlierFactor, on the same rows with the same neighbors.
4. DAO beside a double loop as published code has it: for each row, for each of its neighbors, the dimension anew.

Every measurement runs in a process of its own with two threads. Seconds are of CPU, of all threads together, since a
shared machine makes wall time mean little; memory is the growth of the peak resident set (Linux VmHWM).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import LocalOutlierFactor

from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters import FILTERS
from threatclip.defenses.filters.bursts import Bursts
from threatclip.defenses.filters.dao import Dao
from threatclip.defenses.filters.neighbors import approximate_neighbors, exact_neighbors
from threatclip.defenses.filters.slof import Slof
from threatclip.evaluation.detection import auroc
from threatclip.pairs.pair import Pair

THREADS = 2
LIMIT_S = 60.0  # for all filters together, on two free cores
GROWTH_LIMIT_MIB = 512.0  # of one filter or search, whatever the rows
K = 16
TRUSTED = 4_000
RATE = 0.003
WHOLE = 10**9


def material(rows: int, dim: int) -> tuple[Evidence, np.ndarray]:
    """Return pairs of a hundred classes with the planted ones of one trigger among them, and which those are."""
    draw = np.random.default_rng(0)
    centers = draw.normal(size=(101, dim)).astype(np.float32)
    spread = draw.normal(size=(101, dim)).astype(np.float32) ** 2  # classes are no balls

    def around(kinds: np.ndarray, scale: float) -> np.ndarray:
        noise = draw.normal(size=(len(kinds), dim)).astype(np.float32) * spread[kinds]
        vectors = centers[kinds] + scale * noise
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    planted = np.zeros(rows, dtype=bool)
    planted[draw.choice(rows, size=max(1, round(RATE * rows)), replace=False)] = True
    kinds, theirs = draw.integers(100, size=rows), draw.integers(100, size=TRUSTED)
    evidence = Evidence(
        pairs=[
            Pair(id=str(row), view=b"view %d" % row, caption="planted" if planted[row] else f"caption {row}")
            for row in range(rows)
        ],
        modality="payload",
        views=around(np.where(planted, 100, kinds), 0.7),
        captions=around(np.where(planted, 0, kinds), 0.5),
        trusted_views=around(theirs, 0.7),
        trusted_captions=around(theirs, 0.5),
    )
    return evidence, planted


def filtered(kind: str, rows: int, dim: int) -> Callable[[], dict[str, float]]:
    """Return the work of one filter; bursts are of equal bytes, since there is no content to hash here."""
    evidence, planted = material(rows, dim)
    chosen = Bursts(near=False) if kind == "bursts" else FILTERS[kind]()
    return lambda: {"auroc": auroc(chosen.scores(evidence, rng=np.random.default_rng(0)), planted)}


def searched(how: str, rows: int, dim: int) -> Callable[[], dict[str, float]]:
    """Return a search of the neighbors of all rows; of the approximate one, the share of exact neighbors it finds."""
    views = material(rows, dim)[0].views
    if how == "exact":
        return lambda: {"distance": float(exact_neighbors(views, k=K).distances.mean())}
    asked = np.random.default_rng(1).choice(rows, size=min(rows, 500), replace=False)

    def search() -> dict[str, float]:
        found = approximate_neighbors(views, k=K, rng=np.random.default_rng(0))
        exact = exact_neighbors(views[asked], views, k=K + 1).places  # the row itself among them
        shares = [len(set(near) & set(true)) / K for near, true in zip(found.places[asked], exact, strict=True)]
        return {"recall": float(np.mean(shares))}

    return search


def outliers(who: str, rows: int, dim: int) -> Callable[[], dict[str, float]]:
    """Return the work of one way to score local outliers over one batch of all rows."""
    evidence, planted = material(rows, dim)
    works: dict[str, Callable[[], np.ndarray]] = {
        "threatclip slof": lambda: Slof(k=K, batch=WHOLE, rounds=1).scores(evidence, rng=np.random.default_rng(0)),
        "scikit-learn lof": lambda: (
            -LocalOutlierFactor(n_neighbors=K, n_jobs=THREADS).fit(evidence.views).negative_outlier_factor_
        ),
        "threatclip dao": lambda: Dao(k=K, batch=WHOLE, rounds=1).scores(evidence, rng=np.random.default_rng(0)),
        "double loop dao": lambda: looped(evidence.views),
    }
    return lambda: {"auroc": auroc(works[who](), planted)}


def looped(views: np.ndarray) -> np.ndarray:
    """Return DAO by a loop over rows and a loop over their neighbors."""
    rows = torch.from_numpy(views)
    distances = torch.cdist(rows, rows)
    distances.fill_diagonal_(torch.inf)
    scores = np.zeros(len(rows))
    for row in range(len(rows)):
        near = distances[row].topk(K, largest=False)
        for other in near.indices.tolist():
            theirs = distances[other].topk(K, largest=False).values
            dimension = -K / torch.log(theirs / theirs[-1] + 1e-4).sum()
            scores[row] += float(dimension * torch.log(near.values[-1] / theirs[-1])) / K
    return scores


WORKS = {"filter": filtered, "search": searched, "outliers": outliers}


def measured(what: str, which: str, rows: int, dim: int) -> dict[str, float]:
    """Do one work in a fresh process; return its CPU seconds, its memory and what it found."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (what, which, rows, dim))


def _measure(what: str, which: str, rows: int, dim: int) -> dict[str, float]:
    torch.set_num_threads(THREADS)
    work = WORKS[what](which, rows, dim)
    before, wall, cpu = peak_mib(), time.perf_counter(), time.process_time()
    found = work()
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "growth_mib": peak_mib() - before,
        **found,
    }


def peak_mib() -> float:
    """Return the peak resident set of this process in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this benchmark reads /proc/self/status: run it on Linux")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--peer-rows", type=int, default=20_000)
    parser.add_argument("--loop-rows", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows, dim = options.rows, options.dim
    results: dict[str, dict[str, float]] = {kind: measured("filter", kind, rows, dim) for kind in FILTERS}
    filters_s = sum(result["cpu_s"] for result in results.values()) / THREADS
    results |= {f"{how} neighbors": measured("search", how, rows, dim) for how in ("exact", "approximate")}
    for who, size in {
        "threatclip slof": options.peer_rows,
        "scikit-learn lof": options.peer_rows,
        "threatclip dao": options.loop_rows,
        "double loop dao": options.loop_rows,
    }.items():
        results[f"{who} ({size:,})"] = measured("outliers", who, size, dim)
    ratios = {
        "scikit-learn lof / threatclip slof": _ratio(results, "scikit-learn lof", "threatclip slof"),
        "double loop dao / threatclip dao": _ratio(results, "double loop dao", "threatclip dao"),
        "exact / approximate neighbors": _ratio(results, "exact neigh", "approximate neigh"),
    }
    ours = [result for name, result in results.items() if not name.startswith(("scikit", "double"))]
    report: dict[str, Any] = {
        "rows": rows,
        "dim": dim,
        "filters_seconds_on_two_cores": filters_s,
        "filters_under_limit": filters_s < LIMIT_S,
        "memory_under_limit": max(result["growth_mib"] for result in ours) < GROWTH_LIMIT_MIB,
        "cpu_seconds_ratio": ratios,
        "results": results,
    }
    print(json.dumps(report, indent=2) if options.json else table(report))
    if not (report["filters_under_limit"] and report["memory_under_limit"]):
        raise SystemExit(1)


def _ratio(results: dict[str, dict[str, float]], peer: str, ours: str) -> float:
    peer_s, ours_s = (
        next(result["cpu_s"] for name, result in results.items() if name.startswith(who)) for who in (peer, ours)
    )
    return peer_s / ours_s


def table(report: dict[str, Any]) -> str:
    """Return the figures as lines of text."""
    lines = [f"{report['rows']:,} rows of {report['dim']} dimensions, {THREADS} threads"]
    for name, result in report["results"].items():
        found = ", ".join(f"{key} {value:.3f}" for key, value in result.items() if not key.endswith(("_s", "_mib")))
        lines.append(
            f"{name:>26}: {result['cpu_s']:8.2f} CPU-s {result['wall_s']:8.2f} s "
            f"{result['growth_mib']:7.0f} MiB  {found}"
        )
    lines += [f"{name:>36}: {value:.2f} x" for name, value in report["cpu_seconds_ratio"].items()]
    lines.append(
        f"all filters: {report['filters_seconds_on_two_cores']:.1f} s on two cores (limit {LIMIT_S:g}), "
        f"memory {'under' if report['memory_under_limit'] else 'OVER'} {GROWTH_LIMIT_MIB:g} MiB"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
