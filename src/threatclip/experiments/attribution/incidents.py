"""From scores of sentences to a ranking of groups for an incident, and what a judge needs of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from threatclip.classification.scores import softmax
from threatclip.evaluation.predictions import Predictions, predictions_of
from threatclip.experiments.attribution.splits import GroupSplit

_LEAST_SPREAD = 1e-9
_SHARPNESS = 0.25  # scores become probabilities only so that a judge can rank them: any temperature keeps the order


def standardized(scores: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Return scores with mean 0 and deviation 1 over the groups, row by row; a row of equal scores becomes zeros."""
    centered = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(centered / np.maximum(scores.std(axis=1, keepdims=True), _LEAST_SPREAD))


def pooled(scores: Float[np.ndarray, "n c"], incidents: Sequence[str]) -> Float[np.ndarray, "m c"]:
    """Return one row an incident, in the order in which they occur: the mean of its rows' standardized scores."""
    names = list(dict.fromkeys(incidents))
    place = {name: number for number, name in enumerate(names)}
    owner = np.array([place[name] for name in incidents], dtype=np.int64)
    member = np.zeros((len(names), len(owner)))
    member[owner, np.arange(len(owner))] = 1.0
    return np.asarray(member @ standardized(scores) / member.sum(axis=1, keepdims=True))


def sentence_predictions(split: GroupSplit, scores: Float[np.ndarray, "n c"]) -> Predictions:
    """Return what a judge needs of single sentences; sentences of one incident are resampled together."""
    return predictions_of(
        labels=split.truth,
        probabilities=softmax(standardized(scores), temperature=_SHARPNESS),
        classes=split.groups,
        ids=[f"{split.name}/{row.id}" for row in split.test],
        groups=split.truth,
    )


def incident_predictions(split: GroupSplit, scores: Float[np.ndarray, "m c"]) -> Predictions:
    """Return what a judge needs of incidents, given one row of scores each, as `pooled` orders them.

    Incidents of one group (over the seeds of split H, or campaigns of one group) are resampled together.
    """
    truth = dict(zip(split.incidents, split.truth, strict=True))
    return predictions_of(
        labels=list(truth.values()),
        probabilities=softmax(standardized(scores), temperature=_SHARPNESS),
        classes=split.groups,
        ids=[f"{split.name}/{name}" for name in truth],
        groups=list(truth.values()),
    )


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of several splits as one, over the groups that any of them knows.

    A group that a split did not know has probability 0 there.
    """
    classes = sorted({name for part in parts for name in part.classes})
    place = {name: number for number, name in enumerate(classes)}
    probabilities = np.zeros((sum(map(len, parts)), len(classes)))
    truth = []
    start = 0
    for part in parts:
        columns = np.array([place[name] for name in part.classes])
        probabilities[start : start + len(part), columns] = part.probabilities
        truth += columns[part.truth].tolist()
        start += len(part)
    return Predictions(
        truth=np.array(truth, dtype=np.int64),
        probabilities=probabilities,
        groups=np.concatenate([part.groups for part in parts]),
        ids=tuple(name for part in parts for name in part.ids),
        classes=tuple(classes),
    )
