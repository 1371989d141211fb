"""Latency and throughput of `threatclip serve` at 1, 8 and 64 clients, with micro-batching and without.

    python benchmarks/service.py [--run RUN] [--requests 400] [--rounds 3] [--json]

The peer is the same service with `--batch 1`: each request goes through the model alone. Both run as processes of their
own, with one thread each, and take turns in every round; of a cell's rounds the median counts. Clients are connections
that stay open and send one payload after another's answer. They share the machine's cores with the service, so that a
busy machine shows in both columns alike; CPU milliseconds a request are the service's own. Without --run a payload
classifier of the demo's size is trained on sample pairs, for a few steps: its speed does not depend on what it learned.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlsplit

import psutil

CLIENTS = (1, 8, 64)
MODES = {"micro-batching": 64, "one at a time": 1}
_WARM_UP = 8


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One mode at one number of clients."""

    mode: str
    clients: int
    requests: int
    rounds: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_request: float


def main() -> None:
    """Run both modes and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or trained(Path(folder))
        cells = measured(run, Path(folder), requests=options.requests, rounds=options.rounds)
    print(json.dumps([asdict(cell) for cell in cells]) if options.json else table(cells))


def trained(folder: Path) -> Path:
    """Return a run with the demo's towers, hardly trained."""
    from threatclip.experiments.config import load_recipe
    from threatclip.experiments.progress import ignore
    from threatclip.experiments.tasks import train_run
    from threatclip.pairs.samples import sample_pairs
    from threatclip.pairs.table import write_pairs

    write_pairs(folder / "pairs.parquet", sample_pairs(n=1200, seed=0), modality="payload")
    with as_file(files("threatclip.experiments") / "demo.toml") as path:
        changes = [f"data.pairs.path={str(folder / 'pairs.parquet')!r}", "stage1.epochs=1", "stage2.steps=10"]
        recipe = load_recipe(path, changes)
    train_run(recipe, folder / "run", resume=False, on_progress=ignore)
    return folder / "run"


def measured(run: Path, folder: Path, *, requests: int, rounds: int) -> list[Cell]:
    """Return a cell for every mode and number of clients, the modes taking turns."""
    bodies = request_bodies(requests)
    seen: dict[tuple[str, int], list[tuple[float, list[float], float]]] = {}
    with serving(run, folder, batch=MODES["micro-batching"]) as first, serving(run, folder, batch=1) as second:
        servers = dict(zip(MODES, (first, second), strict=True))
        for address, _ in servers.values():
            asyncio.run(load(address, bodies[:_WARM_UP], clients=1))
        for _ in range(rounds):
            for clients in CLIENTS:
                for mode, (address, process) in servers.items():
                    before, began = cpu_s(process), time.perf_counter()
                    latencies = asyncio.run(load(address, bodies, clients=clients))
                    seconds = time.perf_counter() - began
                    seen.setdefault((mode, clients), []).append((seconds, latencies, cpu_s(process) - before))
    return [cell_of(mode, clients, found) for (mode, clients), found in seen.items()]


def cell_of(mode: str, clients: int, found: list[tuple[float, list[float], float]]) -> Cell:
    """Return the medians over rounds."""
    n = len(found[0][1])
    quantiles = [statistics.quantiles(latencies, n=100) for _, latencies, _ in found]
    return Cell(
        mode=mode,
        clients=clients,
        requests=n,
        rounds=len(found),
        requests_per_s=statistics.median(n / seconds for seconds, _, _ in found),
        p50_ms=1000 * statistics.median(one[49] for one in quantiles),
        p99_ms=1000 * statistics.median(one[98] for one in quantiles),
        cpu_ms_per_request=1000 * statistics.median(cpu / n for _, _, cpu in found),
    )


def request_bodies(n: int) -> list[bytes]:
    """Return bodies of one payload each."""
    from threatclip.pairs.pair import view_text
    from threatclip.pairs.samples import sample_pairs

    pairs = sample_pairs(n=n, seed=1)
    return [json.dumps({"inputs": [{"payload": view_text(pair.view)}], "top": 3}).encode() for pair in pairs]


@contextmanager
def serving(run: Path, folder: Path, *, batch: int) -> Iterator[tuple[str, psutil.Process]]:
    """Serve a run on a free port, in a process of its own with one thread."""
    command = [sys.executable, "-m", "threatclip.cli.main", "serve", "--port", "0", "--runs", str(run)]
    command += ["--batch", str(batch), "--jobs", str(folder / f"jobs-{batch}"), "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the service has no stdout")
            yield json.loads(process.stdout.readline())["address"], psutil.Process(process.pid)
        finally:
            process.terminate()


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def load(address: str, bodies: list[bytes], *, clients: int) -> list[float]:
    """Send all bodies over `clients` connections and return each one's seconds."""
    left = iter(bodies)
    found = await asyncio.gather(*(_client(address, left) for _ in range(clients)))
    return [seconds for one in found for seconds in one]


async def _client(address: str, left: Iterator[bytes]) -> list[float]:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    latencies = []
    for body in left:
        head = f"POST /v1/classify HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        began = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        status, length = await reader.readline(), 0
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        await reader.readexactly(length)
        if b" 200 " not in status:
            raise RuntimeError(f"the service answered {status!r}")
        latencies.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return latencies


def table(cells: list[Cell]) -> str:
    """Return the figures as a table, and the ratios of the two modes."""
    one = cells[0]
    lines = [f"{one.requests} requests of one payload, median of {one.rounds} rounds"]
    lines.append(f"{'clients':>7}  {'mode':<15} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms/request':>15}")
    lines += [
        f"{cell.clients:>7}  {cell.mode:<15} {cell.requests_per_s:>10.1f} {cell.p50_ms:>8.1f} "
        f"{cell.p99_ms:>8.1f} {cell.cpu_ms_per_request:>15.2f}"
        for cell in sorted(cells, key=lambda cell: cell.clients)
    ]
    speeds = {(cell.mode, cell.clients): cell.requests_per_s for cell in cells}
    batched, alone = MODES
    for clients in CLIENTS:
        ratio = speeds[batched, clients] / speeds[alone, clients]
        lines.append(f"{clients:>7}  micro-batching answers {ratio:.2f} times as many requests a second")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
