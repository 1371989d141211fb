"""A pair table of a million rows: seconds to open, memory to iterate, against `pyarrow.parquet.read_table`.

    python benchmarks/pair_table.py [--rows 1000000] [--view-bytes 512] [--json]

Every measurement runs in a process of its own, so that one reader's memory is not counted against another. Memory is
the growth of the peak resident set (Linux VmHWM) over the process as it was with everything imported.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs

MIB = 2**20
OPEN_LIMIT_S = 1.0
GROWTH_LIMIT_MIB = 200.0


def synthetic_pairs(n: int, view_bytes: int) -> Iterator[Pair]:
    """Yield pairs whose views do not compress: the worst case for memory and disk."""
    rng = np.random.default_rng(0)
    for start in range(0, n, 4096):
        count = min(4096, n - start)
        noise = rng.bytes(count * view_bytes)
        for row in range(count):
            number = start + row
            yield Pair(
                id=f"row-{number:09d}",
                view=noise[row * view_bytes : (row + 1) * view_bytes],
                caption=f"a description of flaw {number} in product {number % 977}",
                label=f"class-{number % 12}",
                group=f"CVE-2021-{number % 50_000:05d}",
                time=datetime(2015 + number % 10, 1, 1, tzinfo=UTC),
                meta={"vendor": f"vendor-{number % 977}"},
            )


def peak_mib() -> float:
    """Return the peak resident set of this process in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this benchmark reads /proc/self/status: run it on Linux")


def open_table(path: Path) -> int:
    return len(PairTable.open(path))


def iterate_batches(path: Path) -> int:
    return sum(int(batch.column("view").nbytes) for batch in PairTable.open(path).iter_batches())


def iterate_pairs(path: Path) -> int:
    return sum(len(pair.view) for pair in PairTable.open(path).iter_pairs())


def read_whole(path: Path) -> int:
    return sum(int(batch.column("view").nbytes) for batch in pq.read_table(path).to_batches())


def measured(work: Callable[[Path], int], path: Path) -> dict[str, float]:
    """Run `work` in a fresh process; return its seconds and its growth of the peak resident set in MiB."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (work, path))


def _measure(work: Callable[[Path], int], path: Path) -> dict[str, float]:
    before = peak_mib()
    start = time.perf_counter()
    work(path)
    return {"seconds": time.perf_counter() - start, "growth_mib": peak_mib() - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--view-bytes", type=int, default=512)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.parquet"
        start = time.perf_counter()
        write_pairs(path, synthetic_pairs(options.rows, options.view_bytes), modality="payload")
        written = time.perf_counter() - start
        works = {
            "PairTable.open": open_table,
            "PairTable.iter_batches": iterate_batches,
            "PairTable.iter_pairs": iterate_pairs,
            "pyarrow read_table": read_whole,
        }
        results = {name: measured(work, path) for name, work in works.items()}
        size = path.stat().st_size / MIB
    ours, peer = results["PairTable.iter_batches"], results["pyarrow read_table"]
    report = {
        "rows": options.rows,
        "file_mib": size,
        "write_seconds": written,
        "results": results,
        "iteration_seconds_of_peer": ours["seconds"] / peer["seconds"],
        "iteration_memory_of_peer": ours["growth_mib"] / peer["growth_mib"],
        "open_under_limit": results["PairTable.open"]["seconds"] < OPEN_LIMIT_S,
        "memory_under_limit": max(ours["growth_mib"], results["PairTable.iter_pairs"]["growth_mib"]) < GROWTH_LIMIT_MIB,
    }
    print(json.dumps(report, indent=2) if options.json else table_text(report, results))
    if not (report["open_under_limit"] and report["memory_under_limit"]):
        raise SystemExit(1)


def table_text(report: dict[str, object], results: dict[str, dict[str, float]]) -> str:
    lines = [
        f"{report['rows']:,} pairs, {report['file_mib']:,.0f} MiB, written in {report['write_seconds']:.1f} s",
        f"{'':24}{'seconds':>10}{'peak MiB':>10}",
        *(f"{name:24}{one['seconds']:10.3f}{one['growth_mib']:10.1f}" for name, one in results.items()),
        f"iter_batches / read_table: {report['iteration_seconds_of_peer']:.2f} of the time, "
        f"{report['iteration_memory_of_peer']:.3f} of the memory",
        f"open under {OPEN_LIMIT_S} s: {report['open_under_limit']}; "
        f"iterating under {GROWTH_LIMIT_MIB:.0f} MiB: {report['memory_under_limit']}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
