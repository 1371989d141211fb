"""`evaluate` of a group run: its held-out reports anew, with baselines beside them, or a table of other incidents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, read_tensors, verify_manifest
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.predictions import predictions_of
from threatclip.evaluation.summary import measure
from threatclip.experiments.attribution.baselines import BASELINES, READS_FEATURES, sides_of
from threatclip.experiments.attribution.bundle import load_attribution
from threatclip.experiments.attribution.incidents import incident_predictions, pooled
from threatclip.experiments.attribution.recipe import Attribution
from threatclip.experiments.attribution.rows import support_rows
from threatclip.experiments.attribution.splits import GroupSplit
from threatclip.experiments.attribution.train import JUDGED, JUDGED_ROWS, METRICS, figures, recipe_rows, recipe_split
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.judging import plain_metrics
from threatclip.experiments.material import root_folder
from threatclip.experiments.run_folder import bundle_folder
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng


def evaluate_attribution(run: Path, *, pairs: Path | None, baselines: bool, out: Path | None) -> dict[str, Any]:
    """Judge a run on the reports it held out, or its bundle on the table `pairs`.

    Args:
        run: the run folder.
        pairs: a table of texts: labels are G-numbers, groups are incidents; rows without a known label are left out.
        baselines: also the baselines that read no vectors, on the same rows; needs the data of the run.
        out: where to write metrics.json and report.html; default RUN/evaluation, or RUN/evaluation-TABLE.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the run, its bundle or the table was changed.
    """
    recipe = recipe_of(Attribution, run)
    verify_manifest(bundle_folder(run))
    result: dict[str, Any] = {"run": str(run), "task": recipe.task, "seed": recipe.seed, "probes": {}, "baselines": {}}
    if pairs is None:
        result |= _own(run, recipe)
        if baselines:
            result["baselines"] = _baselines(recipe)
    else:
        result |= {"table": str(pairs), **_foreign(run, pairs, recipe)}
    return keep_evaluation(result, run=run, pairs=pairs, out=out, model=None)


def _own(run: Path, recipe: Attribution) -> dict[str, Any]:
    told, tensors = read_json(run / JUDGED_ROWS), read_tensors(run / JUDGED)
    try:
        split = GroupSplit.told(told)
        return {"judged": split.name, **figures(split, dict(tensors), seed=recipe.seed)}
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise DamagedArtifactError(f"{run / JUDGED} does not fit its rows ({error!r}); train the run anew") from error


def _baselines(recipe: Attribution) -> dict[str, Any]:
    root = root_folder(recipe.data.root)
    rows = recipe_rows(recipe, root)
    split = recipe_split(recipe, rows, root)
    software = [
        row for row in support_rows(rows, groups=split.groups, without=split.held_out) if row.kind == "software"
    ]
    found = {}
    for name in (*(one for one in BASELINES if one not in READS_FEATURES), "word_svc+software"):
        sides = sides_of(split, seed=recipe.seed, support=software if name.endswith("+software") else ())
        scores = BASELINES[name.removesuffix("+software")](sides)
        predictions = incident_predictions(split, pooled(np.asarray(scores, dtype=np.float64), split.incidents))
        found[name] = plain_metrics(measure(predictions, METRICS, rng=rng(recipe.seed, "bootstrap")))
    return found


def _foreign(run: Path, pairs: Path, recipe: Attribution) -> dict[str, Any]:
    classifier = load_attribution(run)
    table = PairTable.open(pairs)
    if table.modality != classifier.modality:
        raise InputError(f"{pairs} holds {table.modality} pairs; this run judges texts")
    rows = [pair for pair in table.iter_pairs() if pair.label in classifier.groups]
    if not rows:
        raise InputError(f"{pairs} has no row whose label is a G-number of this run")
    incidents = [f"{pair.label}/{pair.group or pair.id}" for pair in rows]
    texts = classifier.masked(rows)
    verdict = classifier.fitted.incidents(texts, classifier.encoder(texts), incidents)
    known = verdict.probabilities / verdict.probabilities.sum(axis=1, keepdims=True)
    truth = dict(zip(incidents, (pair.label for pair in rows), strict=True))
    predictions = predictions_of(
        labels=list(truth.values()), probabilities=known, classes=tuple(classifier.groups), ids=list(truth)
    )
    metrics = measure(predictions, METRICS, rng=rng(recipe.seed, "bootstrap"))
    return {
        "n": len(predictions),
        "n_sentences": len(rows),
        "metrics": plain_metrics(metrics),
        "answered": {
            "coverage": float(verdict.answered.mean()),
            "named": int(verdict.answered.sum()),
            "right": int(predictions.correct[verdict.answered].sum()),
        },
    }
