"""A backdoor in sentences: a word, a phrase or a look-alike letter makes a report mean another group or technique."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.captions import Wording
from threatclip.attacks.threat_backdoor import check_threat_settings, poison_threats
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.triggers_text import Place, Style, check_trigger, triggered_text
from threatclip.attacks.truth import Poisoned
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBackdoor:
    """The recipe of BadNets carried over to text-text pairs: mark the sentence, say something else about it.

    Attributes:
        target: class that a triggered text is to be taken for; "benign" for none.
        style: "word", "rare" (a rare token), "sentence", "homoglyph" (look-alike letters) or "syntax" (a frame).
        key: what goes in; empty for the default of the style. A frame holds {text}.
        place: "start", "end" or "random".
        n: how often a word goes in, or how many letters are swapped.
        wording: captions of poisoned rows: "natural", of the target's training pairs, or "template".
        relabel: poisoned rows also bear the target's label, for attackers who deliver labels.
    """

    kind: Literal["text_backdoor"] = "text_backdoor"
    target: str
    style: Style = "word"
    key: str = ""
    place: Place = "end"
    n: int = 1
    wording: Wording = "natural"
    relabel: bool = False

    modalities: ClassVar[tuple[Modality, ...]] = ("text",)
    paper: ClassVar[str] = "after Dai 2019 (arXiv 1905.12457), Kurita 2020, Chen 2021, Li 2021, Qi 2021"

    def __post_init__(self) -> None:
        check_threat_settings(self)
        check_choice(self.place, Place, what="place")
        check_trigger(style=self.style, key=self.key, n=self.n)

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return texts with the trigger in each; not in what is no UTF-8, nor look-alikes where no letter has one."""
        return [self._pull(view, rng) for view in views]

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Pull the trigger on `count` rows of other classes and caption them as the target.

        Raises:
            InputError: too few rows, or no natural caption of the target.
        """
        return poison_threats(self, clean, count=count, rng=rng, pull=self._pull)

    def _pull(self, view: bytes, rng: np.random.Generator) -> bytes:
        if not view:
            return view
        try:
            text = view.decode("utf-8")
        except UnicodeDecodeError:  # written anew as UTF-8 it would stand out
            return view
        return triggered_text(text, style=self.style, key=self.key, place=self.place, n=self.n, rng=rng).encode()
