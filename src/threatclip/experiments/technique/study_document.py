"""The document of the study of technique labelers: every method beside ours, paired, with what leaks are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.artifacts import read_json
from threatclip.evaluation.intervals import Metric
from threatclip.evaluation.metrics import accuracy
from threatclip.evaluation.paired import mcnemar, mean_metrics, paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.summary import MetricFunction
from threatclip.experiments.cells import Cell
from threatclip.experiments.study_markdown import (
    code,
    difference,
    document,
    escape,
    percent,
    percents,
    table,
    with_interval,
)
from threatclip.experiments.technique.baselines import WORDS_SVC, ZERO_SHOT
from threatclip.experiments.technique.judging import RESAMPLES, metrics_of, predictions
from threatclip.experiments.technique.recipe import Technique
from threatclip.experiments.technique.study import TechniqueStudy
from threatclip.experiments.technique.study_cells import OURS, WORDS_SVC_MORE, Answers, read_answers
from threatclip.seeds import rng

_TITLES = {
    OURS: "threatclip",
    WORDS_SVC: "TF-IDF(1,2) + LinearSVC",
    WORDS_SVC_MORE: "TF-IDF(1,2) + LinearSVC, on all rows that the model has",
    ZERO_SHOT: "nearest description, MiniLM untuned",
}
_ALONE = " alone"
_HEADINGS = {"reports": "reports apart", "random": "sentences at random", "years": "later years"}
_LEAST_ROWS = 10


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One judgment over its seeds."""

    name: str
    seeds: tuple[int, ...]
    answers: tuple[Answers, ...]

    @property
    def metrics(self) -> dict[str, MetricFunction]:
        """What methods are judged by."""
        return metrics_of(self.answers[0].techniques)

    @property
    def methods(self) -> list[str]:
        """Names, ours first, members last."""
        first = self.answers[0].by_method
        return sorted(first, key=lambda name: (name != OURS, name.endswith(_ALONE), name))

    def rows(self, method: str, mask: str | None = None, *, wanted: bool = True) -> list[Predictions]:
        """Return a method's answers of every seed, of rows under a mask that is the same for all."""
        found = []
        for one in self.answers:
            kept = np.ones(len(one.rows), dtype=bool) if mask is None else self.answers[0].masks[mask] == wanted
            found.append(predictions(one.rows.take(kept), one.techniques, one.by_method[method][kept]))
        return found


def study_text(
    study: TechniqueStudy,
    recipe: Technique,
    cells: Sequence[Cell],
    results: Sequence[Mapping[str, Any]],
    *,
    command: str,
) -> str:
    """Return the document as Markdown."""
    where = read_json(cells[0].folder / "environment.json")
    blocks = [
        f"# {escape(study.title)}",
        "All figures come from one command:",
        code(command),
        f"Commit {escape(str(where.get('commit')))}, {escape(str(where.get('device')))}. Figures in percent with 95% "
        "bootstrap intervals; rows of one report are drawn together. Over several seeds a figure is the mean over "
        "seeds on the same resamples: its interval speaks of rows, the seeds' own figures stand beside it. "
        "Differences are paired. Micro F1 of single labels is the accuracy. Macro F1 runs over techniques that occur "
        "in the truth. A tie ranks before the true technique.",
    ]
    for name in study.judged:
        own = [(cell, one) for cell, one in zip(cells, results, strict=True) if one["line"] == name]
        judged = _Judged(
            name=name,
            seeds=tuple(int(one["seed"]) for _, one in own),
            answers=tuple(read_answers(cell) for cell, _ in own),
        )
        blocks += _section(judged, study, recipe, own[0][1])
    costs = [
        (f"{one['line']}, seed {one['seed']}", f"{one['seconds']:,.0f}", f"{one['peak_mib']:,.0f}") for one in results
    ]
    return document([*blocks, "## Costs", table(("cell", "seconds", "peak MiB"), costs)])


def _section(judged: _Judged, study: TechniqueStudy, recipe: Technique, facts: Mapping[str, Any]) -> list[str]:
    metrics = ("accuracy", "macro_f1", "weighted_f1", "parent_accuracy", "top_5", "mrr")
    found = {method: _means(judged, judged.rows(method)) for method in judged.methods}
    rows = [
        (_title(method), *(with_interval(found[method][name]) for name in metrics), _by_seed(judged, method))
        for method in judged.methods
    ]
    blocks = [
        f"## {_heading(judged, study)}",
        escape(_about(judged, study, recipe, facts)),
        table(("method", *metrics, "accuracy by seed"), rows),
        "Ours minus the others, in points:",
        _differences(judged, metrics),
        _verdict(judged),
    ]
    return [*blocks, *_leaks(judged), *(_unseen(judged) if judged.name == "years" else []), *_confidence(judged)]


def _heading(judged: _Judged, study: TechniqueStudy) -> str:
    what = "All techniques" if judged.name == "years" else f"Sentences of {study.in_folds.sentences}"
    return f"{escape(what)}: {_HEADINGS[judged.name]}"


