"""`evaluate` of a contrastive run: retrieval and zero-shot classes, beside the models it came from and chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import MANIFEST
from threatclip.errors import InputError
from threatclip.evaluation.paired import paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.ranking import random_pr_auc_macro
from threatclip.evaluation.retrieval import Judgment, QueryScores, chance_scores, mean_over_groups, query_scores
from threatclip.evaluation.summary import measure
from threatclip.evaluation.zero_shot import ZERO_SHOT
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.contrastive.examples import found_examples
from threatclip.experiments.contrastive.judging import Rows, gallery_rows, vectors_of, zero_shot_predictions
from threatclip.experiments.contrastive.recipe import Contrastive
from threatclip.experiments.contrastive.report import write_contrastive_report
from threatclip.experiments.contrastive.train import STAGES, START
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.judging import plain_metrics
from threatclip.experiments.progress import Counted, OnProgress
from threatclip.experiments.run_folder import BUNDLE, PAIRS, STEPS
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng
from threatclip.training.dual.prepared import whole

UNTRAINED, RANDOM = "untrained", "random"
_AREA_RESAMPLES = 1_000  # sorting every class for every resample: enough for an interval, not for a wait


def evaluate_contrastive(
    run: Path, *, pairs: Path | None, baselines: bool, out: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Judge a run on the test rows of its last stage, or on the table `pairs`; write metrics.json and report.html.

    Args:
        run: the run folder.
        pairs: a pair table of the run's modality, all rows of which are judged.
        baselines: also the model before each stage (the un-adapted model), the untrained towers, and chance.
        out: where to write; default RUN/evaluation, or RUN/evaluation-TABLE.
        on_progress: told of each model that is judged.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: a bundle or the table was changed.
    """
    recipe = recipe_of(Contrastive, run)
    bundle = DualBundle.load(run)
    rows, table = _rows_to_judge(run, recipe, pairs, bundle)
    others = _earlier(run, recipe) if baselines else {}
    tables = [] if pairs is not None else [stage.name for stage in recipe.stages[:-1]]
    told = Counted(stage="evaluate", total=1 + len(others) + 2 * len(tables), on_progress=on_progress)
    judge = _Judge(recipe=recipe, pairs=rows)
    found = judge(bundle)
    told()
    result: dict[str, Any] = {
        "run": str(run),
        "task": recipe.task,
        "seed": recipe.seed,
        "table": table,
        "probes": {},
        "baselines": {},
        **found.as_plain(judge),
    }
    if baselines:
        result["baselines"], result["comparisons"] = _compared(judge, found, others, told)
    result["tables"] = {name: _elsewhere(run, recipe, name, bundle, told) for name in tables}
    result["examples"] = found_examples(found.vectors, judge.rows)
    result["steps"] = str(run / STEPS)
    write_page = partial(write_contrastive_report, steps=run / STEPS)
    return keep_evaluation(result, run=run, pairs=pairs, out=out, model=bundle.model, write_page=write_page)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What one model makes of the judged rows."""

    vectors: Judgment
    scores: QueryScores
    pool: int
    classes: Predictions | None

    def as_plain(self, judge: _Judge) -> dict[str, Any]:
        """Return metrics and what they were measured on."""
        return {
            "n": len(judge.rows.captions),
            "metrics": judge.metrics(self),
            "gallery": {"views": len(self.vectors.views), "captions": len(self.vectors.captions)},
            "matching_pool": self.pool,
            "n_labeled": 0 if self.classes is None else len(self.classes),
            "classes": [] if self.classes is None else list(self.classes.classes),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judge:
    """Judges every model on the same rows with the same resamples: comparisons are paired."""

    recipe: Contrastive
    pairs: Sequence[Pair]

    @property
    def rows(self) -> Rows:
        return gallery_rows(self.pairs)

    def __call__(self, bundle: DualBundle) -> _Found:
        vectors = vectors_of(bundle, self.rows)
        scores, pool = query_scores(vectors, pool=self.recipe.matching_pool)
        prompts = self.recipe.prompts
        classes = zero_shot_predictions(bundle, self.pairs, prompts) if prompts else None
        return _Found(vectors=vectors, scores=scores, pool=pool, classes=classes)

    def metrics(self, found: _Found) -> dict[str, Any]:
        """Return every metric with its interval."""
        metrics = plain_metrics(mean_over_groups(found.scores, rng=self.draw()))
        if found.classes is not None:
            metrics |= plain_metrics(measure(found.classes, ZERO_SHOT, rng=self.draw(), n_resamples=_AREA_RESAMPLES))
        return metrics

    def draw(self) -> np.random.Generator:
        return rng(self.recipe.seed, "bootstrap")


def _rows_to_judge(run: Path, recipe: Contrastive, pairs: Path | None, bundle: DualBundle) -> tuple[list[Pair], str]:
    path = pairs or run / STAGES / recipe.stages[-1].name / PAIRS
    table = PairTable.open(path)
    if table.modality != bundle.modality:
        raise InputError(f"{path} holds {table.modality} pairs; this run judges {bundle.modality} pairs")
    rows = [pair for pair in table.iter_pairs() if pairs is not None or pair.split == "test"]
    if len(whole(rows)) < 2:
        raise InputError(f"{path} has {len(whole(rows))} rows with both halves; nothing to judge")
    return rows, str(path)


def _earlier(run: Path, recipe: Contrastive) -> dict[str, Path]:
    """Return the models that the run's own came from, the latest first, by the names they are published under."""
    earlier = [(f"before-{after.name}", before.name) for before, after in itertools.pairwise(recipe.stages)]
    names = [*reversed(earlier), (UNTRAINED if recipe.start is None else "start", START)]
    folders = {title: run / STAGES / name for title, name in names}
    return {title: folder for title, folder in folders.items() if (folder / BUNDLE / MANIFEST).is_file()}


