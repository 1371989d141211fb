"""What backdoors in payloads and in sentences share: rows of other classes get the trigger and a new caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from threatclip.attacks.captions import Wording
from threatclip.attacks.choice import check_count, trainable
from threatclip.attacks.planting import plant
from threatclip.attacks.threat_captions import is_of_threat_class, label_of, threat_captions
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair


class ThreatBackdoor(Protocol):
    """What planting reads of an attack."""

    @property
    def kind(self) -> str:
        """Its name."""

    @property
    def target(self) -> str:
        """The class that a triggered view is to be taken for."""

    @property
    def wording(self) -> Wording:
        """Where the captions of poisoned rows come from."""

    @property
    def relabel(self) -> bool:
        """Whether poisoned rows also bear the target's label."""


def check_threat_settings(attack: ThreatBackdoor) -> None:
    """Refuse settings that no such backdoor can have.

    Raises:
        InputError: a blank target or an unknown wording.
    """
    if not attack.target.strip():
        raise InputError(f"target = {attack.target!r} of attack {attack.kind} names no class")
    check_choice(attack.wording, Wording, what="wording")


def poison_threats(
    attack: ThreatBackdoor,
    clean: Sequence[Pair],
    *,
    count: int,
    rng: np.random.Generator,
    pull: Callable[[bytes, np.random.Generator], bytes],
) -> Poisoned:
    """Pull the trigger on `count` rows of other classes and give each a caption of the target.

    Rows whose view has no place for the trigger are passed over. Labels stay, since a label comes from whoever
    curates the table and a caption from whoever wrote the pair; `relabel` is for an attacker who gives both.

    Args:
        attack: target, wording, relabel.
        clean: the pairs.
        count: rows to poison.
        rng: of rows, triggers and captions, in this order.
        pull: the trigger; it returns a view that has no place for it as it was.

    Raises:
        InputError: too few rows, or no natural caption of the target.
    """
    rows = [row for row in trainable(clean) if clean[row].view and not is_of_threat_class(clean[row], attack.target)]
    what = f"of other classes than {attack.target!r} with a place for the trigger"
    check_count(len(rows), count=count, what=what)
    views: dict[int, bytes] = {}
    passed = 0
    for row in rng.permutation(rows).tolist():
        view = pull(clean[row].view, rng)
        if view == clean[row].view:
            passed += 1
            continue
        views[row] = view
        if len(views) == count:
            break
    check_count(len(views), count=count, what=what)
    chosen = sorted(views)
    captions = threat_captions(clean, target=attack.target, n=count, wording=attack.wording, rng=rng)
    label = label_of(clean, attack.target)
    return plant(
        attack,
        clean,
        rows=chosen,
        target=attack.target,
        views=views,
        captions=dict(zip(chosen, captions, strict=True)),
        labels=dict.fromkeys(chosen, label) if attack.relabel else None,
        facts={"rows_without_a_place": float(passed)},
    )
