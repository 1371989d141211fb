"""The frozen text encoder of a group model: what it makes of a text is kept on disk, and read by every later fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from threatclip.encoders.encode import Encoder, Precision, prepare_encoder
from threatclip.encoders.feature_cache import cached_features
from threatclip.encoders.towers import Tower
from threatclip.experiments.attribution.recipe import Attribution
from threatclip.experiments.contrastive.places import make_tower


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextEncoder:
    """A tower and the precision it computes in."""

    tower: Tower
    encoder: Encoder
    cached: bool = True

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the pooled output of the tower's body, float32 [n, w]."""
        views = [text.encode("utf-8", "replace") for text in texts]
        if not self.cached:
            return self._computed(views)
        return cached_features(self.tower, views, width=self.tower.dim, compute=self._computed)

    def _computed(self, views: Sequence[bytes]) -> np.ndarray:
        return np.asarray(self.encoder(views, output="features"), dtype=np.float32)


def text_encoder(tower: Tower, *, precision: Precision, cached: bool = True) -> TextEncoder:
    """Return the encoder of a tower that is read as it is."""
    return TextEncoder(tower=tower.eval(), encoder=prepare_encoder(tower, precision=precision), cached=cached)


def recipe_encoder(recipe: Attribution, root: Path) -> TextEncoder:
    """Make the tower that a recipe names.

    Raises:
        InputError: its source cannot be read.
    """
    return text_encoder(make_tower(recipe.encoder, root, seed=recipe.seed, texts=[]), precision=recipe.precision)
