"""The second look of every row of a repair: pictures shown more strongly, texts and payloads in other words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from threatclip.defenses.repairs.eda import eda_bytes
from threatclip.defenses.repairs.looks import PicturePolicy, draw_looks, look
from threatclip.defenses.repairs.payload_looks import mutated_payload
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.padding import Tokens
from threatclip.encoders.towers import Tower
from threatclip.pairs.pair import Modality, Pair
from threatclip.seeds import rng
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import CAPTION, SECOND, VIEW
from threatclip.training.dual.objective import tower_vectors
from threatclip.training.dual.prepared import Pixels, PreparedPairs, numbered, read_column, whole

LOOK = "look"
SAME = "same_"
"""Before `view_` and `caption_`: equal numbers are one view, or one caption, that the batch holds twice."""

Mutate = Callable[[bytes, np.random.Generator], bytes]


class Shown(Protocol):
    """Distinct views or captions, each of which can be shown once more."""

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> dict[str, Tensor]:
        """Return what reads them (`looked_vectors`, `tower_vectors`) takes for some rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownPictures:
    """Pictures [m, 3, s, s] with operations drawn each time; without a policy as they are."""

    pixels: np.ndarray
    policy: PicturePolicy | None = None

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> dict[str, Tensor]:
        """Return what `looked_vectors` reads for some rows."""
        batch = {"pixels": torch.from_numpy(self.pixels[rows])}
        if self.policy is not None:
            batch[LOOK] = torch.from_numpy(draw_looks(self.policy, len(rows), draw))
        return batch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrozenTexts:
    """Texts in other words, chosen once for the whole repair, as CleanCLIP's authors do."""

    tower: Tower
    tokens: Sequence[Tokens]

    def batch(self, rows: np.ndarray, _: np.random.Generator) -> dict[str, Tensor]:
        """Return what the tower takes for some rows."""
        return self.tower.pad([self.tokens[row] for row in rows.tolist()])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RedrawnTexts:
    """Texts in other words each time that they are seen."""

    tower: Tower
    texts: Sequence[bytes]
    mutate: Mutate

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> dict[str, Tensor]:
        """Return what the tower takes for some rows."""
        return self.tower.collate([self.mutate(self.texts[row], draw) for row in rows.tolist()])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondLooks:
    """A `training.dual.batches.Looks`: `second_view_` and `second_caption_` beside every batch.

    Attributes:
        pairs: which view and caption each row has.
        views: how the distinct views are shown; None leaves views out.
        captions: likewise.
    """

    pairs: PreparedPairs
    views: Shown | None
    captions: Shown | None

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> Batch:
        """Return the second look of some pairs."""
        batch: Batch = {}
        for side, shown, places in (
            (VIEW, self.views, self.pairs.view_of),
            (CAPTION, self.captions, self.pairs.caption_of),
        ):
            if shown is not None:
                batch[f"{SAME}{side}"] = torch.from_numpy(places[rows])
                batch |= {f"{SECOND}{side}{key}": value for key, value in shown.batch(places[rows], draw).items()}
        return batch


def shown_pictures(
    pairs: PreparedPairs, trusted: Sequence[Pair], dual: DualEncoder, policy: PicturePolicy | None
) -> Shown:
    """Return the second look of the pictures of `trusted`, from which `pairs` were prepared."""
    return ShownPictures(pixels=picture_pixels(pairs, trusted, dual), policy=policy)


def picture_pixels(pairs: PreparedPairs, trusted: Sequence[Pair], dual: DualEncoder) -> np.ndarray:
    """Return the distinct pictures of `trusted` as the view tower reads them, uint8 [m, 3, s, s]."""
    column = pairs.views
    if not isinstance(column, Pixels):  # left as they are, since the tower's body is frozen
        read = read_column(dual.view_tower, numbered([pair.view for pair in whole(trusted)])[0])
        return read.values if isinstance(read, Pixels) else np.empty((0, 3, 1, 1), dtype=np.uint8)
    return column.values


def shown_texts(
    trusted: Sequence[Pair], dual: DualEncoder, *, side: str, modality: Modality, redraw: bool, seed: int
) -> Shown:
    """Return the second look of captions (`side` CAPTION), or of views that are texts or payloads."""
    kept = whole(trusted)
    if side == CAPTION:
        tower, texts = dual.text_tower, [(pair.caption or "").encode("utf-8", "replace") for pair in kept]
    else:
        tower, texts = dual.view_tower, [pair.view for pair in kept]
    mutate = mutated_payload if side == VIEW and modality == "payload" else eda_bytes
    distinct, _ = numbered(texts)
    if redraw:
        return RedrawnTexts(tower=tower, texts=distinct, mutate=mutate)
    draw = rng(seed, f"repair/words/{side}")
    return FrozenTexts(tower=tower, tokens=tower.tokenize([mutate(text, draw) for text in distinct]))


def looked_vectors(tower: Tower, batch: Batch, *, prefix: str) -> Tensor:
    """Return the unit vectors of second looks under `prefix`."""
    drawn = batch.get(f"{prefix}{LOOK}")
    if drawn is None:
        return tower_vectors(tower, batch, prefix=prefix)
    vectors: Tensor = tower(pixels=look(batch[f"{prefix}pixels"], drawn))
    return vectors
