"""The tables of a sweep as Markdown: every figure computed from what the cells wrote, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from threatclip.evaluation.intervals import N_RESAMPLES, Metric
from threatclip.experiments.planned import environment_of
from threatclip.experiments.poisoning.doses import KEPT, Dose, read_doses
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.study_markdown import code, difference, escape, percent, table, with_interval


def sweep_sections(sweep: Sweep, out: Path, *, command: str) -> list[str]:
    """Return the blocks of one sweep: how it was made, the clean models, triggers, targeted queries.

    Raises:
        DamagedArtifactError: a cell's files are not what the sweep wrote.
    """
    found = read_doses(sweep, out)
    doses = found.doses
    blocks = [*_how_made(sweep, out, doses, command=command)]
    if found.missing:
        blocks.append(f"Cells that are missing: {escape(', '.join(found.missing))}.")
    blocks += _clean(doses)
    attacked = [dose for dose in doses if dose.line.attack is not None]
    blocks += _triggers([dose for dose in attacked if "asr_1" in dose.metrics])
    blocks += _interfaces([dose for dose in attacked if "retrieval.asr_1" in dose.metrics])
    blocks += _targeted([dose for dose in attacked if "hit_1" in dose.metrics])
    return [*blocks, *_drift(attacked)]


def _how_made(sweep: Sweep, out: Path, doses: Sequence[Dose], *, command: str) -> list[str]:
    blocks = ["All figures come from one command:", code(command)]
    where = environment_of(out)
    known = [escape(f"{name} {where[name]}") for name in ("commit", "device") if where.get(name) is not None]
    blocks.append(f"{', '.join(known).capitalize()}." if known else "The environment was not recorded.")
    if doses:
        facts = doses[0].facts
        blocks.append(
            f"The pool holds {facts.n_pool:,} pairs; judged on {facts.n_views:,} test views with "
            f"{facts.n_test:,} captions, {len(facts.classes)} classes. Victim: "
            f"{sweep.victim.fit.epochs} epochs on the clean pool; poisoned pairs are learned for "
            f"{sweep.continued.epochs} more at learning rate {sweep.continued.learning_rate:g}, unless the line starts "
            "from scratch. Figures in percent (ranks as numbers), means over seeds, with 95% intervals of a bootstrap "
            f"over the rows' groups ({N_RESAMPLES:,} resamples); differences are paired with the clean line, which "
            "learned the same pairs unpoisoned."
        )
    return blocks


def _clean(doses: Sequence[Dose]) -> list[str]:
    rows = []
    for dose in doses:
        if dose.line.attack is None:
            metrics = dose.metrics
            rows.append((dose.title, _seeds(dose), *(with_interval(metrics.get(name)) for name in KEPT)))
    headers = ("model", "seeds", "zero-shot accuracy", "view to caption R@10", "caption to view R@10")
    return ["**Models without poison**", table(headers, rows, n_text=2)]


def _triggers(doses: Sequence[Dose]) -> list[str]:
    rows = []
    for dose in doses:
        metrics, change = dose.metrics, dose.change
        asr = [name for name in ("asr_3", "asr_5", "asr_10") if name in metrics]
        rows.append(
            (
                dose.title,
                _seeds(dose),
                *_dose(dose),
                with_interval(metrics["asr_1"]),
                with_interval(metrics["asr_floor_1"]),
                " / ".join(percent(metrics[name].value) for name in asr),
                with_interval(metrics["clean_accuracy_1"]),
                difference(change.get("clean_accuracy_1")),
            )
        )
    headers = ("attack", "seeds", "poisons", "rate", "ASR@1", "floor: clean model", "ASR@3 / @5 / @10")
    if not rows:
        return []
    return [
        "**Triggers** (zero-shot, without rows of the target class; the floor: the same trigger on the clean model)",
        table((*headers, "clean accuracy", "against the clean line"), rows, n_text=2),
    ]


def _interfaces(doses: Sequence[Dose]) -> list[str]:
    names = [name for name in ("retrieval", "linear", "neighbors") if any(f"{name}.asr_1" in d.metrics for d in doses)]
    rows = []
    for dose in doses:
        metrics = dose.metrics
        both = [(metrics.get(f"{name}.asr_1"), metrics.get(f"{name}.asr_floor_1")) for name in names]
        shown = [f"{with_interval(one)}; {percent(None if floor is None else floor.value)}" for one, floor in both]
        rows.append((dose.title, str(dose.count), with_interval(metrics["asr_1"]), *shown))
    if not rows:
        return []
    headers = ("attack", "poisons", "zero-shot", *(f"{name}; floor" for name in names))
    return ["**The same triggers on other interfaces** (ASR@1; heads are fitted on clean rows)", table(headers, rows)]


def _targeted(doses: Sequence[Dose]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for dose in doses:
        rows += [_goal_row(dose, prefix) for prefix in dose.goals]
    if not rows:
        return []
    headers = ("attack", "seeds", "poisons", "rate", "Hit@1", "Hit@5", "Hit@10", "MinRank")
    others = ("random queries: Hit@10, MinRank", "clean model: Hit@10, MinRank", "R@10 against the clean line")
    return [
        "**Targeted queries** (words of class A are to find what the attacker chose; MinRank counts from 0)",
        table((*headers, *others), rows, n_text=2),
    ]


def _goal_row(dose: Dose, prefix: str) -> tuple[str, ...]:
    metrics, change = dose.metrics, dose.change
    hits = [with_interval(metrics[f"{prefix}hit_{k}"]) for k in (1, 5, 10)]
    beside = [
        f"{percent(metrics[f'{prefix}{who}_hit_10'].value)}, {metrics[f'{prefix}{who}_min_rank'].value:.1f}"
        for who in ("random", "clean")
    ]
    kept = ", ".join(difference(change.get(metric)) for metric in ("i2t_r_10", "t2i_r_10"))
    return (
        f"{dose.title}{dose.goal_name(prefix)}",
        _seeds(dose),
        *_dose(dose),
        *hits,
        _rank(metrics[f"{prefix}min_rank"]),
        *beside,
        kept,
    )


def _drift(doses: Sequence[Dose]) -> list[str]:
    rows = []
    for dose in doses:
        metrics = dose.metrics
        if "drift_view" in metrics:
            shown = (
                f"{m.value:.3f} ({m.low:.3f}–{m.high:.3f})" for m in (metrics["drift_view"], metrics["drift_caption"])
            )
            rows.append((dose.title, str(dose.count), *shown))
    if not rows:
        return []
    return [
        "**Drift** (mean cosine distance between the clean and the poisoned model's vectors of the same clean rows)",
        table(("attack", "poisons", "views", "captions"), rows),
    ]


def _seeds(dose: Dose) -> str:
    return ", ".join(map(str, dose.seeds))


def _dose(dose: Dose) -> tuple[str, str]:
    return str(dose.count), f"{100 * dose.rate:.2g}%"


def _rank(metric: Metric) -> str:
    return f"{metric.value:.2f} ({metric.low:.2f}–{metric.high:.2f})"
