"""What trainings share: preparing pairs, one fit after another, and how rows are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from threatclip.defenses.repairs.second import SecondLooks, shown_texts
from threatclip.encoders.byte import ByteNetwork
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import Tower, view_modality
from threatclip.pairs.pair import Modality, Pair
from threatclip.training.contracts import Batch, Step
from threatclip.training.dual.augment import draw_shown
from threatclip.training.dual.batches import CAPTION, SECOND, SHOWN, VIEW
from threatclip.training.dual.fit import Keeping
from threatclip.training.dual.prepared import Pixels, PreparedPairs, body_is_frozen
from threatclip.training.dual.settings import Augmentation, Fit

PAPER_LOOKS = Augmentation(
    crop=0.08, aspect=4 / 3, flip=0.5, brightness=0.5, contrast=0.5, token_dropout=0.1, feature_dropout=0.1
)
"""How the code of RoCLIP and SafeCLIP shows pictures, but for hue, gray and blur."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AugmentedPictures:
    """Pictures [m, 3, s, s] shown anew each time."""

    pixels: np.ndarray
    augmentation: Augmentation

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> dict[str, Tensor]:
        """Return what `tower_vectors` reads for some rows."""
        shown = draw_shown(len(rows), self.augmentation, draw)
        return {"pixels": torch.from_numpy(self.pixels[rows]), SHOWN: torch.from_numpy(shown)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """Second looks of the rows of a training, and under which names each side has them.

    A side whose body is frozen has none: what reads its features draws some of them away.
    """

    looks: SecondLooks

    @property
    def view(self) -> str:
        """Prefix of the second look of views; of the first where there is no second."""
        return VIEW if self.looks.views is None else f"{SECOND}{VIEW}"

    @property
    def caption(self) -> str:
        """Likewise of captions."""
        return CAPTION if self.looks.captions is None else f"{SECOND}{CAPTION}"


def second_looks(
    dual: DualEncoder,
    suspect: Sequence[Pair],
    pairs: PreparedPairs,
    fit: Fit,
    *,
    seed: int,
    modality: Modality | None,
    pictures: Augmentation | None,
) -> Sides:
    """Return second looks: texts in other words, payloads rewritten, pictures as `pictures` has them.

    Args:
        dual: whose towers read them.
        suspect: the pairs that `pairs` were prepared from.
        pairs: see above.
        fit: says what is frozen.
        seed: of the words; they are chosen once, as in the code of the papers.
        modality: of the views; None takes what reads bytes for a payload tower.
        pictures: None gives pictures no second look.
    """
    views: AugmentedPictures | None = None
    kind = modality_of(dual) if modality is None else modality
    looks = SecondLooks(pairs=pairs, views=None, captions=None)
    if not frozen_body(dual.view_tower, fit, "view"):
        if kind == "image" and pictures is not None and isinstance(pairs.views, Pixels):
            views = AugmentedPictures(pixels=pairs.views.values, augmentation=pictures)
            looks = replace(looks, views=views)
        elif kind != "image":
            looks = replace(looks, views=shown_texts(suspect, dual, side=VIEW, modality=kind, redraw=False, seed=seed))
    if not frozen_body(dual.text_tower, fit, "text"):
        looks = replace(
            looks, captions=shown_texts(suspect, dual, side=CAPTION, modality=kind, redraw=False, seed=seed)
        )
    return Sides(looks=looks)


def modality_of(dual: DualEncoder) -> Modality:
    """Return what a view tower most likely reads: pictures, the bytes of payloads, or texts."""
    if view_modality(dual.view_tower) == "image":
        return "image"
    return "payload" if isinstance(dual.view_tower, ByteNetwork) else "text"


def frozen_body(tower: Tower, fit: Fit, side: str) -> bool:
    """Tell whether a fit computes the features of a side once."""
    return fit.freeze in (side, "bodies") or body_is_frozen(tower)


def shown_fit(fit: Fit, looks: Augmentation, dual: DualEncoder) -> Fit:
    """Return the fit with the training's own looks: captions whose text tower is frozen are left whole."""
    frozen = frozen_body(dual.text_tower, fit, "text")
    return replace(fit, augmentation=replace(looks, token_dropout=0.0) if frozen else looks)


def n_visits(view_of: np.ndarray, fit: Fit) -> int:
    """Return what one epoch visits of pairs with these views: distinct views, or pairs."""
    return len(np.unique(view_of)) if fit.visits == "view" else len(view_of)


def part_of(keeping: Keeping | None, name: str) -> Keeping | None:
    """Return where one fit of several keeps its checkpoints."""
    return None if keeping is None else replace(keeping, checkpoints=keeping.checkpoints / name)


def renumbered(steps: Iterator[Step], *, steps_before: int, epochs_before: int) -> Iterator[Step]:
    """Yield the steps of one fit of several, counted from the first one's start."""
    for step in steps:
        yield replace(step, step=step.step + steps_before, epoch=step.epoch + epochs_before)


def marked(batch: Batch, name: str, value: bool) -> Batch:
    """Return a batch all of whose rows say `value` under `name`."""
    rows = len(next(iter(batch.values())))
    return {**batch, name: torch.full((rows,), value)}
