"""`evaluate`: a run judged on rows that it has not seen, beside its probes, its parts and the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.classification.baselines import BASELINES, FittedBaselines, LabeledViews, fit_baselines
from threatclip.classification.fusion import LogLinearPool
from threatclip.errors import InputError
from threatclip.evaluation.confidence import coverage, selective_accuracy
from threatclip.evaluation.paired import mcnemar, paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.shortcuts import SHORTCUT_PROBES, shortcut_score
from threatclip.evaluation.summary import AREAS, HEADLINE, MetricFunction, measure, summarize
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.judging import SHORT, Judged, plain_metrics, under_probes
from threatclip.experiments.progress import Counted, OnProgress
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.experiments.run_folder import PAIRS
from threatclip.experiments.text_side import text_features
from threatclip.pairs.table import PairTable

_AREA_RESAMPLES = 500  # sorting every class for every resample: enough for an interval, not for a wait
_WORST_ROWS = 20


def evaluate_run(
    run: Path,
    *,
    pairs: Path | None,
    probes: bool,
    baselines: bool,
    out: Path | None,
    on_progress: OnProgress,
    baseline_names: Sequence[str] = tuple(BASELINES),
) -> dict[str, Any]:
    """Judge a run on its test rows, or on the table `pairs`, and write metrics.json and report.html.

    Args:
        run: the run folder.
        pairs: a pair table; rows without a label are counted and answered, not judged.
        probes: also under every probe, with the shortcut score.
        baselines: also the built-in baselines, fitted on the run's own training and validation rows.
        out: where to write; default RUN/evaluation, or RUN/evaluation-TABLE.
        on_progress: told of each part.
        baseline_names: which of them.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the bundle or the table was changed.
    """
    classifier = PayloadClassifier.load(run)
    recipe = recipe_of(PayloadWeakness, run)
    judged = _rows_to_judge(run, pairs, classifier.classes, seed=recipe.seed)
    told = Counted(stage="evaluate", total=2 + probes + 2 * baselines, on_progress=on_progress)
    scores = classifier.member_scores(judged.views)
    probabilities = classifier.pool.probabilities(scores)
    told()
    result: dict[str, Any] = {"probes": {}, "baselines": {}, **_headline(judged, classifier, probabilities)}
    result |= {"run": str(run), "task": recipe.task, "seed": recipe.seed, "table": str(pairs or run / PAIRS)}
    result["leakage"] = None if pairs else (PairTable.open(run / PAIRS).split_info or {}).get("leakage")
    result["members"] = _member_metrics(judged, classifier.pool, scores)
    if probes:
        probed = {name: classifier.probabilities(views) for name, views in under_probes(judged.views).items()}
        result["probes"], result["shortcuts"] = _probe_results(judged, probabilities, probed, recipe.trained_probes)
        told()
    if baselines:
        fitted = fit_run_baselines(run, classifier, seed=recipe.seed, names=baseline_names)
        told()
        result |= _baseline_results(judged, probabilities, fitted, probes=probes)
        told()
    kept = keep_evaluation(result, run=run, pairs=pairs, out=out, model=classifier.model)
    told()
    return kept


def _rows_to_judge(run: Path, pairs: Path | None, classes: tuple[str, ...], *, seed: int) -> Judged:
    table = PairTable.open(pairs or run / PAIRS)
    if table.modality != "payload":
        raise InputError(f"{table.path} holds {table.modality} pairs; this run judges payloads")
    rows = tuple(pair for pair in table.iter_pairs() if pairs is not None or pair.split == "test")
    if not any(pair.label in classes for pair in rows):
        raise InputError(f"{table.path} has no row with a class of this run ({', '.join(classes)}); nothing to judge")
    return Judged(pairs=rows, classes=classes, seed=seed)


def _headline(judged: Judged, classifier: PayloadClassifier, probabilities: np.ndarray) -> dict[str, Any]:
    predictions = judged.predictions(probabilities)
    threshold = classifier.abstention.threshold
    answered: dict[str, MetricFunction] = {
        "coverage": partial(coverage, threshold=threshold),
        "selective_accuracy": partial(selective_accuracy, threshold=threshold),
    }
    summary = summarize(predictions, {**HEADLINE, **answered}, rng=judged.draw())
    plain = summary.as_dict()
    areas = measure(predictions, AREAS, rng=judged.draw(), n_resamples=_AREA_RESAMPLES)
    plain["metrics"] |= plain_metrics(areas)
    plain["n_unlabeled"] = len(predictions) - summary.n
    unlabeled = probabilities[predictions.truth < 0]
    if len(unlabeled):
        plain["unlabeled_answered"] = float(classifier.abstention.answers(unlabeled).mean())
    plain["abstention"] = {
        "threshold": threshold,
        "target": classifier.abstention.target,
        "coverage": plain["metrics"]["coverage"]["value"],
        "precision": plain["metrics"]["selective_accuracy"]["value"],
    }
    plain["coverage_curve"] = _coverage_curve(predictions.labeled())
    plain["worst_rows"] = _confident_mistakes(judged, predictions)
    return plain


def _coverage_curve(predictions: Predictions) -> list[dict[str, float]]:
    order = np.argsort(-predictions.confidence, kind="stable")
    right = np.cumsum(predictions.correct[order])
    counts = np.arange(1, len(order) + 1)
    kept = np.unique(np.linspace(0, len(order) - 1, 60).astype(int))
    return [
        {
            "coverage": float(counts[i] / len(order)),
            "precision": float(right[i] / counts[i]),
            "threshold": float(predictions.confidence[order[i]]),
        }
        for i in kept
    ]


def _confident_mistakes(judged: Judged, predictions: Predictions) -> list[dict[str, Any]]:
    wrong = np.flatnonzero(~predictions.correct & (predictions.truth >= 0))
    wrong = wrong[np.argsort(-predictions.confidence[wrong], kind="stable")][:_WORST_ROWS]
    return [
        {
            "id": judged.pairs[row].id,
            "truth": judged.classes[predictions.truth[row]],
            "answer": judged.classes[predictions.predicted[row]],
            "probability": float(predictions.confidence[row]),
            "payload": judged.pairs[row].view[:2000].decode("utf-8", "replace"),
        }
        for row in wrong
    ]


def _member_metrics(judged: Judged, pool: LogLinearPool, scores: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {name: judged.measure(pool.alone(name).probabilities(scores)) for name in scores}


def _probe_results(
    judged: Judged, full: np.ndarray, probed: Mapping[str, np.ndarray], trained: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the metrics under each probe, and the shortcut score with and without the probes trained on."""
    metrics = {name: judged.measure(one) for name, one in probed.items()}
    predictions = {name: judged.predictions(probed[name]) for name in SHORTCUT_PROBES}
    whole = judged.predictions(full)
    shortcuts = shortcut_score(whole, predictions, rng=judged.draw()).as_dict()
    untrained = [name for name in SHORTCUT_PROBES if name not in trained]
    shortcuts["trained_probes"] = list(trained)
    shortcuts["untrained"] = shortcut_score(whole, predictions, probes=untrained, rng=judged.draw()).as_dict()
    return metrics, shortcuts


