"""Sweeps as one table of text: a row for each dose, or each goal of one; columns that nothing fills are left out."""

from __future__ import annotations

from collections.abc import Sequence

from threatclip.experiments.poisoning.doses import Dose
from threatclip.experiments.poisoning.report import Swept
from threatclip.experiments.study_markdown import difference, percent, with_interval

HEADER = (
    *("sweep", "line", "attack", "towers", "poisons", "rate %", "seeds"),
    *("clean accuracy", "against clean line", "ASR@1", "floor", "ASR@k"),
    *("Hit@1", "Hit@10", "MinRank", "random Hit@10", "random MinRank", "clean Hit@10", "clean MinRank"),
    *("drift of views", "of captions"),
)


def report_table(swept: Sequence[Swept]) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows; fractions in percent with their 95% interval, ranks and drift as numbers."""
    names = [one.folder.path.name for one in swept]
    rows = [
        [name if len(swept) > 1 else "", *_row(dose, goal)]
        for name, one in zip(names, swept, strict=True)
        for dose in one.found.doses
        for goal in dose.goals or ("",)
    ]
    kept = [place for place, cells in enumerate(zip(*rows, strict=True)) if any(cells)]
    return [HEADER[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _row(dose: Dose, goal: str) -> list[str]:
    attacked = dose.line.attack is not None
    asr = [f"@{k} {_share(dose, f'asr_{k}')}" for k in (3, 5, 10) if f"asr_{k}" in dose.metrics]
    beside = [
        cell
        for who in ("random", "clean")
        for cell in (_share(dose, f"{goal}{who}_hit_10"), _number(dose, f"{goal}{who}_min_rank"))
    ]
    return [
        *(f"{dose.line.name}{dose.goal_name(goal)}", dose.facts.attack if attacked else "", dose.line.trains),
        *(str(dose.count) if attacked else "", f"{100 * dose.rate:.2g}" if attacked else ""),
        dose.seeds_told,
        *(_interval(dose, "clean_accuracy_1"), _change(dose) if attacked else ""),
        *(_interval(dose, "asr_1"), _share(dose, "asr_floor_1"), " ".join(asr)),
        *(_share(dose, f"{goal}hit_1"), _interval(dose, f"{goal}hit_10"), _number(dose, f"{goal}min_rank")),
        *beside,
        *(_number(dose, "drift_view"), _number(dose, "drift_caption")),
    ]


def _interval(dose: Dose, name: str) -> str:
    return with_interval(dose.metrics[name]) if name in dose.metrics else ""


def _share(dose: Dose, name: str) -> str:
    return percent(dose.metrics[name].value) if name in dose.metrics else ""


def _number(dose: Dose, name: str) -> str:
    return f"{dose.metrics[name].value:.3f}" if name in dose.metrics else ""


def _change(dose: Dose) -> str:
    return difference(dose.change["clean_accuracy_1"]) if "clean_accuracy_1" in dose.change else ""
