"""The objective of anchored unlearning: plain and changed inputs mean what a frozen model said of them plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from threatclip.defenses.unlearning.bank import TriggerBank
from threatclip.defenses.unlearning.words import edge_tokens, vocabulary_size, with_insertion
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.padding import Tokens
from threatclip.encoders.towers import Tower
from threatclip.training.contracts import Batch
from threatclip.training.dual.augment import show
from threatclip.training.dual.batches import CAPTION, SECOND, SHOWN, VIEW
from threatclip.training.dual.objective import tower_vectors
from threatclip.training.dual.prepared import Column, PreparedPairs, TokenRows

TRIGGER = "trigger"
_PIXELS = f"{VIEW}pixels"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsertedTokens:
    """Rows of tokens of one tower, each to be shown with a run of others in it."""

    tower: Tower
    rows: Sequence[Tokens]
    candidates: np.ndarray
    limit: int

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> dict[str, Tensor]:
        """Return what the tower takes for some rows."""
        return self.tower.pad(
            [with_insertion(self.rows[row], self.candidates, limit=self.limit, rng=draw) for row in rows.tolist()]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsertedWords:
    """Captions, and views where they are tokens, with runs of tokens inserted; None where a side is not shown so."""

    pairs: PreparedPairs
    captions: InsertedTokens | None
    views: InsertedTokens | None

    @classmethod
    def of(cls, pairs: PreparedPairs, dual: DualEncoder, *, views: bool) -> InsertedWords:
        """Return the insertions into what a tower reads as tokens; a frozen body, that reads features, has none."""
        return cls(
            pairs=pairs,
            captions=_insertions(dual.text_tower, pairs.captions),
            views=_insertions(dual.view_tower, pairs.views) if views else None,
        )


def _insertions(tower: Tower, column: Column) -> InsertedTokens | None:
    if not isinstance(column, TokenRows):
        return None
    marks = edge_tokens(column.rows)
    candidates = np.array([token for token in range(vocabulary_size(tower)) if token not in marks])
    return InsertedTokens(
        tower=tower, rows=column.rows, candidates=candidates, limit=max(len(row) for row in column.rows)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unlearned:
    """A `training.dual.batches.Looks`: the number of each row's trigger, and its words with others among them."""

    words: InsertedWords | None

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> Batch:
        """Return `trigger`, and `second_caption_` and `second_view_` where words are inserted."""
        batch: Batch = {TRIGGER: torch.from_numpy(draw.integers(2**31, size=len(rows)))}
        if self.words is None:
            return batch
        for side, shown, places in (
            (VIEW, self.words.views, self.words.pairs.view_of),
            (CAPTION, self.words.captions, self.words.pairs.caption_of),
        ):
            if shown is not None:
                batch |= {f"{SECOND}{side}{key}": value for key, value in shown.batch(places[rows], draw).items()}
        return batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """See `AnchoredUnlearning`.

    Attributes:
        dual: learns.
        frozen: the suspect model; in evaluation mode, without gradients.
        bank: triggers of pictures; None where views are texts or payloads.
        weight: of the terms of changed inputs.
    """

    dual: DualEncoder
    frozen: DualEncoder
    bank: TriggerBank | None
    weight: float

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return how far each row lies from its anchor: plain and changed, of views and of captions, in cosine."""
        found = self._pictures(batch) if self.bank is not None else self._side(batch, VIEW)
        return found | self._side(batch, CAPTION)

    def loss(self, reps: dict[str, Tensor], _: Batch) -> dict[str, Tensor]:
        """Return the sum of the means, those of changed inputs weighted."""
        terms = {name: value.mean() for name, value in reps.items()}
        total = sum(
            (value * (self.weight if name.startswith("changed_") else 1.0) for name, value in terms.items()),
            start=torch.zeros((), device=self.dual.log_scale.device),
        )
        return {"loss": total, **{name: value.detach() for name, value in terms.items()}}

    def _pictures(self, batch: Batch) -> dict[str, Tensor]:
        if self.bank is None:
            return {}
        pixels, drawn = batch[_PIXELS], batch.get(f"{VIEW}{SHOWN}")
        plain = pixels.float() / 255 if drawn is None else show(pixels, drawn)
        with torch.no_grad():
            anchor = self.frozen.view_tower(pixels=plain)
            changed = self.bank.apply(plain, batch[TRIGGER])
        # in one pass, so that batch norms meet both and neither sees the other's statistics only
        vectors = self.dual.view_tower(pixels=torch.cat([plain, changed]))
        return {
            "plain_view": 1 - (vectors[: len(plain)] * anchor).sum(dim=1),
            "changed_view": 1 - (vectors[len(plain) :] * anchor).sum(dim=1),
        }

    def _side(self, batch: Batch, side: str) -> dict[str, Tensor]:
        ours, theirs = (
            (self.dual.view_tower, self.frozen.view_tower)
            if side == VIEW
            else (self.dual.text_tower, self.frozen.text_tower)
        )
        with torch.no_grad():
            anchor = tower_vectors(theirs, batch, prefix=side)
        name = side.removesuffix("_")
        found = {f"plain_{name}": 1 - (tower_vectors(ours, batch, prefix=side) * anchor).sum(dim=1)}
        if any(key.startswith(f"{SECOND}{side}") for key in batch):
            changed = tower_vectors(ours, batch, prefix=f"{SECOND}{side}")
            found[f"changed_{name}"] = 1 - (changed * anchor).sum(dim=1)
        return found
