"""Blending: does a view stay with its class when trusted views are mixed into it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.checks import at_least, check
from threatclip.defenses.contracts import Suspect
from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.towers import ImageTower
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list, zero_shot_probabilities
from threatclip.pairs.pair import Modality

_CHUNK_PIXELS = 2**22  # of pictures decoded at a time
_CHUNK_VIEWS = 512  # texts mixed at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Blending:
    """Blending: how surely a view stays in one class while trusted views are mixed into it.

    Every view is mixed with the same few trusted views, and the score is the largest mean probability of a class over
    the mixtures. A trigger is strong enough to rule over whatever else is seen, one that covers the whole view
    included; what a clean view shows is drowned. STRIP takes the mean entropy of the mixtures, which also is low where
    each of them is surely something else; it separated less here.

    Attributes:
        blends: trusted views that are mixed into a view, one at a time.
        share: of the trusted picture in the mixture; a text is mixed by putting a trusted one before or behind it.
    """

    kind: Literal["blending"] = "blending"
    blends: int = 12
    share: float = 0.5

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Gao 2019 (STRIP, arXiv 1902.06531), with the mean over mixtures in place of entropy"
    finding: ClassVar[str] = "stays in one class whatever is mixed into it"

    def __post_init__(self) -> None:
        at_least(self, 1, "blends")
        check("share", self.share, 0 < self.share < 1, "above 0 and below 1")

    def scores(self, suspect: Suspect, views: Sequence[bytes], *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return the largest mean probability of a class over the mixtures.

        Raises:
            InputError: the model has no class prompts, or there are fewer trusted views than blends.
            ImageFaultError: a view is no picture.
        """
        classes, texts, owners = prompt_list(suspect.prompts)
        if not classes:
            raise InputError("blending asks for the class of mixtures, and the model has no class prompts")
        prototypes = class_prototypes(suspect.text_vectors(texts), owners, n_classes=len(classes))
        mixed = self._mixed(suspect, views, rng)
        temperature = float(suspect.dual.temperature.detach())
        totals = np.zeros((len(views), len(classes)))
        for start, vectors in mixed:
            chances = zero_shot_probabilities(vectors @ prototypes.T, temperature=temperature)
            totals[start : start + len(vectors)] += chances / self.blends
        return np.asarray(totals.max(axis=1))

    def _mixed(
        self, suspect: Suspect, views: Sequence[bytes], rng: np.random.Generator
    ) -> Iterator[tuple[int, Float[np.ndarray, "n d"]]]:
        """Yield where views begin and the vectors of their mixtures with one trusted view."""
        trusted = list(dict.fromkeys(pair.view for pair in suspect.trusted if pair.view))
        if len(trusted) < self.blends:
            raise InputError(f"blending mixes {self.blends} trusted views, got {len(trusted)}; give more")
        drawn = [trusted[place] for place in rng.permutation(len(trusted))[: self.blends]]
        tower = suspect.dual.view_tower
        encoder = prepare_encoder(tower, precision="fp32")
        if isinstance(tower, ImageTower):
            step = max(1, _CHUNK_PIXELS // (3 * tower.side**2))
            others = np.stack(tower.tokenize(drawn)).astype(np.float32)
            for start in range(0, len(views), step):
                own = np.stack(tower.tokenize(views[start : start + step])).astype(np.float32)
                for other in others:
                    mixture = np.rint((1 - self.share) * own + self.share * other).astype(np.uint8)
                    yield start, encoder.pixels(mixture)
        else:
            for start in range(0, len(views), _CHUNK_VIEWS):
                for place, other in enumerate(drawn):
                    chunk = views[start : start + _CHUNK_VIEWS]
                    yield start, encoder([view + b" " + other if place % 2 else other + b" " + view for view in chunk])
