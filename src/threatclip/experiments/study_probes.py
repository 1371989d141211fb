"""What is left under each probe: how much of a score rests on shortcuts."""

from __future__ import annotations

from collections.abc import Sequence

from threatclip.evaluation.metrics import accuracy
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.shortcuts import SHORTCUT_PROBES
from threatclip.experiments.recipe import Views
from threatclip.experiments.report_text import DASH
from threatclip.experiments.study_cells import POOL, SVC, TEST, StudyCells
from threatclip.experiments.study_figures import BOTH, MACRO, Judge, mean_sd, present_classes, values
from threatclip.experiments.study_headline import best_baseline, model_title
from threatclip.experiments.study_markdown import difference, escape, percent, table, with_interval

CONTROL = "endpoint_only"
SWAP = "marker_swap"
Source = tuple[str, str]
"""A variation and one of its models."""


def under_probes(cells: StudyCells, judge: Judge) -> list[str]:
    """Return macro-F1 and accuracy under every probe, the differences to the word baseline, and the shortcut score."""
    probes = cells.probes(cells.reference)
    if not probes:
        return []
    sources = _sources(cells)
    titles = [model_title(model, pool=cells.label(cells.reference)) for _, model in sources]
    return [
        "## Probes",
        "Each probe removes or swaps something of the test payloads that a model should not need; endpoint_only is "
        "the negative control. A dash: the model was not asked under probes.",
        "### Macro-F1",
        table(("probe", *titles), _metric_rows(cells, judge, sources, probes, "macro_f1")),
        "### Accuracy",
        table(("probe", *titles), _metric_rows(cells, judge, sources, probes, "accuracy")),
        f"### {escape(cells.reference)} minus {escape(model_title(SVC, pool=''))}",
        table(("probe", "accuracy", "macro-F1"), _difference_rows(cells, judge, probes)),
        *_shortcuts(cells, judge, sources, probes),
    ]


def trained_probes(cells: StudyCells) -> tuple[str, ...]:
    """Return the probes that the reference was trained on, as its cell says, else as recipes have them by default."""
    for cell in cells.of(cells.reference):
        if "trained_probes" in cell.facts:
            return tuple(cell.facts["trained_probes"])
    return Views().trained_probes


def drop(
    judge: Judge, whole: Sequence[Predictions], probed: Sequence[Sequence[Predictions]]
) -> tuple[str, float | None]:
    """Return the loss of macro-F1 under the mean of several probes: written with its interval, and its value."""
    answers = [one for by_seed in probed for one in by_seed]
    if not all(len(by_seed) == len(whole) for by_seed in probed):
        return DASH, None
    metric = judge.difference(whole, answers, MACRO).get("macro_f1")
    return difference(metric), metric.value if metric else None


def _sources(cells: StudyCells) -> list[Source]:
    chosen = dict.fromkeys(name for name in (SVC, best_baseline(cells)) if name in cells.models(cells.baselines))
    ours = [(cells.reference, model) for model in cells.models(cells.reference)]
    return ours + [(cells.baselines or "", model) for model in chosen if model]


def _rows(probe: str | None) -> str:
    return f"{TEST}@{probe}" if probe else TEST


def _metric_rows(
    cells: StudyCells, judge: Judge, sources: Sequence[Source], probes: Sequence[str], metric: str
) -> list[list[str]]:
    one = {metric: BOTH[metric]}
    return [
        [
            probe or "none",
            *(
                with_interval(judge.mean(cells.predictions(*source, _rows(probe)), one).get(metric))
                for source in sources
            ),
        ]
        for probe in (None, *probes)
    ]


def _difference_rows(cells: StudyCells, judge: Judge, probes: Sequence[str]) -> list[list[str]]:
    rows = []
    for probe in (None, *probes):
        ours = cells.predictions(cells.reference, POOL, _rows(probe))
        gaps = judge.difference(ours, cells.predictions(cells.baselines, SVC, _rows(probe)), BOTH)
        rows.append([probe or "none", *(difference(gaps.get(name)) for name in BOTH)])
    return rows


def _shortcuts(cells: StudyCells, judge: Judge, sources: Sequence[Source], probes: Sequence[str]) -> list[str]:
    scored = [name for name in SHORTCUT_PROBES if name in probes]
    trained = [name for name in scored if name in trained_probes(cells)]
    untrained = [name for name in scored if name not in trained]
    if not scored:
        return []
    rows = []
    for variation, model in sources:
        whole = cells.predictions(variation, model, TEST)
        probed = {name: cells.predictions(variation, model, _rows(name)) for name in scored}
        drops = {name: drop(judge, whole, [probed[name]]) for name in scored}
        lost = {name: value for name, (_, value) in drops.items() if value is not None}
        worst = max(lost, key=lambda name: lost[name]) if lost else None
        rows.append(
            [
                model_title(model, pool=cells.label(cells.reference)),
                drop(judge, whole, list(probed.values()))[0],
                drop(judge, whole, [probed[name] for name in untrained])[0] if untrained else DASH,
                *(drops[name][0] for name in scored),
                worst or DASH,
            ]
        )
    return [
        "### Shortcut score",
        "S is the mean loss of macro-F1 in points over "
        f"{escape(', '.join(scored))}; lower is better. {escape(cells.reference)} was trained on views like "
        f"{escape(', '.join(trained) or 'none of them')}, which therefore measure nothing for it: S is also given "
        f"without them. {escape(SWAP)} and the stress probes are never trained on.",
        table(("model", "S", "S untrained", *(f"loss {name}" for name in scored), "worst"), rows),
        *_control(cells),
        *_swap(cells, judge),
    ]


def _control(cells: StudyCells) -> list[str]:
    answers = cells.predictions(cells.reference, POOL, _rows(CONTROL))
    if not answers:
        return []
    counts = present_classes(answers[0])
    share = max(counts.values()) / sum(counts.values())
    ours, theirs = (
        mean_sd(values(cells.predictions(*source, _rows(CONTROL)), accuracy))[0]
        for source in ((cells.reference, POOL), (cells.baselines, SVC))
    )
    return [
        f"With the endpoint alone, accuracy is {percent(ours)} for {escape(cells.reference)} and {percent(theirs)} for "
        f"the word baseline; always answering the most frequent class would reach {percent(share)}. What is above "
        "that is learned from paths."
    ]


def _swap(cells: StudyCells, judge: Judge) -> list[str]:
    whole = cells.predictions(cells.reference, POOL, TEST)
    lost, value = drop(judge, whole, [cells.predictions(cells.reference, POOL, _rows(SWAP))])
    if value is None:
        return []
    return [
        f"Swapping test authors' markers costs {escape(cells.reference)} {escape(lost)} points of macro-F1 "
        "(positive: a loss)."
    ]
