"""`demo`: the whole job on generated pairs, offline, in minutes: train, judge, probe, answer."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from threatclip.classification.baselines import BASELINES
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.config import load_recipe
from threatclip.experiments.evaluate import evaluate_run
from threatclip.experiments.progress import OnProgress
from threatclip.experiments.run_folder import PAIRS
from threatclip.experiments.tasks import train_run
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import PairTable, write_pairs

_N_PAIRS = 2400
_SHOWN = ("accuracy", "macro_f1")


def run_demo(out: Path, on_progress: OnProgress) -> dict[str, Any]:
    """Generate pairs, train on the early years, judge on the late ones beside the baselines, and answer one request.

    Returns:
        {"table": rows of {"model", "accuracy", "macro_f1", "marker_swap"}, "example": an answer, "report", "run", "n"}.

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
    return {
        "table": _table(result),
        "example": {"truth": row.label, **PayloadClassifier.load(run).classify([row.view], [row.id])[0]},
        "report": result["report"],
        "run": str(run),
        "n": result["n"],
    }


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
