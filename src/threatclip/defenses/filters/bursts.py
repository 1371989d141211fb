"""Bursts: one caption under many views, or one view under many captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.vectors import check_modality
from threatclip.pairs.near_duplicate_posts import picture_clusters
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """One caption under many views, or one view under many captions.

    The score is log2 of the pairs that share the caption (but for case and white space) + log2 of the pairs that share
    the view or a near-duplicate of it: 0 for a pair that is alone in both, 1 more for each doubling. It needs no model.
    Templates of an attacker repeat; so do those of an honest feeder, which is what it mistakes.

    Attributes:
        near: join near-duplicate views, pictures by perceptual hash and others by their 5-byte shingles; otherwise only
            equal bytes. Costs a decode of every distinct picture.
    """

    kind: Literal["bursts"] = "bursts"
    near: bool = True

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "of this project, 2026, after the deduplication of Lee 2022 (arXiv 2107.06499)"

    def scores(
        self,
        evidence: Evidence,
        *,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Float[np.ndarray, " n"]:
        """Return how large the bursts are that each pair belongs to; nothing is random.

        Raises:
            InputError: the views are of another modality.
        """
        check_modality(self.kind, self.modalities, evidence)
        return np.asarray(np.log2(_caption_bursts(evidence)) + np.log2(self._view_bursts(evidence)))

    def reasons(self, evidence: Evidence, scores: Float[np.ndarray, " n"], places: Sequence[int]) -> list[str]:
        """Say how many pairs share the caption, and how many the view."""
        captions = _caption_bursts(evidence)
        what = "the same view or a near-duplicate of it" if self.near else "the same view"
        sentences = []
        for place in places:
            views = round(2 ** float(scores[place]) / int(captions[place]))
            share, have = ("pair has" if captions[place] == 1 else "pairs have"), ("has" if views == 1 else "have")
            sentences.append(f"{captions[place]:,} {share} its caption; {views:,} {have} {what}")
        return sentences

    def _view_bursts(self, evidence: Evidence) -> Int[np.ndarray, " n"]:
        views = [pair.view for pair in evidence.pairs]
        if not self.near:
            return _sizes([view or row for row, view in enumerate(views)])
        clusters = picture_clusters(views) if evidence.modality == "image" else near_duplicate_clusters(views)
        return _sizes(clusters.tolist())


def _caption_bursts(evidence: Evidence) -> Int[np.ndarray, " n"]:
    """Return how many pairs share each pair's words; a pair without any stands alone."""
    words = [" ".join((pair.caption or "").casefold().split()) for pair in evidence.pairs]
    return _sizes([text or row for row, text in enumerate(words)])


def _sizes(keys: Sequence[object]) -> Int[np.ndarray, " n"]:
    """Return how often each key stands in the list."""
    counts: dict[object, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return np.array([counts[key] for key in keys], dtype=np.int64)
