"""Batches of prepared pairs: a pure function of (seed, epoch, step), so that resuming needs no loader state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError
from threatclip.seeds import rng
from threatclip.training.batches import ShuffledBatches
from threatclip.training.contracts import Batch
from threatclip.training.dual.augment import draw_shown, drop_features, drop_tokens
from threatclip.training.dual.prepared import Column, Encoded, Features, Pixels, PreparedPairs, TokenRows
from threatclip.training.dual.settings import Augmentation, Fit

VIEW, CAPTION, GROUP = "view_", "caption_", "group"
SHOWN = "shown"
SECOND = "second_"


class Looks(Protocol):
    """Ways of its own to show the rows of a batch once more: stronger ones, other words, adversarial pictures."""

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> Batch:
        """Return further named tensors, one row for each of the pairs `rows`, drawing from `draw` alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairBatches:
    """Every view (or pair) once per epoch, each time with one of its captions and shown anew.

    Names in a batch: `view_` and `caption_` before what the towers take (`pixels`, `tokens`, `lengths`) or before
    `features` of a frozen body; `view_shown` tells how each picture is to be shown (see `augment`); `group` [rows].
    With `second`, `second_view_` and `second_caption_` hold the same rows shown once more, for self-supervision; with
    `Looks` in its place, whatever those give.
    """

    pairs: PreparedPairs
    dual: DualEncoder
    settings: Fit
    seed: int
    second: bool | Looks = False
    _places: tuple[np.ndarray, np.ndarray, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        visited = self.pairs.view_of if self.settings.visits == "view" else np.arange(len(self.pairs))
        _, first, counts = np.unique(visited, return_index=True, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        # views in the order in which they come, so that a table with rows appended keeps its first ones
        order = np.argsort(first, kind="stable")
        object.__setattr__(self, "_places", (np.argsort(visited, kind="stable"), starts[order], counts[order]))
        self._rows()  # refuses too few rows for a batch

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has; rows that do not fill a batch are others in each epoch."""
        return self._rows().steps_per_epoch

    def indices(self, epoch: int, step: int) -> np.ndarray:
        """Return the pairs of one batch."""
        members, starts, counts = self._places
        visited = self._rows().indices(epoch, step)
        draw = rng(self.seed, f"contrastive/captions/{epoch}/{step}")
        chosen: np.ndarray = members[starts[visited] + (draw.random(len(visited)) * counts[visited]).astype(np.int64)]
        return chosen

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch."""
        rows = self.indices(epoch, step)
        batch = self._shown(rows, f"{epoch}/{step}", prefix="")
        batch[GROUP] = torch.from_numpy(self.pairs.groups[rows])
        if not isinstance(self.second, bool):
            batch |= self.second.batch(rows, rng(self.seed, f"contrastive/looks/{epoch}/{step}"))
        elif self.second:
            batch |= self._shown(rows, f"{epoch}/{step}/second", prefix=SECOND)
        return batch

    def _shown(self, rows: np.ndarray, name: str, *, prefix: str) -> Batch:
        looks = self.settings.augmentation
        sides = (
            (VIEW, self.dual.view_tower, self.pairs.views, self.pairs.view_of),
            (CAPTION, self.dual.text_tower, self.pairs.captions, self.pairs.caption_of),
        )
        batch: Batch = {}
        for side, tower, column, places in sides:
            draw = rng(self.seed, f"contrastive/{side}{name}")
            share = looks.token_dropout if side == CAPTION else 0.0
            for key, value in column_batch(tower, column, places[rows], looks, draw, token_dropout=share).items():
                batch[f"{prefix}{side}{key}"] = value
        return batch

    def _rows(self) -> ShuffledBatches:
        return ShuffledBatches(
            n_rows=len(self._places[1]), batch_rows=self.settings.batch_rows, seed=self.seed, collate=_no_tensors
        )


def _no_tensors(_: np.ndarray, __: np.random.Generator) -> Batch:
    return {}


def column_batch(
    tower: Tower,
    column: Column,
    rows: np.ndarray,
    augmentation: Augmentation,
    draw: np.random.Generator,
    *,
    token_dropout: float = 0.0,
) -> dict[str, Tensor]:
    """Return what `tower` takes for some rows of its column, and how pictures are to be shown."""
    match column:
        case Pixels():
            batch = {"pixels": torch.from_numpy(column.values[rows])}
            if augmentation.changes_pictures:
                batch[SHOWN] = torch.from_numpy(draw_shown(len(rows), augmentation, draw))
            return batch
        case Features():
            reading = (draw.random(len(rows)) * column.values.shape[1]).astype(np.int64)
            values = column.values[rows, reading]
            if augmentation.feature_dropout > 0:
                values = drop_features(values, augmentation.feature_dropout, draw)
            return {"features": torch.from_numpy(values)}
        case TokenRows():
            tokens = [column.rows[row] for row in rows.tolist()]
            if token_dropout > 0:
                tokens = [drop_tokens(row, token_dropout, draw) for row in tokens]
            return tower.pad(tokens)
        case Encoded():
            raise InputError("these rows are not read yet; a fit reads them, see `fit_steps`")
