"""A few queries with what was found for them: what a reader wants to see before any figure."""

from __future__ import annotations

from typing import Any

import numpy as np

from threatclip.evaluation.retrieval import Judgment
from threatclip.experiments.contrastive.judging import Rows

_QUERIES, _FOUND, _CHARS = 8, 3, 300


def found_examples(vectors: Judgment, rows: Rows) -> list[dict[str, Any]]:
    """Return evenly spread views with the captions found for them, and whether each is one of their own.

    Not chosen by how well they do: the n-th of all, whatever comes out.
    """
    chosen = np.unique(np.linspace(0, len(rows.views) - 1, _QUERIES).astype(int))
    examples: list[dict[str, Any]] = []
    for row in chosen.tolist():
        cosines = vectors.captions @ vectors.views[row]
        own = rows.caption_groups == rows.view_groups[row]
        best = float(cosines[own].max())
        examples.append(
            {
                "id": rows.view_ids[row],
                "own": _cut(rows.captions[int(np.flatnonzero(own)[cosines[own].argmax()])]),
                "rank": int(((cosines >= best) & ~own).sum()) + 1,
                "found": [
                    {"caption": _cut(rows.captions[item]), "cosine": float(cosines[item]), "right": bool(own[item])}
                    for item in np.argsort(-cosines, kind="stable")[:_FOUND].tolist()
                ],
            }
        )
    return examples


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS else text[: _CHARS - 1] + "…"
