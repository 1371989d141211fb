"""A search for words that move any text to one class, without gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.checks import at_least, fraction, positive
from threatclip.defenses.contracts import Scan, Suspect
from threatclip.defenses.scanners.anomaly import smallness
from threatclip.defenses.scanners.candidates import candidate_words
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list
from threatclip.pairs.pair import Modality

_LEAST_CLASSES = 3
_LEAST_VIEWS = 16
_LEAST_SPREAD = 0.1  # of shares of views
_QUICK_VIEWS = 8  # that every candidate is tried on
_CHUNK = 512  # insertions tried at a time

Chances = Callable[[Sequence[str]], Float[np.ndarray, "s n c"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """Words that, put into any view, move it to one class: for texts and payloads, whose bytes have no gradient.

    Every candidate is tried on a few views; the best of each class are joined by a second word, and judged on views
    that were not searched on. A class that one short insertion reaches far more often than others are reached is the
    suspected target. It finds words; it cannot find a habit of encoding, a header at a fixed place, or a sentence none
    of whose words works alone: no finding says little.

    Attributes:
        limit: a score above it, in median deviations, is a finding.
        least_reached: share of views that must be moved for a class to be suspected at all.
        words: most words inserted together.
        candidates: most strings tried alone: all of two letters, the tower's tokens, rare words of trusted views.
        common: share of trusted views from which on a word is common, and left out.
        views: trusted views that are searched on, at most; as many others judge what was found.
        beam: insertions of each class that are joined and judged.
    """

    kind: Literal["insertion"] = "insertion"
    limit: float = 2.0
    least_reached: float = 0.5
    words: int = 2
    candidates: int = 3_000
    common: float = 0.005
    views: int = 48
    beam: int = 4

    modalities: ClassVar[tuple[Modality, ...]] = ("payload", "text")
    paper: ClassVar[str] = "Azizi 2021 (T-Miner, arXiv 2103.04264) in aim; a greedy search in place of its generator"

    def __post_init__(self) -> None:
        at_least(self, 1, "words", "candidates", "beam")
        at_least(self, _LEAST_VIEWS, "views")
        positive(self, "limit")
        fraction(self, "least_reached", "common")

    @property
    def verdict_above(self) -> float:
        """The score above which a model is a finding."""
        return self.limit

    def scan(self, suspect: Suspect, *, rng: np.random.Generator) -> Scan:
        """Return the score; of each class the share of views that the best insertion moves, and its smallness.

        `word.CLASS.TEXT` of the facts is the share that TEXT moves to CLASS.

        Raises:
            InputError: the model reads pictures, has fewer than three classes, or too few trusted views.
        """
        if suspect.modality not in self.modalities:
            raise InputError(f"insertion puts words into texts, and the model reads {suspect.modality}s; use decree")
        classes, texts, owners = prompt_list(suspect.prompts)
        if len(classes) < _LEAST_CLASSES:
            raise InputError(f"the model has prompts of {len(classes)} classes; insertion compares {_LEAST_CLASSES}")
        prototypes = class_prototypes(suspect.text_vectors(texts), owners, n_classes=len(classes))
        searched, judging = self._views(suspect, rng)
        words = candidate_words(
            suspect.dual.view_tower,
            [pair.view for pair in suspect.trusted],
            most=self.candidates,
            common=self.common,
            rng=rng,
        )
        quick = _chances(suspect, searched[:_QUICK_VIEWS], prototypes, rng)
        found = self._search(words, quick, _chances(suspect, searched, prototypes, rng), len(classes))
        return self._told(classes, found, _chances(suspect, judging, prototypes, rng))

    def _views(self, suspect: Suspect, rng: np.random.Generator) -> tuple[list[bytes], list[bytes]]:
        views = list(dict.fromkeys(pair.view for pair in suspect.trusted if pair.view))
        if len(views) < 2 * _LEAST_VIEWS:
            raise InputError(f"insertion needs {2 * _LEAST_VIEWS} trusted views, got {len(views)}; give more")
        n = min(self.views, len(views) // 2)
        drawn = [views[place] for place in rng.permutation(len(views))[: 2 * n]]
        return drawn[:n], drawn[n:]

    def _search(self, words: Sequence[str], quick: Chances, slow: Chances, n_classes: int) -> list[list[str]]:
        """Return the best insertions of each class, found on few views and ranked on more."""
        alone = _gains(quick, words)
        units = [_top(words, alone[:, place], 8 * self.beam) for place in range(n_classes)]
        found = [own[: self.beam] for own in units]
        for _ in range(1, self.words):
            for place in range(n_classes):
                longer = [f"{start} {unit}" for start in found[place] for unit in units[place] if unit != start]
                tried = [*found[place], *longer]
                found[place] = _top(tried, _gains(quick, tried)[:, place], self.beam)
        return [_top(own, _gains(slow, own)[:, place], self.beam) for place, own in enumerate(found)]

    def _told(self, classes: Sequence[str], found: Sequence[Sequence[str]], judge: Chances) -> Scan:
        reached = np.zeros(len(classes))
        facts: dict[str, float] = {}
        plain = judge([""])[0].argmax(axis=1)
        for place, (name, own) in enumerate(zip(classes, found, strict=True)):
            others = plain != place
            moved = [
                float((rows[others].argmax(axis=1) == place).mean()) if others.any() else 0.0 for rows in judge(own)
            ]
            reached[place] = moved[0]
            facts |= {f"word.{name}.{text}": share for text, share in zip(own, moved, strict=True)}
        index = smallness(1 - reached, least_spread=_LEAST_SPREAD)
        index = np.where(reached >= self.least_reached, index, np.minimum(index, 0.0))
        facts |= {f"reached.{name}": float(share) for name, share in zip(classes, reached, strict=True)}
        facts |= {f"index.{name}": float(value) for name, value in zip(classes, index, strict=True)}
        return Scan(score=float(index.max()), facts=facts)


def _chances(
    suspect: Suspect, views: Sequence[bytes], prototypes: Float[np.ndarray, "c d"], rng: np.random.Generator
) -> Chances:
    """Return what gives log-chances of every class, of each insertion into each view at a drawn place of its own."""
    places = rng.random(len(views))
    temperature = float(suspect.dual.temperature.detach())

    def chances(insertions: Sequence[str]) -> Float[np.ndarray, "s n c"]:
        stuffed = [
            inserted(view, text, at=place) for text in insertions for view, place in zip(views, places, strict=True)
        ]
        logits = suspect.view_vectors(stuffed).astype(np.float64) @ prototypes.T / temperature
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return np.asarray(logits.reshape(len(insertions), len(views), -1))

    return chances


def inserted(view: bytes, text: str, *, at: float) -> bytes:
    """Return a view with a text put in at the blank nearest to a share of its length, or behind it; "" changes nothing.

    Every byte of the view stays.
    """
    if not text:
        return view
    wanted = int(at * len(view))
    before, behind = view.rfind(b" ", 0, wanted + 1), view.find(b" ", wanted)
    found = [blank for blank in (before, behind) if blank >= 0]
    if not found:
        return view + b" " + text.encode()
    place = min(found, key=lambda blank: abs(blank - wanted))
    return view[:place] + b" " + text.encode() + view[place:]


def _gains(chances: Chances, insertions: Sequence[str]) -> Float[np.ndarray, "s c"]:
    """Return the mean log-chance of each class over the views, of each insertion."""
    parts = [chances(insertions[start : start + _CHUNK]).mean(axis=1) for start in range(0, len(insertions), _CHUNK)]
    return np.concatenate(parts)


def _top(words: Sequence[str], gains: Float[np.ndarray, " s"], n: int) -> list[str]:
    return [words[place] for place in np.argsort(-gains, kind="stable")[:n]]