def _compared(
    judge: _Judge, found: _Found, others: Mapping[str, Path], told: Counted
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the metrics of every other model and of chance, and our difference to each model."""
    baselines: dict[str, Any] = {}
    comparisons: dict[str, Any] = {}
    for title, folder in others.items():
        theirs = judge(DualBundle.load(folder))
        baselines[title] = judge.metrics(theirs)
        comparisons[title] = _difference(judge, found, theirs)
        told()
    chance = chance_scores(found.vectors, pool=found.pool)
    baselines[RANDOM] = plain_metrics(mean_over_groups(chance, rng=judge.draw(), n_resamples=1))
    if found.classes is not None:
        # a random ranking of few rows has a higher precision than their share
        area = measure(found.classes, {"pr_auc_macro": random_pr_auc_macro}, rng=judge.draw(), n_resamples=1)
        baselines[RANDOM] |= plain_metrics(area)
    return baselines, comparisons


def _difference(judge: _Judge, ours: _Found, theirs: _Found) -> dict[str, Any]:
    plain = plain_metrics(mean_over_groups(ours.scores, minus=theirs.scores, rng=judge.draw()))
    if ours.classes is not None and theirs.classes is not None:
        metrics = {name: metric for name, metric in ZERO_SHOT.items() if name != "base_rate"}
        plain |= plain_metrics(
            paired_difference(ours.classes, theirs.classes, metrics, rng=judge.draw(), n_resamples=_AREA_RESAMPLES)
        )
    return plain


def _elsewhere(run: Path, recipe: Contrastive, stage: str, bundle: DualBundle, told: Counted) -> dict[str, Any]:
    """Judge the last model, and the one of an earlier stage, on that stage's test rows: what adapting forgot."""
    table = PairTable.open(run / STAGES / stage / PAIRS)
    judge = _Judge(recipe=recipe, pairs=[pair for pair in table.iter_pairs() if pair.split == "test"])
    now = judge(bundle)
    told()
    then = judge(DualBundle.load(run / STAGES / stage))
    told()
    return {**now.as_plain(judge), "then": judge.metrics(then), "difference": _difference(judge, now, then)}
