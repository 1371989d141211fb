"""Numbers of rows, kept beside each cell, so that figures over seeds and differences are bootstrapped together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from threatclip.artifacts import read_json, read_tensors, write_json, write_tensors
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.cells import Cell

RowScores: TypeAlias = dict[str, tuple[np.ndarray, np.ndarray]]
"""Metric name -> the number of every row, and the group of every row."""


def keep_scores(cell: Cell, scores: RowScores) -> None:
    """Write the numbers as tensors, and what the rows belong to as JSON, each list of groups once."""
    lists: list[list[str]] = []
    place: dict[str, int] = {}
    for name, (_, groups) in scores.items():
        own = [str(group) for group in groups.tolist()]
        if own not in lists:
            lists.append(own)
        place[name] = lists.index(own)
    write_tensors(cell.file(".safetensors"), {name: values.astype(np.float32) for name, (values, _) in scores.items()})
    write_json(cell.file("-rows.json"), {"groups": lists, "of": place})


def read_scores(cell: Cell) -> RowScores:
    """Read what `keep_scores` wrote.

    Raises:
        InputError: the cell has not been run.
        DamagedArtifactError: its files do not fit each other.
    """
    values, rows = read_tensors(cell.file(".safetensors")), read_json(cell.file("-rows.json"))
    try:
        groups = {name: np.array(rows["groups"][rows["of"][name]], dtype=object) for name in values}
    except (KeyError, IndexError, TypeError) as error:
        raise DamagedArtifactError(
            f"{cell.file('-rows.json')} does not fit its scores ({error!r}); run the cell anew"
        ) from error
    for name, array in values.items():
        if len(array) != len(groups[name]):
            raise DamagedArtifactError(f"{cell.name}: {len(array)} scores of {name} for {len(groups[name])} rows")
    return {name: (values[name].astype(np.float64), groups[name]) for name in values}


def mean_over_seeds(scores: Sequence[RowScores]) -> RowScores:
    """Return the mean of each row over several models that were asked the same; metrics that one lacks are left out.

    Raises:
        DamagedArtifactError: the rows of two models differ.
    """
    names = [name for name in scores[0] if all(name in one for one in scores)]
    found: RowScores = {}
    for name in names:
        groups = scores[0][name][1]
        if any(not np.array_equal(one[name][1], groups) for one in scores):
            raise DamagedArtifactError(f"{name} was measured on other rows with another seed; run the sweep anew")
        found[name] = (np.mean([one[name][0] for one in scores], axis=0), groups)
    return found
