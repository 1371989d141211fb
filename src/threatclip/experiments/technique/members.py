"""The members of an answer: each scores every technique; a pool fitted on sentences that none has seen joins them.

`words` and `characters` are linear and read n-grams. `neighbors` are known sentences that vote by their nearness in the
space, `descriptions` are ATT&CK's own words on each technique there: what is left where a technique has no sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from threatclip.classification.heads import AnchorHead
from threatclip.classification.linear import LinearSettings
from threatclip.classification.ngrams import NgramClassifier, NgramSettings, fit_ngrams
from threatclip.errors import InputError
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.recipe import Answer
from threatclip.experiments.technique.rows import Techniques
from threatclip.seeds import rng

WORDS = NgramSettings(kind="word", min_n=1, max_n=2, max_terms=60_000, max_chars=2_000)
CHARACTERS = NgramSettings(kind="char", min_n=3, max_n=5, min_df=3, max_terms=100_000, max_chars=1_000)
NGRAM_MEMBERS = {"words": WORDS, "characters": CHARACTERS}
_LEAST_VOTE = 1e-9
_BLOCK_VOTES = 2**24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoteHead:
    """Known sentences vote for their technique with exp((cosine - 1) / temperature); scores are log sums of votes."""

    vectors: Float[np.ndarray, "m d"]
    labels: Int[np.ndarray, " m"]
    n_classes: int
    temperature: float

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.labels.shape != self.vectors.shape[:1] or not len(self.labels):
            raise InputError(f"vectors of shape {self.vectors.shape} do not fit labels of shape {self.labels.shape}")
        if self.labels.min() < 0 or self.labels.max() >= self.n_classes or not self.temperature > 0:
            raise InputError(f"votes need labels in [0, {self.n_classes}) and a temperature above 0")

    def scores(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the log of each class's votes; a class that nobody votes for scores the log of 1e-9."""
        order = np.argsort(self.labels, kind="stable")
        owners, starts = np.unique(self.labels[order], return_index=True)
        found = np.zeros((len(z), self.n_classes))
        step = max(1, _BLOCK_VOTES // len(self.labels))
        for at in range(0, len(z), step):
            votes = np.exp((z[at : at + step] @ self.vectors[order].T - 1.0) / self.temperature)
            found[at : at + step, owners] = np.add.reduceat(votes, starts, axis=1)
        return np.asarray(np.log(np.maximum(found, _LEAST_VOTE)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Members:
    """Fitted members."""

    neighbors: VoteHead | None = None
    descriptions: AnchorHead | None = None
    words: NgramClassifier | None = None
    characters: NgramClassifier | None = None

    def scores(self, texts: Sequence[bytes], z: np.ndarray) -> dict[str, np.ndarray]:
        """Return the scores [n, c] of every fitted member; `z` [n, d] are the space's vectors of `texts`."""
        found: dict[str, np.ndarray] = {}
        for name in ("words", "characters"):
            ngrams: NgramClassifier | None = getattr(self, name)
            if ngrams is not None:
                found[name] = ngrams.scores(texts)
        for name in ("neighbors", "descriptions"):
            head: VoteHead | AnchorHead | None = getattr(self, name)
            if head is not None:
                found[name] = head.scores(z)
        return found


def fit_members(
    rows: Rows,
    techniques: Techniques,
    answer: Answer,
    *,
    z: np.ndarray,
    described: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> Members:
    """Fit the members that `answer` names.

    Args:
        rows: labeled sentences.
        techniques: their catalogue; sentences of descriptions are training rows of the n-gram members.
        z: the space's vectors [n, d] of `rows`.
        described: vectors [k, d] of all captions of all techniques, and of all their sentences [l, d].
        seed: of the streams "technique/NAME".

    Raises:
        InputError: fewer than two techniques among the rows.
    """
    own = [(one.encode(), owner) for owner, technique in enumerate(techniques.all) for one in technique.sentences]
    learned = own if answer.description_weight > 0 else []
    texts = [*rows.views, *(text for text, _ in learned)]
    labels = np.concatenate([rows.labels, np.array([owner for _, owner in learned], dtype=np.int64)])
    weights = np.concatenate([rows.weights, np.full(len(learned), answer.description_weight)])
    n_classes = len(techniques.all)
    costs = {"words": answer.word_c, "characters": answer.character_c}
    fitted = {
        name: fit_ngrams(
            texts,
            labels,
            n_classes=n_classes,
            settings=settings,
            linear=LinearSettings(kind="svc", c=costs[name], balanced=False),
            rng=rng(seed, f"technique/{name}"),
            weights=weights,
        )
        for name, settings in NGRAM_MEMBERS.items()
        if name in answer.members
    }
    captions, sentences = described
    caption_owners = [owner for owner, technique in enumerate(techniques.all) for _ in technique.captions]
    return Members(
        **fitted,
        neighbors=VoteHead(
            vectors=np.concatenate([z, sentences]).astype(np.float32),
            labels=np.concatenate([rows.labels, np.array([owner for _, owner in own], dtype=np.int64)]),
            n_classes=n_classes,
            temperature=answer.vote_temperature,
        )
        if "neighbors" in answer.members
        else None,
        descriptions=AnchorHead(
            anchors=captions, owner=np.array(caption_owners, dtype=np.int64), n_classes=n_classes, pooling="mean"
        )
        if "descriptions" in answer.members
        else None,
    )