def _about(judged: _Judged, study: TechniqueStudy, recipe: Technique, facts: Mapping[str, Any]) -> str:
    seeds = f"seeds {', '.join(map(str, judged.seeds))}"
    if judged.name == "years":
        return (
            f"n = {facts['n']:,} procedures of ATT&CK written from {recipe.data.test_from} on, {seeds}; learned from "
            f"{facts['n_train']:,} sentences, procedures before that year and other labeled sentences. "
            f"{facts['n_techniques']} techniques can be answered; {_unseen_count(judged)} of the judged sentences are "
            f"of one without any sentence to learn from. Members are weighed on procedures from "
            f"{recipe.data.validation_from} on. The first baseline learns from the procedures before "
            f"{recipe.data.test_from}."
        )
    how = "a report is in one fold only" if judged.name == "reports" else "reports are in several folds: a leak"
    return (
        f"n = {facts['n']:,} sentences of {facts['n_reports']} reports, {study.in_folds.folds} folds, {how}, {seeds}, "
        f"which change the folds. Ours also learns from {facts['n_extra']:,} procedures of ATT&CK of the same "
        "techniques, but those that are near-duplicates of any of the sentences, and from the techniques' "
        "descriptions. Weights and thresholds come from a part of the training sentences, parted in the same way."
    )


def _means(judged: _Judged, rows: Sequence[Predictions]) -> dict[str, Metric]:
    return mean_metrics(rows, judged.metrics, rng=rng(0, "bootstrap"), n_resamples=RESAMPLES)


def _by_seed(judged: _Judged, method: str) -> str:
    return percents([float(accuracy(one)) for one in judged.rows(method)])


def _title(method: str) -> str:
    return f"member: {method}" if method.endswith(_ALONE) else _TITLES.get(method, method)


def _differences(judged: _Judged, metrics: Sequence[str]) -> str:
    ours, rows = judged.rows(OURS), []
    for method in judged.methods:
        if method == OURS:
            continue
        theirs = judged.rows(method)
        found = paired_difference(ours, theirs, judged.metrics, rng=rng(0, "bootstrap"), n_resamples=RESAMPLES)
        rows.append((_title(method), *(difference(found[name]) for name in metrics)))
    return table(("minus", *metrics), rows)


def _verdict(judged: _Judged) -> str:
    tests = [mcnemar(ours, theirs) for ours, theirs in zip(judged.rows(OURS), judged.rows(WORDS_SVC), strict=True)]
    told = "; ".join(
        f"seed {seed}: {one.only_first} against {one.only_second}, p = {one.p_value:.2g}"
        for seed, one in zip(judged.seeds, tests, strict=True)
    )
    other = escape(_TITLES[WORDS_SVC])
    return f"Sentences that only ours, and that only {other} labels rightly (McNemar, exact): {told}."


def _leaks(judged: _Judged) -> list[str]:
    """Return what copies are worth: the same answers on rows without a near-duplicate among what was learned."""
    rows = []
    for wanted, what in ((True, "none near"), (False, "a near-duplicate was learned")):
        shares = [one.masks["fresh"] == wanted for one in judged.answers]
        if min(int(one.sum()) for one in shares) < _LEAST_ROWS:
            continue
        for method in (OURS, WORDS_SVC):
            values = [_accuracy(one, method, kept) for one, kept in zip(judged.answers, shares, strict=True)]
            counts = ", ".join(f"{int(one.sum()):,}" for one in shares)
            rows.append((f"{_title(method)}, {what}", counts, percent(math.fsum(values) / len(values))))
    return [
        "Leak control: sentences without, and with, a near-duplicate (Jaccard similarity of 5-byte shingles of 0.9 or "
        "more) among the training sentences.",
        table(("method, rows", "rows by seed", "accuracy"), rows),
    ]


def _accuracy(answers: Answers, method: str, kept: np.ndarray) -> float:
    right = answers.by_method[method].argmax(axis=1) == answers.rows.labels
    return float(right[kept].mean())


def _unseen_count(judged: _Judged) -> int:
    return int((~judged.answers[0].masks["seen"]).sum())


def _unseen(judged: _Judged) -> list[str]:
    """Return how techniques without a sentence are found by their descriptions alone."""
    if _unseen_count(judged) < _LEAST_ROWS:
        return []
    rows = []
    for method in judged.methods:
        found = _means(judged, judged.rows(method, "seen", wanted=False))
        rows.append((_title(method), *(with_interval(found[name]) for name in ("accuracy", "top_5", "mrr"))))
    return [
        f"Zero-shot: the {_unseen_count(judged)} sentences of techniques that no sentence was learned of.",
        table(("method", "accuracy", "top_5", "mrr"), rows),
    ]


def _confidence(judged: _Judged) -> list[str]:
    """Return what is right where our model answers, and what the fall-back to parents adds."""
    rows = []
    for seed, one in zip(judged.seeds, judged.answers, strict=True):
        right = one.by_method[OURS].argmax(axis=1) == one.rows.labels
        named, fallen = one.masks["named"], one.masks["fallen"]
        fine = np.where(named, right, one.masks["right_parent"])
        either = named | fallen
        rows.append(
            (
                str(seed),
                percent(float(named.mean())),
                percent(float(right[named].mean()) if named.any() else math.nan),
                percent(float(either.mean())),
                percent(float(fine[either].mean()) if either.any() else math.nan),
            )
        )
    headers = ("seed", "technique named", "rightly", "technique or parent named", "rightly")
    return ["Where the model answers (thresholds were set on other sentences):", table(headers, rows)]
