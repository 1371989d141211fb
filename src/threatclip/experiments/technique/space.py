"""The space of sentences and descriptions: one text tower for both, tuned by contrast with a sense of families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import encode, prepare_encoder
from threatclip.encoders.feature_cache import cached_features
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.towers import Tower
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.recipe import SpaceSettings
from threatclip.experiments.technique.rows import Techniques
from threatclip.losses.hierarchy import hierarchical_contrast
from threatclip.pairs.pair import Pair
from threatclip.training.contracts import Batch, Objective, Step
from threatclip.training.dual.batches import CAPTION, GROUP, VIEW
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.objective import tower_vectors
from threatclip.training.dual.prepared import PreparedPairs, prepare_pairs


def tune(
    tower: Tower,
    rows: Rows,
    techniques: Techniques,
    settings: SpaceSettings,
    *,
    seed: int,
    on_step: Callable[[Step], None] | None = None,
) -> None:
    """Tune `tower` in place: each sentence finds the captions of its technique; descriptions' sentences take part.

    Raises:
        InputError: fewer sentences than a batch, or nothing of the tower may learn.
    """
    if settings.fit is None:
        return
    dual = DualEncoder(
        view_tower=tower, text_tower=tower, temperature=settings.temperature, learn_temperature=False
    ).eval()
    pairs, owners = _pairs(rows, techniques)
    prepared = prepare_pairs(pairs, dual)
    prepared = PreparedPairs(
        views=prepared.views,
        captions=prepared.captions,
        view_of=prepared.view_of,
        caption_of=prepared.caption_of,
        groups=owners,
        ids=prepared.ids,
    )
    families = torch.from_numpy(techniques.family_of)

    def objective(_: DualEncoder) -> Objective:
        return _Contrast(tower=tower, families=families, settings=settings)

    fit_dual(dual, prepared, settings.fit, seed=seed, objective=objective, on_step=on_step)
    dual.to(torch.device("cpu"))


def vectors(tower: Tower, texts: Sequence[bytes], *, cached: bool = False) -> np.ndarray:
    """Return unit vectors, float32 [n, d], in fp32 so that answers do not depend on the machine.

    With `cached`, what a frozen body makes of texts is kept on disk: many fits share one reading.
    """
    if not cached or not isinstance(tower, PretrainedNetwork):
        return encode(tower, texts, precision="fp32")
    encoder = prepare_encoder(tower, precision="fp32")
    width = int(encoder([b"width"], output="features").shape[1])
    features = (
        cached_features(tower, texts, width=width, compute=lambda missing: encoder(missing, output="features"))
        if len(texts)
        else np.zeros((0, width), dtype=np.float32)
    )
    with torch.inference_mode():
        found: np.ndarray = tower.project(torch.from_numpy(features)).numpy()
    return found


def _pairs(rows: Rows, techniques: Techniques) -> tuple[list[Pair], np.ndarray]:
    """Return every sentence beside every caption of its technique, and the number of the technique."""
    pairs: list[Pair] = []
    owners: list[int] = []
    own = [(one.encode(), owner) for owner, technique in enumerate(techniques.all) for one in technique.sentences]
    for view, owner in (*zip(rows.views, rows.labels.tolist(), strict=True), *own):
        for caption in techniques.all[owner].captions:
            pairs.append(Pair(id=str(len(pairs)), view=view, caption=caption))
            owners.append(owner)
    return pairs, np.array(owners, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contrast:
    """Sentences against captions, and sentences against each other; kin are part of a negative."""

    tower: Tower
    families: torch.Tensor
    settings: SpaceSettings

    def represent(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return unit vectors of sentences and captions."""
        return {name: tower_vectors(self.tower, batch, prefix=prefix) for name, prefix in _SIDES.items()}

    def loss(self, reps: dict[str, torch.Tensor], batch: Batch) -> dict[str, torch.Tensor]:
        """Return the loss of the whole batch."""
        labels = batch[GROUP]
        value = hierarchical_contrast(
            reps["view"],
            reps["caption"],
            labels,
            self.families.to(labels.device)[labels],
            temperature=self.settings.temperature,
            kin=self.settings.kin,
            among=self.settings.among,
        )
        return {"loss": value}


_SIDES = {"view": VIEW, "caption": CAPTION}
