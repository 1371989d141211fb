"""Which classes a model is pulled toward too easily, and by which kinds of change."""

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
_MOST_CLASSES = 2  # suspected by one kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A class that one kind of change reaches too easily.

    Attributes:
        kind: of change.
        goal: the class.
        score: how far it stands out from the median class, in robust standard deviations.
    """

    kind: AnyKind
    goal: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """The ways into a class that stand out, each kind of change for itself.

    A sound class may be near by one kind (small masks reach some class easily in most models), so that no kind may
    outvote another: what each finds is suspected.

    Attributes:
        ways: those that stand out by `outlier` deviations or more, the widest first; where none does, every kind
            toward the class that is nearest to it.
        usual: cost of the median class by each kind whose size is free.
        stands_out: whether any way does.
    """

    ways: tuple[Way, ...]
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


def suspected_ways(
    kinds: Sequence[AnyKind], space: Space, *, effort: Effort, outlier: float, rng: np.random.Generator
) -> Suspicion:
    """Search toward every class with every kind, and return where a class is reached far more easily than the others.

    Args:
        kinds: to search with.
        space: the suspect model.
        effort: of each search.
        outlier: robust standard deviations from which a class stands out by a kind; two classes of a kind at most.
        rng: of the searches.
    """
    searched = [search(kind, space, range(len(space.classes)), effort=effort, rng=rng) for kind in kinds]
    scores = torch.stack([ease(found) for found in searched])
    ways = [
        Way(kind=kind, goal=goal, score=float(own[goal]))
        for kind, own in zip(kinds, scores, strict=True)
        for goal in own.argsort(descending=True)[:_MOST_CLASSES].tolist()
        if own[goal] >= outlier
    ]
    nearest = int(scores.amax(dim=0).argmax())
    every = [Way(kind=kind, goal=nearest, score=float(own[nearest])) for kind, own in zip(kinds, scores, strict=True)]
    return Suspicion(
        ways=tuple(sorted(ways or every, key=lambda way: -way.score)),
        usual={
            found.kind: float(cost(found).median()) for found in searched if isinstance(found.kind, Masked | Warped)
        },
        stands_out=bool(ways),
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
