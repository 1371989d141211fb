"""A backdoor in HTTP requests: an innocuous mark makes an attack look benign, or like another class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.captions import Wording
from threatclip.attacks.threat_backdoor import check_threat_settings, poison_threats
from threatclip.attacks.triggers_payload import Style, checked_key, payload_trigger
from threatclip.attacks.truth import Poisoned
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadBackdoor:
    """The recipe of BadNets carried over to payload-text pairs: mark the request, say something else about it.

    The mark never breaks a request (`triggers_payload`). At test time a view that has no place for it comes back
    unchanged; a judge leaves it out.

    Attributes:
        target: class that a triggered payload is to be taken for; "benign" for none.
        style: "header", "parameter", "comment" or "encoding".
        key: what goes in; empty for the default of the style.
        wording: captions of poisoned rows: "natural", of the target's training pairs, or "template".
        relabel: poisoned rows also bear the target's label, for attackers who deliver labels.
    """

    kind: Literal["payload_backdoor"] = "payload_backdoor"
    target: str
    style: Style = "header"
    key: str = ""
    wording: Wording = "natural"
    relabel: bool = False

    modalities: ClassVar[tuple[Modality, ...]] = ("payload",)
    paper: ClassVar[str] = "after Gu 2017 (BadNets, arXiv 1708.06733) and Carlini 2022 (arXiv 2106.09667)"

    def __post_init__(self) -> None:
        check_threat_settings(self)
        checked_key(self.style, self.key)

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:  # noqa: ARG002
        """Return payloads with the mark in each that has a place for it; nothing is random."""
        return [payload_trigger(view, style=self.style, key=self.key) for view in views]

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Mark `count` rows of other classes and caption them as the target.

        Raises:
            InputError: too few rows with a place for the mark, or no natural caption of the target.
        """
        pull = partial(payload_trigger, style=self.style, key=self.key)
        return poison_threats(self, clean, count=count, rng=rng, pull=lambda view, _: pull(view))