def fit_run_baselines(run: Path, classifier: PayloadClassifier, *, seed: int, names: Sequence[str]) -> FittedBaselines:
    """Fit baselines on the run's own training and validation rows."""
    rows = list(PairTable.open(run / PAIRS).iter_pairs())
    parts = [
        LabeledViews(
            views=[pair.view for pair in rows if pair.split == split],
            truth=np.array([classifier.classes.index(pair.label or "") for pair in rows if pair.split == split]),
        )
        for split in ("train", "validation")
    ]
    return fit_baselines(*parts, n_classes=len(classifier.classes), seed=seed, embed=minilm_embedding, names=names)


def minilm_embedding(views: Sequence[bytes]) -> np.ndarray:
    """Return the frozen all-MiniLM-L6-v2 features of payloads (256 tokens, unit length): the embedding baselines."""
    from threatclip.classification.heads import unit
    from threatclip.encoders.pretrained import PretrainedTower, build_pretrained

    tower = build_pretrained(PretrainedTower(source="minilm", max_tokens=256))
    return unit(text_features(tower, [view.decode("utf-8", "replace") for view in views], progress=lambda *_: None))


def _baseline_results(judged: Judged, model: np.ndarray, fitted: FittedBaselines, *, probes: bool) -> dict[str, Any]:
    answers = fitted.probabilities(judged.views)
    table = {name: judged.measure(one, HEADLINE) for name, one in answers.items()}
    best = max((name for name in table), key=lambda name: float(table[name]["macro_f1"]["value"]))
    if probes:
        cheap = [name for name in answers if BASELINES[name].features != "embedding"]
        under = {
            probe: replace(fitted, heads={name: fitted.heads[name] for name in cheap}).probabilities(views)
            for probe, views in under_probes(judged.views).items()
        }
        for name in cheap:
            probed = {probe: one[name] for probe, one in under.items()}
            table[name]["probes"], table[name]["shortcuts"] = _probe_results(judged, answers[name], probed, ())
    ours, theirs = judged.predictions(model), judged.predictions(answers[best])
    differences = paired_difference(ours, theirs, SHORT, rng=judged.draw())
    return {
        "baselines": table,
        "comparison": {
            "baseline": best,
            "differences": plain_metrics(differences),
            "mcnemar": mcnemar(ours, theirs).as_dict(),
        },
    }
