"""The triggers found so far, and the search for more before each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from sklearn.cluster import KMeans
from torch import Tensor

from threatclip.defenses.contracts import Suspect
from threatclip.defenses.unlearning.search import AnyKind, Effort, Found, Space, search
from threatclip.defenses.unlearning.suspicion import Suspicion, suspected_ways
from threatclip.encoders.dual import DualEncoder
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list
from threatclip.seeds import rng
from threatclip.training.dual.prepared import whole

_CLUSTERS = 10  # of captions, where a model has no prompts


def class_vectors(suspect: Suspect, *, seed: int) -> Float[np.ndarray, "c d"]:
    """Return where a model's classes lie: its prompts, or clusters of the trusted captions where it has none.

    Raises:
        InputError: there are no prompts, and too few captions to make clusters of.
    """
    if suspect.prompts:
        classes, texts, owners = prompt_list(suspect.prompts)
        found: Float[np.ndarray, "c d"] = class_prototypes(suspect.text_vectors(texts), owners, n_classes=len(classes))
        return found
    captions = list(dict.fromkeys(pair.caption or "" for pair in whole(suspect.trusted)))
    if len(captions) < 2:
        raise InputError(
            f"{len(captions)} trusted captions and no prompts; classes cannot be told: give prompts or more captions"
        )
    state = int(rng(seed, "unlearning/clusters").integers(2**31))
    centers = KMeans(n_clusters=min(_CLUSTERS, len(captions)), n_init=3, random_state=state).fit(
        suspect.text_vectors(captions)
    )
    found = centers.cluster_centers_.astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


class TriggerBank:
    """Triggers toward the classes that a model is pulled to too easily; older ones stay, so that none comes back.

    Attributes:
        suspicion: the classes and kinds of change that stand out; None before the first search.
        found: what every search found.
    """

    def __init__(
        self,
        *,
        kinds: Sequence[AnyKind],
        pixels: UInt8[np.ndarray, "n 3 s s"],
        classes: Float[np.ndarray, "c d"],
        members: int,
        outlier: float,
        effort: Effort,
        seed: int,
    ) -> None:
        self.suspicion: Suspicion | None = None
        self.found: list[Found] = []
        self._kinds = tuple(kinds)
        self._pixels = torch.from_numpy(pixels)
        self._classes = torch.from_numpy(np.asarray(classes, dtype=np.float32))
        self._members = members
        self._outlier = outlier
        self._effort = effort
        self._seed = seed

    def search_again(self, dual: DualEncoder, *, epoch: int) -> None:
        """Add triggers of a model as it is now; the first time, tell which ways in are to be searched for.

        Args:
            dual: its view tower is put into evaluation mode, and else left as it is.
            epoch: names what is drawn.
        """
        tower = dual.view_tower.eval()
        device = dual.log_scale.device
        space = Space(
            tower=tower,
            pictures=self._pixels.to(device),
            classes=self._classes.to(device),
            scale=float(1 / dual.temperature.detach()),
        )
        draw = rng(self._seed, f"unlearning/search/{epoch}")
        if self.suspicion is None:
            self.suspicion = suspected_ways(self._kinds, space, effort=self._effort, outlier=self._outlier, rng=draw)
        for kind in dict.fromkeys(way.kind for way in self.suspicion.ways):
            goals = [way.goal for way in self.suspicion.ways if way.kind == kind for _ in range(self._members)]
            found = search(kind, space, goals, effort=self._effort, rng=draw)
            kept = found.take(self.suspicion.ways_in(found))
            if len(kept.goals):
                self.found.append(kept)

    def apply(self, pictures: Float[Tensor, "n 3 s s"], numbers: Int[Tensor, " n"]) -> Float[Tensor, "n 3 s s"]:
        """Return pictures, each under the trigger that its number names; a number may be as large as it likes."""
        if not self.found:
            return pictures
        places = numbers % len(self.found)
        drawn = torch.div(numbers, len(self.found), rounding_mode="floor")
        changed = torch.empty_like(pictures)
        for place in sorted(set(places.tolist())):
            rows, found = places == place, self.found[place]
            changed[rows] = found.apply(pictures[rows], drawn[rows] % len(found.goals))
        return changed
