"""Which class a model is pulled toward too easily, and by which kinds of change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from threatclip.defenses.unlearning.kinds import Masked, Warped
from threatclip.defenses.unlearning.search import AnyKind, Effort, Found, Space, search

_CONSISTENT = 1.4826  # of the median absolute deviation, for a normal sample [Wang 2019, section V-B]
_LEAST_SIZES = 0.2  # spread of log sizes that is taken for noise
_LEAST_ODDS = 0.5  # likewise of log odds
_LEAST_SHARE = 0.01  # reached by chance, and missed by chance
_LEAST_REACHED = 0.05
_CHEAP = 5.0  # times the usual cost: wider masks still hold what is left of a trigger
_TAKEN = 0.25  # of the pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """The class that stands out most.

    Attributes:
        goal: the class.
        kinds: by which its pull stands out by `outlier` deviations or more; all where none does.
        scores: of each kind asked, for that class, in robust standard deviations.
        usual: cost of the median class by each of `kinds` whose size is free.
        stands_out: whether any kind's pull does.
    """

    goal: int
    kinds: tuple[AnyKind, ...]
    scores: tuple[float, ...]
    usual: Mapping[AnyKind, float]
    stands_out: bool

    def ways_in(self, found: Found) -> Bool[Tensor, " k"]:
        """Tell which changes are worth unlearning: not far costlier than usual, or taking a quarter of pictures along.

        All are where no class stood out: then nothing tells a way in from any other adversarial change.
        """
        if not self.stands_out:
            return torch.ones(len(found.goals), dtype=torch.bool)
        if found.kind in self.usual:
            return cost(found) <= _CHEAP * self.usual[found.kind]
        return found.reached >= _TAKEN


def suspect_class(
    kinds: Sequence[AnyKind], space: Space, *, effort: Effort, outlier: float, rng: np.random.Generator
) -> Suspicion:
    """Search toward every class with every kind, and return the class that is reached far more easily than the others.

    Args:
        kinds: to search with.
        space: the suspect model.
        effort: of each search.
        outlier: robust standard deviations from which a kind's pull stands out.
        rng: of the searches.
    """
    searched = [search(kind, space, range(len(space.classes)), effort=effort, rng=rng) for kind in kinds]
    scores = torch.stack([ease(found) for found in searched])
    goal = int(scores.amax(dim=0).argmax())
    own = tuple(scores[:, goal].tolist())
    outstanding = tuple(kind for kind, score in zip(kinds, own, strict=True) if score >= outlier)
    return Suspicion(
        goal=goal,
        kinds=outstanding or tuple(kinds),
        scores=own,
        usual={
            found.kind: float(cost(found).median()) for found in searched if isinstance(found.kind, Masked | Warped)
        },
        stands_out=bool(outstanding),
    )


def cost(found: Found) -> Float[Tensor, " k"]:
    """Return the size of each change over the share that it reaches: one that does not work costs more."""
    return found.sizes.cpu() / found.reached.clamp(min=_LEAST_REACHED)


def ease(found: Found) -> Float[Tensor, " k"]:
    """Return how far each goal stands out from the median of all, in robust standard deviations, upwards easier.

    Where the size is free, by the logarithm of size over share reached, else by the log odds of the share: any class
    that a model falls back to is reached half of the time, a backdoor's nearly always.
    """
    if isinstance(found.kind, Masked | Warped):
        return _deviations(-torch.log(cost(found).clamp(min=1e-6)), least=_LEAST_SIZES)
    return _deviations(torch.logit(found.reached, eps=_LEAST_SHARE), least=_LEAST_ODDS)


def _deviations(values: Float[Tensor, " k"], *, least: float) -> Float[Tensor, " k"]:
    median = values.median()
    spread = _CONSISTENT * (values - median).abs().median()
    return (values - median) / spread.clamp(min=least)
