"""`repair`: a better bundle of a suspect one, by trusted pairs; the rate chosen, and all measured, on held-out ones."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, storage_errors, write_json
from threatclip.defenses.contracts import Suspect
from threatclip.errors import DivergedError, InputError, ThreatclipError
from threatclip.evaluation.attack_success import class_ranks
from threatclip.evaluation.intervals import Metric
from threatclip.evaluation.retrieval import Judgment, mean_over_groups, query_scores
from threatclip.evaluation.zero_shot import zero_shot_scores
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.matrix.choice import Tried, chosen_rate
from threatclip.experiments.matrix.material import split_off
from threatclip.experiments.poisoning.material import distinct_views, view_of
from threatclip.experiments.poisoning.row_scores import RowScores
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.repair_card import repair_card
from threatclip.experiments.run_folder import bundle_folder
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng
from threatclip.training.contracts import Step
from threatclip.training.dual.settings import Fit

CHOSEN_BY = ("clean_accuracy_1", "i2t_r_10")
"""What a learning rate is chosen by: zero-shot accuracy where the model has prompts of the labels, else recall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairJob:
    """One repair that was asked for.

    Attributes:
        bundle: of the suspect model, or its run.
        repair: a member of `defenses.repairs`.
        trusted: pair table of clean pairs that the model did not learn from.
        out: folder of the new bundle; must not exist.
        fit: the budget; its learning rate is replaced.
        rates: learning rates; of several, the largest that keeps the held-out figure within `tolerance`.
        tolerance: see above, a fraction.
        held_out: share of the trusted views that nothing learns from, in whole groups.
        seed: of everything drawn.
    """

    bundle: Path
    repair: Any
    trusted: Path
    out: Path
    fit: Fit
    rates: tuple[float, ...]
    tolerance: float = 0.03
    held_out: float = 0.2
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Bench:
    """The pairs of a job, and where models wait that were tried."""

    job: RepairJob
    suspect: DualBundle
    learned: Sequence[Pair]
    held_out: Sequence[Pair]
    trusted_hash: str
    key: str

    def folder(self, rate: float) -> Path:
        return work_folder(self.job.out) / f"{self.key[:16]}-{rate:g}"


def work_folder(out: Path) -> Path:
    """Return where a repair keeps what it has tried: a stopped one goes on from there."""
    return out.parent / f".{out.name}.repair"


def repair_bundle(job: RepairJob, *, on_progress: OnProgress) -> dict[str, Any]:
    """Repair a bundle and return what was done and what it changed on held-out pairs.

    A stopped call goes on where it was: learning rates that were tried are kept beside `out` until it is there.

    Raises:
        InputError: `out` exists, the table is of another modality, or there are too few trusted pairs.
        DamagedArtifactError: the bundle or the table was changed.
        DivergedError: every learning rate left the finite numbers.
        StorageError: the disk refused.
    """
    if job.out.exists():
        raise InputError(f"{job.out} exists; a repair is never written over something: choose another folder")
    bench = _bench(job)
    began = time.monotonic()
    before = held_out_scores(bench.suspect, bench.held_out)
    tried = {rate: _tried(bench, rate, on_progress) for rate in dict.fromkeys(job.rates)}
    by = next((name for name in CHOSEN_BY if name in before), CHOSEN_BY[-1])
    rate = chosen_rate(
        [Tried(rate=rate, accuracy=_mean(told, by)) for rate, told in tried.items()],
        float(before[by][0].mean()),
        tolerance=job.tolerance,
    )
    if rate is None:
        raise DivergedError(f"{job.repair.kind} left the finite numbers at every learning rate; try lower ones")
    made = DualBundle.load(bench.folder(rate))
    after = held_out_scores(made, bench.held_out)
    report = {
        "bundle": str(job.bundle),
        "output": str(job.out),
        "suspect_model": bench.suspect.model,
        "method": job.repair.kind,
        "paper": job.repair.paper,
        "settings": as_plain(job.repair),
        "budget": as_plain(replace(job.fit, learning_rate=rate)),
        "learning_rate": rate,
        "chosen_by": by,
        "tolerance": job.tolerance,
        "tried": [{"learning_rate": one, **told} for one, told in tried.items()],
        "trusted": str(job.trusted),
        "trusted_hash": bench.trusted_hash,
        "n_trusted": len(bench.learned),
        "n_held_out": len(bench.held_out),
        "seed": job.seed,
        "before": _plain(_means(before, job.seed)),
        "after": _plain(_means(after, job.seed)),
        "change": _plain(_means(_minus(after, before), job.seed)),
    }
    suspect_card = bundle_folder(job.bundle) / "README.md"
    shown = suspect_card.read_text(encoding="utf-8", errors="replace") if suspect_card.is_file() else ""
    made.save(job.out, card=repair_card(report, suspect_card=shown))
    with storage_errors(work_folder(job.out)):
        shutil.rmtree(work_folder(job.out))
    return {**report, "model": DualBundle.load(job.out).model, "seconds": time.monotonic() - began}


