"""Cells of a made-up study: written as `bench` writes them, with answers that a reader can count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import write_json, write_tensors
from threatclip.experiments.recipe import File
from threatclip.experiments.study import OtherTable, Study, Variation

CLASSES = ("sql-injection", "xss", "access-control")
# 10 rows: 4 of the first class, 4 of the second, 2 of the third; each a group of its own
TRUTH = ("sql-injection",) * 4 + ("xss",) * 4 + ("access-control",) * 2
RIGHT = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2)
LEAKAGE = {
    "sizes": {"train": 30, "validation": 5, "test": 10},
    "dropped": 7,
    "overlaps": [
        {
            "earlier": "train",
            "later": "test",
            "rows": 10,
            "exact_duplicates": 1,
            "near_duplicates": 2,
            "shared_groups": 0,
            "shared_vendors": 5,
        }
    ],
}


def answers(picked: Sequence[int], *, confidence: float = 0.9, classes: int = 3) -> np.ndarray:
    """Return float32 probabilities [n, c] whose first answers are `picked`."""
    rest = (1 - confidence) / (classes - 1)
    probabilities = np.full((len(picked), classes), rest, dtype=np.float32)
    probabilities[np.arange(len(picked)), list(picked)] = confidence
    return probabilities


def rows(labels: Sequence[str | None], *, classes: Sequence[str] = CLASSES, prefix: str = "r") -> dict[str, Any]:
    """Return what a cell tells of its rows."""
    ids = [f"{prefix}{k}" for k in range(len(labels))]
    return {"ids": ids, "labels": list(labels), "groups": [f"g-{one}" for one in ids], "classes": list(classes)}


def write_cell(
    out: Path,
    variation: str,
    seed: int,
    tensors: Mapping[str, np.ndarray],
    *,
    rowsets: Mapping[str, Any] | None = None,
    **facts: Any,
) -> None:
    """Write the three files of one cell."""
    stem = out / "cells" / f"{variation}-{seed}"
    write_tensors(stem.with_name(f"{stem.name}.safetensors"), tensors)
    write_json(stem.with_name(f"{stem.name}-rows.json"), rowsets or {"test": rows(TRUTH)})
    plain = {"seconds": 60.0, "peak_mib": 500.0, "n_train": 30, "n_extra": 4, "leakage": LEAKAGE, **facts}
    write_json(stem.with_name(f"{stem.name}.json"), plain)


def study(*variations: Variation, tables: Sequence[OtherTable] = (), title: str = "A study") -> Study:
    """Return a study of these variations."""
    return Study(task="study", base="base.toml", title=title, variations=variations, tables=tuple(tables))


def other_table(name: str) -> OtherTable:
    """Return another table of that name; where it came from does not matter to the document."""
    return OtherTable(name=name, file=File(path="elsewhere.jsonl"))


def lines_of(text: str, section: str) -> list[str]:
    """Return the lines under a heading, up to the next heading of the same or a higher level."""
    level = section.partition(" ")[0]
    lines = text.splitlines()
    start = lines.index(section) + 1
    found = []
    for line in lines[start:]:
        hashes = line.partition(" ")[0]
        if hashes and set(hashes) == {"#"} and len(hashes) <= len(level):
            break
        found.append(line)
    return found


def cells_of(text: str, section: str, first: str) -> list[str]:
    """Return the cells of the first table line under a heading that starts with `first`."""
    for line in lines_of(text, section):
        found = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and found[0] == first:
            return found
    raise AssertionError(f"no line {first!r} under {section!r}:\n" + "\n".join(lines_of(text, section)))
