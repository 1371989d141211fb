"""Matrices as one table of text: a row for each defense on each attack; columns that nothing fills are left out."""

from __future__ import annotations

from collections.abc import Sequence

from threatclip.experiments.matrix.document import rates_told, seeds_told, title_of, without_name
from threatclip.experiments.matrix.spots import Spot
from threatclip.experiments.matrix.summary import Attacked, Summary
from threatclip.experiments.study_markdown import difference, percent, with_interval

HEADER = (
    *("matrix", "attack", "poisons", "defense", "seeds", "learning rate"),
    *("clean accuracy", "change", "measure", "success", "change", "mean to 10 points", "rebound", "seconds"),
)


def report_table(summaries: Sequence[Summary]) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows; fractions in percent with their 95% interval, differences in points."""
    rows = [
        [one.folder.path.name if len(summaries) > 1 else "", *row]
        for one in summaries
        for attack in one.attacks
        for row in _rows(attack)
    ]
    kept = [place for place, cells in enumerate(zip(*rows, strict=True)) if any(cells)]
    return [HEADER[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _rows(attack: Attacked) -> list[list[str]]:
    found = [_row(attack, attack.bare, "none", "", "")]
    for one in attack.frontiers:
        if one.chosen is not None:
            left = "" if one.remaining is None else percent(one.remaining.value)
            back = one.rebounded.get(attack.reach)
            found.append(_row(attack, one.chosen, one.defense, left, "" if back is None else difference(back)))
    return [*found, *(_row(attack, spot, without_name(spot), "", "") for spot in attack.retrained)]


def _row(attack: Attacked, spot: Spot, name: str, left: str, back: str) -> list[str]:
    changes = [
        difference(spot.change[figure]) if spot.work != "none" and figure in spot.change else ""
        for figure in ("clean_accuracy_1", attack.reach)
    ]
    return [
        *(attack.line, str(attack.count), name, seeds_told(spot), rates_told(spot)),
        *(with_interval(spot.metrics.get("clean_accuracy_1")), changes[0]),
        *(title_of(attack.reach), with_interval(spot.metrics.get(attack.reach)), changes[1]),
        *(left, back, "" if spot.seconds is None else f"{spot.seconds:.0f}"),
    ]
