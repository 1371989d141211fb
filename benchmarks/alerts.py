"""EVE alerts from a file to JSON Lines: alerts a second of one core and peak memory, beside two peers in one run.

    python benchmarks/alerts.py [--alerts 50000] [--model RUN] [--optimized BUNDLE] [--json]

The alerts are made by the grammar of the sample pairs, each with its payload in base64. They are answered as
`threatclip watch --once` answers them, evidence and fsync included. The peers are the same model called one alert at a
time, and sentence-transformers' default `encode` of the same payloads with all-MiniLM-L6-v2, which gives vectors and
no answers; both on a part of the alerts. Time is CPU time of one thread, without loading; each way runs in a process of
its own, so that its peak memory is its own. Without --model, the demo's recipe is trained first (minutes).
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

for _name, _value in {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}.items():
    os.environ[_name] = _value
os.environ.setdefault("HF_HUB_OFFLINE", "1")

WAYS = ("bulk", "single", "sentence-transformers")


def main() -> None:
    """Run every way in a process of its own and print the figures; `--way` runs one of them here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=50_000)
    parser.add_argument("--single", type=int, default=400, help="alerts called one at a time")
    parser.add_argument("--peer", type=int, default=1_000, help="payloads that sentence-transformers encodes")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--optimized", type=Path, help="also: the bundle of `threatclip optimize`")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measured(options.way, options.model, options.log, options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        result = compare(Path(folder), options)
    print(json.dumps(result) if options.json else table(result))


def compare(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Return the figures of every way and the ratios to the bulk one."""
    model = options.model or trained(folder)
    log = folder / "eve.json"
    write_alerts(log, options.alerts)
    figures = {way: in_a_process(way, model, log, options) for way in WAYS}
    if options.optimized is not None:
        figures["bulk, optimized"] = in_a_process("bulk", options.optimized, log, options)
        figures["single, optimized"] = in_a_process("single", options.optimized, log, options)
    bulk = figures["bulk"]["alerts_per_cpu_s"]
    return {
        "alerts": options.alerts,
        "log_mib": log.stat().st_size / 2**20,
        "figures": figures,
        "bulk_over": {way: bulk / one["alerts_per_cpu_s"] for way, one in figures.items()},
    }


def in_a_process(way: str, model: Path, log: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the figures of one way, from a fresh process."""
    arguments = ["--way", way, "--model", str(model), "--log", str(log)]
    arguments += ["--single", str(options.single), "--peer", str(options.peer)]
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(way: str, model: Path, log: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return alerts per CPU second and per second of the clock, how many, and the peak memory of this process."""
    import torch

    torch.set_num_threads(1)
    match way:
        case "bulk":
            run = bulk(model, log)
        case "single":
            run = single(model, log, options.single)
        case _:
            run = peer(log, options.peer)
    before_mib = peak_mib()
    cpu, clock = time.process_time(), time.perf_counter()
    n = run()
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    return {
        "alerts": n,
        "alerts_per_cpu_s": n / cpu,
        "alerts_per_s": n / clock,
        "loaded_mib": before_mib,
        "peak_mib": peak_mib(),
    }


def bulk(model: Path, log: Path) -> Callable[[], int]:
    """From the file to JSON Lines, as `threatclip watch --once` does it."""
    from threatclip.batch.watch import Watching, watch
    from threatclip.experiments.tasks import load_classifier

    classifier = load_classifier(model)

    def run() -> int:
        with tempfile.TemporaryDirectory() as folder:
            watching = Watching(log=log, answers=Path(folder) / "answers.jsonl", once=True)
            report = watch(watching, classifier, stopping=lambda: False, on_notice=print, on_progress=lambda _: None)
        return int(report["answered"])

    return run


def single(model: Path, log: Path, most: int) -> Callable[[], int]:
    """The same model, one alert a call, each answer written as it comes."""
    from threatclip.experiments.tasks import load_classifier
    from threatclip.pairs.pair import Pair
    from threatclip.pairs.sources.eve import Eve

    classifier = load_classifier(model)
    pairs = [row for row, _ in zip(Eve().read(log), range(most), strict=False) if isinstance(row, Pair)]
    classifier.classify_pairs(pairs[:1])

    def run() -> int:
        with tempfile.TemporaryFile("w") as out:
            for pair in pairs:
                out.write(json.dumps(classifier.classify_pairs([pair])[0]) + "\n")
        return len(pairs)

    return run


def peer(log: Path, most: int) -> Callable[[], int]:
    """Vectors alone, by sentence-transformers' default `encode`."""
    from sentence_transformers import SentenceTransformer

    from threatclip.encoders.hub import minilm_folder
    from threatclip.pairs.pair import Pair, view_text
    from threatclip.pairs.sources.eve import Eve

    encoder = SentenceTransformer(str(minilm_folder()), device="cpu")
    rows = [row for row, _ in zip(Eve().read(log), range(most), strict=False)]
    texts = [view_text(row.view) for row in rows if isinstance(row, Pair)]
    encoder.encode(texts[:2], show_progress_bar=False)

    def run() -> int:
        encoder.encode(texts, show_progress_bar=False)
        return len(texts)

    return run


def write_alerts(path: Path, n: int) -> None:
    """Write `n` alerts in EVE's form, their payloads from the grammar."""
    from threatclip.pairs.samples import sample_pairs

    with path.open("w") as out:
        for number, pair in enumerate(sample_pairs(n=n, seed=7)):
            alert = {
                "timestamp": f"2026-11-{1 + number % 28:02d}T{number % 24:02d}:00:00.{number % 10**6:06d}+0000",
                "flow_id": 10**15 + number,
                "event_type": "alert",
                "src_ip": f"192.0.2.{number % 256}",
                "dest_ip": "198.51.100.7",
                "dest_port": 80,
                "app_proto": "http",
                "alert": {"signature_id": 2_000_000 + number % 977, "signature": "sample", "severity": 1},
                "payload": base64.b64encode(pair.view).decode(),
            }
            out.write(json.dumps(alert) + "\n")


def trained(folder: Path) -> Path:
    """Train the demo's payload classifier and return its run."""
    from threatclip.experiments.config import load_recipe
    from threatclip.experiments.progress import ignore
    from threatclip.experiments.tasks import train_run
    from threatclip.pairs.samples import sample_pairs
    from threatclip.pairs.table import write_pairs

    write_pairs(folder / "pairs.parquet", sample_pairs(n=2_400, seed=0), modality="payload")
    with as_file(files("threatclip.experiments") / "demo.toml") as path:
        recipe = load_recipe(path, [f"data.pairs.path={str(folder / 'pairs.parquet')!r}"])
    train_run(recipe, folder / "run", resume=False, on_progress=ignore)
    return folder / "run"


def peak_mib() -> float:
    """Return the peak of this process's memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(result: dict[str, object]) -> str:
    """Return the figures as lines of text."""
    figures, ratios = result["figures"], result["bulk_over"]
    lines = [f"{result['alerts']:,} alerts, {result['log_mib']:.1f} MiB", ""]
    lines.append(f"{'':>24}  alerts/CPU s  alerts/s  measured on  peak MiB  bulk is faster by")
    for way, one in figures.items():
        lines.append(
            f"{way:>24}  {one['alerts_per_cpu_s']:>12,.1f}  {one['alerts_per_s']:>8,.1f}  {one['alerts']:>11,}  "
            f"{one['peak_mib']:>8,.0f}  {ratios[way]:>17.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
