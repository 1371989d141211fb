"""What a leak means, in plain words, and how much of it there may be before someone should be warned."""

from __future__ import annotations

from threatclip.experiments.auditing.leaks import Leaks, Rate
from threatclip.experiments.report_text import figure

WARNED_FROM = 0.01
"""Share of rows from which on a leak is worth a warning."""
_WARNED_FROM = {"rewordings": 0.1}
"""Honest sentences of one class resemble each other too: 5% of ATT&CK's do, 94% where one word in ten was replaced."""

TITLES = {
    "label_names": "rows that name their own label",
    "citations": "rows with a mark of their source",
    "duplicates": "exact duplicates of an earlier row",
    "near_duplicates": "near-duplicates of an earlier row",
    "conflicting": "rows whose view has another label elsewhere",
    "shared_citations": "rows with a source mark that is in the other part",
    "siblings": "rows made from the same row as one of the other part",
    "rewordings": "rows that reword a row of the same label in the other part",
    "exact_duplicates": "rows that stand in the other part too",
    "shared_groups": "rows of a group that is in the other part",
}

_WARNINGS = {
    "label_names": "the view names its own label, so a classifier can read the answer; mask the names before training",
    "citations": "the view carries a mark of its source, and one source tells mostly of one class; take the marks out",
    "conflicting": "the same view has several labels, so no classifier can be right about all of them",
    "shared_citations": "the same sources stand in both parts, so the test asks what training told; split by source",
    "siblings": "rows were augmented before the split, so the test holds what training has seen; split first",
    "rewordings": "rows are rewordings of training rows of the same label, so the test asks what training told; "
    "split before augmenting, or keep near-duplicates together",
    "exact_duplicates": "the same rows stand in both parts; drop them from one",
    "near_duplicates": "nearly the same rows stand in both parts; split with near-duplicates together",
    "shared_groups": "the same groups stand in both parts; split by group",
}


def leak_rows(leaks: Leaks) -> list[tuple[str, str, Rate]]:
    """Return every rate as (key, what it counts, the rate); keys between parts are "siblings.test in train"."""
    rows = []
    for key, rate in leaks.rates().items():
        name, _, where = key.partition(".")
        rows.append((key, f"{where}: {TITLES[name]}" if where else TITLES[name], rate))
    for overlap in leaks.overlaps:
        where = f"{overlap['later']} in {overlap['earlier']}"
        for name in ("exact_duplicates", "near_duplicates", "shared_groups"):
            rate = Rate(count=overlap[name], rows=overlap["rows"])
            title = "rows with a near-duplicate in the other part" if name == "near_duplicates" else TITLES[name]
            rows.append((f"{name}.{where}", f"{where}: {title}", rate))
    return rows


def leak_warnings(leaks: Leaks) -> list[str]:
    """Return one sentence for each leak that is worth one, with its rate."""
    warnings = []
    for key, title, rate in leak_rows(leaks):
        name, _, where = key.partition(".")
        if (
            rate.value < _WARNED_FROM.get(name, WARNED_FROM)
            or name not in _WARNINGS
            or (name == "near_duplicates" and not where)
        ):
            continue
        warnings.append(
            f"{title}: {figure(rate.value, 'percent')} ({rate.count:,} of {rate.rows:,}). {_WARNINGS[name]}"
        )
    return warnings
