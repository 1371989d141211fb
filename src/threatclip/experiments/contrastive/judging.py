"""What a dual encoder makes of judged pairs: vectors of each half, retrieval between them, zero-shot classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from threatclip.errors import InputError
from threatclip.evaluation.predictions import Predictions, predictions_of
from threatclip.evaluation.retrieval import Judgment, Retrieval, retrieval_metrics
from threatclip.evaluation.zero_shot import zero_shot_probabilities, zero_shot_scores
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.pair import Pair
from threatclip.training.dual.prepared import whole

LEAST_WHOLE = 2  # pairs with both halves: of one alone, every model would be right


def group_of(pair: Pair) -> str:
    """Return what a pair belongs to: its group, or itself."""
    return f"g:{pair.group}" if pair.group is not None else f"i:{pair.id}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Judged pairs as galleries: a view once for each group it stands in, every caption as it is."""

    views: tuple[bytes, ...]
    view_ids: tuple[str, ...]
    view_groups: np.ndarray
    captions: tuple[str, ...]
    caption_groups: np.ndarray


def gallery_rows(pairs: Sequence[Pair]) -> Rows:
    """Return the galleries of pairs that have both halves.

    Raises:
        InputError: fewer than two such pairs.
    """
    kept = whole(pairs)
    if len({group_of(pair) for pair in kept}) < LEAST_WHOLE:
        raise InputError(f"{len(kept)} of {len(pairs)} pairs have both halves; retrieval needs two groups of them")
    shown: dict[tuple[bytes, str], str] = {}
    for pair in kept:
        shown.setdefault((pair.view, group_of(pair)), pair.id)
    return Rows(
        views=tuple(view for view, _ in shown),
        view_ids=tuple(shown.values()),
        view_groups=np.array([group for _, group in shown], dtype=object),
        captions=tuple(pair.caption or "" for pair in kept),
        caption_groups=np.array([group_of(pair) for pair in kept], dtype=object),
    )


def vectors_of(bundle: DualBundle, rows: Rows) -> Judgment:
    """Return the vectors of both galleries."""
    return Judgment(
        views=bundle.view_vectors(rows.views),
        captions=bundle.text_vectors(rows.captions),
        view_groups=rows.view_groups,
        caption_groups=rows.caption_groups,
    )


def judge_retrieval(bundle: DualBundle, pairs: Sequence[Pair], *, pool: int, rng: np.random.Generator) -> Retrieval:
    """Return the retrieval metrics of pairs that have both halves.

    Raises:
        InputError: fewer than two such pairs.
    """
    return retrieval_metrics(vectors_of(bundle, gallery_rows(pairs)), rng=rng, pool=pool)


def zero_shot_predictions(
    bundle: DualBundle, pairs: Sequence[Pair], prompts: Mapping[str, Sequence[str]] | None = None
) -> Predictions | None:
    """Return the probabilities of views for the classes of the prompts; None where no row has one of the classes.

    A view that stands in several pairs of one group is judged once.

    Raises:
        InputError: there are no prompts.
    """
    classes, prototypes = bundle.prototypes(prompts)
    rows: dict[tuple[bytes, str], Pair] = {}
    for pair in pairs:
        if pair.view and pair.label in classes:
            rows.setdefault((pair.view, group_of(pair)), pair)
    if not rows:
        return None
    scores = zero_shot_scores(bundle.view_vectors([view for view, _ in rows]), prototypes)
    temperature = float(bundle.dual.temperature.detach())
    return predictions_of(
        labels=[pair.label for pair in rows.values()],
        probabilities=zero_shot_probabilities(scores, temperature=temperature),
        classes=classes,
        ids=[pair.id for pair in rows.values()],
        groups=[pair.group for pair in rows.values()],
    )
