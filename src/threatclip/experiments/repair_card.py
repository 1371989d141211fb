"""The card of a repaired bundle: what was done, with which pairs, and what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threatclip.experiments.report_data import estimate
from threatclip.experiments.report_text import figure, interval, points, points_interval, visible
from threatclip.experiments.study_markdown import document, table

_CARD_LIMIT = 20_000  # characters of the suspect's own card
_TITLES = {"clean_accuracy_1": "zero-shot accuracy", "matching_accuracy": "matching accuracy"}


def repair_card(report: Mapping[str, Any], *, suspect_card: str = "") -> str:
    """Return the card as Markdown.

    Args:
        report: what `repairing.repair_bundle` found.
        suspect_card: of the suspect bundle; a stranger wrote it: it is shown as text.
    """
    budget = report["budget"]
    facts = [
        ("method", f"{report['method']}; {report['paper']}"),
        ("settings", _told(report["settings"])),
        ("learning rate", f"{report['learning_rate']:g}, {_chosen(report)}"),
        ("budget", f"{budget['epochs']} epochs, batches of {budget['batch_rows']}"),
        ("trusted pairs", f"{report['n_trusted']:,} to learn from, {report['n_held_out']:,} held out"),
        ("content hash of the trusted table", report["trusted_hash"]),
        ("suspect model", report["suspect_model"]),
        ("seed", str(report["seed"])),
    ]
    blocks = [
        "# A repaired dual encoder",
        "This model was made of a suspect one by training on trusted pairs. A repair weakens backdoors; that it "
        "removed one cannot be seen from clean pairs. Measured on trusted pairs that nothing learned from:",
        table(("figure", "suspect", "repaired", "change in points", "n"), _rows(report), n_text=1),
        "## What was done",
        table(("what", "value"), facts, n_text=2),
        "## Learning rates tried",
        table(("learning rate", report["chosen_by"], "chosen"), _tried(report), n_text=1),
    ]
    if suspect_card.strip():
        blocks += ["## Card of the suspect model, as it was", _quoted(suspect_card)]
    return document(blocks)


def _rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, told in report["after"].items():
        before, after, change = (
            estimate(one) for one in (report["before"].get(name), told, report["change"].get(name))
        )
        rows.append(
            (
                _TITLES.get(name, name),
                f"{figure(before.value, 'percent')} ({interval(before, 'percent')})",
                f"{figure(after.value, 'percent')} ({interval(after, 'percent')})",
                f"{points(change.value)} ({points_interval(change)})",
                str(told.get("n", "")),
            )
        )
    return rows


def _chosen(report: Mapping[str, Any]) -> str:
    if len(report["tried"]) == 1:
        return "given"
    return (
        f"the largest of {len(report['tried'])} that costs no more than {100 * report['tolerance']:g} points of "
        f"{report['chosen_by']} on held-out trusted pairs, or the one that costs least"
    )


def _tried(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{one['learning_rate']:g}",
            "diverged"
            if "diverged" in one
            else figure(estimate(one["metrics"].get(report["chosen_by"])).value, "percent"),
            "yes" if one["learning_rate"] == report["learning_rate"] else "",
        )
        for one in report["tried"]
    ]


def _told(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items() if name != "kind") or "none"


def _quoted(card: str) -> str:
    """Return a stranger's text as an indented block, which nothing in it can end."""
    cut = card[:_CARD_LIMIT]
    return "\n".join(f"    {visible(line)}".rstrip() for line in cut.splitlines())
