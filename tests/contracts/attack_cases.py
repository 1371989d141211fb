"""Every attack with settings and pairs that it can be tried on; a member of the union without a case fails a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pair_attack_cases import PAIR_CASES

from picture_cases import picture_pairs
from picture_surrogate import LinearSurrogate
from threatclip.attacks import ATTACKS, Attack
from threatclip.attacks.patch_search import PatchSearch
from threatclip.attacks.truth import Poisoned
from threatclip.pairs.pair import Modality, Pair

COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One attack on one kind of table.

    Attributes:
        attack: as a recipe would set it.
        pairs: a clean table in which at least three rows can be poisoned.
        modality: of its views.
        surrogate: a model for an attack that looks into one.
    """

    attack: Any
    pairs: Callable[[], list[Pair]]
    modality: Modality
    surrogate: Any = None

    def poisoned(self) -> Poisoned:
        """Return what the attack makes of three rows, made once."""
        return _once(id(self))

    def poison(self, *, count: int, seed: int = 0, pairs: Sequence[Pair] | None = None) -> Poisoned:
        """Run the attack."""
        extra = {} if self.surrogate is None else {"surrogate": self.surrogate}
        clean = self.pairs() if pairs is None else pairs
        poisoned: Poisoned = self.attack.poison(clean, count=count, rng=np.random.default_rng(seed), **extra)
        return poisoned


@cache
def _once(case: int) -> Poisoned:
    return next(one for one in CASES.values() if id(one) == case).poison(count=COUNT)


def pictures(kind: str, surrogate: Any = None, **settings: Any) -> Case:
    """Return a backdoor on small pictures of two sizes."""
    attack: Attack = ATTACKS[kind](target="dog", **settings)
    return Case(
        attack=attack,
        pairs=lambda: picture_pairs(sizes=((32, 32), (24, 40))),
        modality="image",
        surrogate=surrogate,
    )


_MODEL = LinearSurrogate()
_QUICK = {"epochs": 2, "batch_rows": 8}


CASES: dict[str, Case] = {
    "badnets": pictures("badnets"),
    "badnets fixed": pictures("badnets", pattern="binary", place="corner", wording="natural"),
    "badnets stripes": pictures("badnets", pattern="stripes", scale="area", pattern_seed=5),
    "badnets lattice resized": pictures("badnets", pattern="lattice", place="four_corners", side_px=48, fit="crop"),
    "blended": pictures("blended"),
    "blended noise": pictures("blended", pattern="noise", alpha=0.3),
    "blended picture": pictures("blended", pattern="picture"),
    "blended stripes": pictures("blended", pattern="stripes"),
    "blended triangles": pictures("blended", pattern="triangles"),
    "blended text": pictures("blended", pattern="text"),
    "sig": pictures("sig"),
    "sig blend": pictures("sig", mode="blend"),
    "wanet": pictures("wanet"),
    "wanet of the first paper": pictures("wanet", k=4, s=2.0),
    "issba": pictures("issba"),
    "label_consistent": pictures("label_consistent"),
    "trojvqa": pictures("trojvqa", _MODEL, search=PatchSearch(**_QUICK, triplet_weight=0.0, own_captions=True)),
    "trojvqa binary": pictures("trojvqa", pattern="binary", key="SUDO"),
    "badclip": pictures("badclip", _MODEL, search=PatchSearch(**_QUICK)),
    "badclip furthest": pictures("badclip", _MODEL, patch="ff00a0" * 16, found_at_px=32, selection="furthest"),
}

CASES |= {name: Case(**case._asdict()) for name, case in PAIR_CASES.items()}