def _bench(job: RepairJob) -> _Bench:
    suspect, table = DualBundle.load(job.bundle), PairTable.open(job.trusted)
    if table.modality != suspect.modality:
        raise InputError(
            f"{job.trusted} holds {table.modality} pairs, {job.bundle} reads {suspect.modality} views; trust others"
        )
    table.verify()
    pairs = [pair for pair in table.iter_pairs() if pair.view and pair.caption and pair.caption.strip()]
    views = len(distinct_views(pairs))
    learned, held_out = split_off(pairs, round(job.held_out * views), seed=job.seed)
    if not learned or len(held_out) < 2:
        raise InputError(
            f"{job.trusted} leaves {len(learned)} pairs to learn from and {len(held_out)} held out, of {len(pairs)} "
            "with a view and a caption; trust more pairs"
        )
    asked = [
        suspect.model,
        table.content_hash,
        as_plain(job.repair),
        as_plain(job.fit),
        job.held_out,
        job.seed,
    ]
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return _Bench(
        job=job,
        suspect=suspect,
        learned=learned,
        held_out=held_out,
        trusted_hash=table.content_hash,
        key=key,
    )


def _tried(bench: _Bench, rate: float, on_progress: OnProgress) -> dict[str, Any]:
    """Repair at one learning rate, unless an earlier call did, and return the held-out figures."""
    job, folder = bench.job, bench.folder(rate)
    told_at = folder.with_suffix(".json")
    kept = _kept(folder, told_at)
    if kept is not None:
        return kept
    fresh = DualBundle.load(job.bundle)
    suspect = Suspect(dual=fresh.dual, modality=fresh.modality, prompts=fresh.prompts, trusted=bench.learned)

    def on_step(step: Step) -> None:
        on_progress(Progress(stage=f"learning rate {rate:g}, epochs", done=step.epoch, total=job.fit.epochs))

    try:
        dual = job.repair.repair(suspect, replace(job.fit, learning_rate=rate), seed=job.seed, on_step=on_step)
    except DivergedError as error:
        told: dict[str, Any] = {"metrics": {}, "diverged": str(error)}
        write_json(told_at, told)
        return told
    made = DualBundle(dual=dual, modality=fresh.modality, prompts=fresh.prompts)
    made.save(folder, card="A model of a repair that is not finished.\n")
    told = {"metrics": _plain(_means(held_out_scores(made, bench.held_out), job.seed))}
    write_json(told_at, told)
    return told


def _kept(folder: Path, told_at: Path) -> dict[str, Any] | None:
    if not told_at.is_file():
        return None
    try:
        told = read_json(told_at)
        if "diverged" not in told:
            DualBundle.load(folder)
        return dict(told) if isinstance(told["metrics"], dict) else None
    except (ThreatclipError, KeyError, TypeError):
        return None


def held_out_scores(model: DualBundle, pairs: Sequence[Pair]) -> RowScores:
    """Return zero-shot accuracy, where the model has prompts of labels, and recall of both galleries, row by row."""
    rows = distinct_views(pairs)
    vectors = model.view_vectors([pair.view for pair in rows])
    found: RowScores = {}
    labeled = [place for place, pair in enumerate(rows) if pair.label is not None and pair.label in model.prompts]
    if labeled and len(model.prompts) > 1:
        classes, prototypes = model.prototypes()
        truth = np.array([classes.index(rows[place].label or "") for place in labeled])
        ranks = class_ranks(zero_shot_scores(vectors[labeled], prototypes), truth)
        found["clean_accuracy_1"] = (1.0 * (ranks <= 1), _groups([rows[place] for place in labeled]))
    judgment = Judgment(
        views=vectors,
        captions=model.text_vectors([pair.caption or "" for pair in pairs]),
        view_groups=np.array([view_of(pair) for pair in rows], dtype=object),
        caption_groups=np.array([view_of(pair) for pair in pairs], dtype=object),
    )
    scores, _ = query_scores(judgment)
    return found | {name: (1.0 * np.asarray(values), owners) for name, (values, owners) in scores.items()}


def _groups(pairs: Sequence[Pair]) -> np.ndarray:
    return np.array([view_of(pair) for pair in pairs], dtype=object)


def _mean(told: Mapping[str, Any], name: str) -> float | None:
    metric = told["metrics"].get(name)
    return None if metric is None else float(metric["value"])


def _means(scores: RowScores, seed: int) -> dict[str, Metric]:
    return mean_over_groups(scores, rng=rng(seed, "bootstrap"))


def _minus(after: RowScores, before: RowScores) -> RowScores:
    return {name: (values - before[name][0], groups) for name, (values, groups) in after.items()}


def _plain(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    return {name: metric.as_dict() for name, metric in metrics.items()}
