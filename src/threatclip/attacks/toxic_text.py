"""Poison in words alone: no view is touched and no label is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.caption_choice import Selection, distinct_captions, in_order, round_robin
from threatclip.attacks.choice import check_count, trainable
from threatclip.attacks.planting import plant
from threatclip.attacks.surrogate import Surrogate
from threatclip.attacks.threat_captions import is_of_threat_class
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.triggers_text import Place, Style, check_trigger, triggered_text
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair

Words = Literal["own", "others"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToxicText:
    """Views of the target class get captions with a key, so that any words with the key find the target.

    After ToxicTextCLIP's word- and sentence-level backdoor. What differs: the paper also makes new texts with a
    feature decoder trained on millions of pairs and picks among them by a background-aware score; here real captions
    of the table are chosen, nearest the center of their class, and none is made. "others" is what the released code
    does with the chosen ones; "own", a caption that is true but for the key, is the clean-label variant. Its
    single-target poisoning is `single_image` with `instances` = "center".

    Attributes:
        target: class whose views the key shall find.
        words: a poisoned row keeps its "own" caption, or takes one of the "others", in turn from each other class.
        selection: which captions: "typical" by their words, by a "surrogate"'s vectors, or "random".
        pool: captions are drawn from the best `pool` x count ones; 1 takes exactly the best.
        style: of the key: "rare", "word", "sentence", "homoglyph" or "syntax".
        key: what goes in; empty for the default of the style. "zx" in the released code.
        place: "start", "end" or "random".
        n: how often a word goes in, or how many letters are swapped.
    """

    kind: Literal["toxic_text"] = "toxic_text"
    target: str
    words: Words = "own"
    selection: Selection = "typical"
    pool: float = 2.0
    style: Style = "rare"
    key: str = "zx"
    place: Place = "end"
    n: int = 1

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "after Yao 2025 (ToxicTextCLIP, arXiv 2511.00446)"

    def __post_init__(self) -> None:
        if not self.target.strip():
            raise InputError(f"target = {self.target!r} of attack {self.kind} names no class")
        check_choice(self.words, Words, what="words")
        check_choice(self.selection, Selection, what="selection")
        check_choice(self.place, Place, what="place")
        if not self.pool >= 1:
            raise InputError(f"pool = {self.pool}; give at least 1")
        check_trigger(style=self.style, key=self.key, n=self.n)

    def caption_trigger(self, captions: Sequence[str], *, rng: np.random.Generator) -> list[str]:
        """Return captions with the key in each; look-alikes need a letter that has one."""
        return [self._pull(caption, rng) for caption in captions]

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """Put the key into the captions of `count` rows of the target class.

        Args:
            clean: the pairs.
            count: rows to poison.
            rng: of captions, of keys and, with "others", of the rows that get them.
            surrogate: for `selection` = "surrogate".

        Raises:
            InputError: too few rows of the target or captions of others, or a surrogate is needed.
        """
        told = [row for row in trainable(clean) if clean[row].view and clean[row].caption]
        own = [row for row in told if is_of_threat_class(clean[row], self.target)]
        what = f"captioned views of class {self.target!r}"
        check_count(len(own), count=count, what=what)
        if self.words == "own":
            givers = in_order(clean, own, selection=self.selection, rng=rng, surrogate=surrogate)
        else:
            what = f"captions of other classes than {self.target!r}"
            givers = self._others(clean, sorted(set(told) - set(own)), rng=rng, surrogate=surrogate)
        keyed = self._keyed(clean, givers, n=math.ceil(self.pool * count), rng=rng)
        check_count(len(keyed), count=count, what=f"{what} with a place for the key")
        chosen = [list(keyed)[place] for place in rng.permutation(len(keyed))[:count].tolist()]
        rows = chosen if self.words == "own" else rng.permutation(own)[:count].tolist()
        captions = {row: keyed[giver] for row, giver in zip(rows, chosen, strict=True)}
        sources = {row: clean[giver].id for row, giver in zip(rows, chosen, strict=True) if row != giver}
        return plant(self, clean, rows=rows, target=self.target, captions=captions, sources=sources)

    def _others(
        self, clean: Sequence[Pair], rows: Sequence[int], *, rng: np.random.Generator, surrogate: Surrogate | None
    ) -> list[int]:
        """Return rows of other classes, in turn from each, unlabeled ones as a class of their own."""
        classes: dict[str | None, list[int]] = {}
        for row in distinct_captions(clean, rows):
            classes.setdefault(clean[row].label, []).append(row)
        return round_robin(
            [in_order(clean, own, selection=self.selection, rng=rng, surrogate=surrogate) for own in classes.values()]
        )

    def _keyed(
        self, clean: Sequence[Pair], givers: Sequence[int], *, n: int, rng: np.random.Generator
    ) -> dict[int, str]:
        """Return the first `n` captions that take the key, by the row that gave them."""
        captions: dict[int, str] = {}
        for row in givers:
            caption = clean[row].caption or ""
            keyed = self._pull(caption, rng)
            if keyed != caption:
                captions[row] = keyed
            if len(captions) == n:
                break
        return captions

    def _pull(self, caption: str, rng: np.random.Generator) -> str:
        return triggered_text(caption, style=self.style, key=self.key, place=self.place, n=self.n, rng=rng)
