"""`demo`: the whole job on generated pairs, offline, in minutes: learn, judge, answer; poison, filter, repair."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from threatclip.classification.baselines import BASELINES
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.config import load_recipe
from threatclip.experiments.demo_backdoor import run_backdoor
from threatclip.experiments.demo_report import write_demo_report
from threatclip.experiments.evaluate import evaluate_run
from threatclip.experiments.progress import OnProgress
from threatclip.experiments.run_folder import PAIRS
from threatclip.experiments.tasks import train_run
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import PairTable, write_pairs

REPORT = "report.html"
_N_PAIRS = 2400
_SHOWN = ("accuracy", "macro_f1")


def run_demo(out: Path, on_progress: OnProgress) -> dict[str, Any]:
    """Train a payload classifier, judge it, answer one request; plant a backdoor in sample payloads and get rid of it.

    Returns:
        {"table": rows of {"model", "accuracy", "asr_1", "asr_floor_1", "macro_f1", "marker_swap", "seconds"}, the last
        five None where they do not apply, "backdoor": see `run_backdoor`, "example": an answer, "report", "run", "n"}.

    Raises:
        InputError: `out` is taken.
    """
    pairs = out / "pairs.parquet"
    if not pairs.exists():
        write_pairs(pairs, sample_pairs(n=_N_PAIRS, seed=0), modality="payload")
    with as_file(files("threatclip.experiments") / "demo.toml") as path:
        recipe = load_recipe(path, [f"data.pairs.path={str(pairs.absolute())!r}"])  # wherever THREATCLIP_DATA points
    run = out / "run"
    train_run(recipe, run, resume=run.exists(), on_progress=on_progress)
    cheap = tuple(name for name, baseline in BASELINES.items() if baseline.features != "embedding")
    result = evaluate_run(
        run, pairs=None, probes=True, baselines=True, out=None, on_progress=on_progress, baseline_names=cheap
    )
    row = next(pair for pair in PairTable.open(run / PAIRS).iter_pairs() if pair.split == "test")
    backdoor = run_backdoor(out, on_progress)
    table = _table(result)
    report = out / REPORT
    write_demo_report(report, table=table, backdoor=backdoor, details=Path(result["report"]))
    return {
        "table": [*_backdoor_rows(backdoor), *table],
        "backdoor": backdoor,
        "example": {"truth": row.label, **PayloadClassifier.load(run).classify([row.view], [row.id])[0]},
        "report": str(report),
        "run": str(run),
        "n": result["n"],
    }


def _backdoor_rows(backdoor: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one line for each model of the backdoor."""
    return [
        {
            "model": f"backdoor: {row['model']}",
            "accuracy": row["metrics"]["clean_accuracy_1"]["value"],
            "asr_1": row["metrics"]["asr_1"]["value"],
            "asr_floor_1": row["metrics"]["asr_floor_1"]["value"],
            "macro_f1": None,
            "marker_swap": None,
            "seconds": round(row["seconds"], 1),
        }
        for row in backdoor["rows"]
    ]


def _table(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one line for the model, for each of its members, and for each baseline."""
    models = {"threatclip": result} | {f"  {name} alone": {"metrics": one} for name, one in result["members"].items()}
    models |= {name: {"metrics": one, **one} for name, one in result["baselines"].items()}
    rows = []
    for name, one in models.items():
        probed = one.get("probes", {}).get("marker_swap")
        rows.append(
            {
                "model": name,
                **{metric: one["metrics"][metric]["value"] for metric in _SHOWN},
                "marker_swap": probed["macro_f1"]["value"] if probed else None,
            }
        )
    return rows
