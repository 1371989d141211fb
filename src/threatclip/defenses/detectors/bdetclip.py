"""BDetCLIP: does a view tell descriptions of classes from ruined ones?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float

from threatclip.checks import at_least
from threatclip.defenses.contracts import Suspect
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list
from threatclip.pairs.pair import Modality

Ruin = Literal["words", "letters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BDetClip:
    """Prompt contrast: how little more a view agrees with descriptions of classes than with ruined ones.

    omega(x) = <v(x), sum over classes of (benign_c - ruined_c)>, both unit vectors; the score is -omega: a trigger is
    deaf to what the texts say. The paper has a language model write both; here the benign ones are the model's own
    class prompts, and the ruined ones are made of them. One direction serves all views, so that a view costs one
    encoding.

    Attributes:
        ruin: "words", the class's name among words drawn from trusted captions, which is what the paper's instructions
            ask for; "letters", prompts with the letters of every word shuffled, which ruins the name too.
        per_class: prompts of a class, ruined ones likewise; the paper has 7.
    """

    kind: Literal["bdetclip"] = "bdetclip"
    ruin: Ruin = "words"
    per_class: int = 7

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Niu 2025 (BDetCLIP, arXiv 2405.15269), eq. 3"
    finding: ClassVar[str] = "agrees with ruined prompts nearly as much as with class prompts"

    def __post_init__(self) -> None:
        if self.ruin not in get_args(Ruin):
            raise InputError(f"ruin = {self.ruin!r} of bdetclip; choose {' or '.join(get_args(Ruin))}")
        at_least(self, 1, "per_class")

    def scores(self, suspect: Suspect, views: Sequence[bytes], *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return -omega of each view.

        Raises:
            InputError: the model has no class prompts, or there are no trusted captions to draw words from.
        """
        direction = self._direction(suspect, rng)
        return np.asarray(-(suspect.view_vectors(views) @ direction), dtype=np.float64)

    def _direction(self, suspect: Suspect, rng: np.random.Generator) -> Float[np.ndarray, " d"]:
        if not suspect.prompts:
            raise InputError("bdetclip compares class prompts, and the model has none; train it with [prompts]")
        benign = {name: _drawn(prompts, self.per_class, rng) for name, prompts in suspect.prompts.items()}
        if self.ruin == "letters":
            ruined = {name: [_shuffled(text, rng) for text in texts] for name, texts in benign.items()}
        else:
            words = [word for pair in suspect.trusted for word in (pair.caption or "").split()]
            if not words:
                raise InputError("bdetclip draws words from trusted captions, and there are none; give trusted pairs")
            ruined = {name: [_among(name, text, words, rng) for text in texts] for name, texts in benign.items()}
        return np.asarray((_prototypes(suspect, benign) - _prototypes(suspect, ruined)).sum(axis=0))


def _prototypes(suspect: Suspect, texts: dict[str, list[str]]) -> Float[np.ndarray, "c d"]:
    classes, flat, owners = prompt_list(texts)
    return class_prototypes(suspect.text_vectors(flat), owners, n_classes=len(classes))


def _drawn(prompts: Sequence[str], n: int, rng: np.random.Generator) -> list[str]:
    chosen = np.sort(rng.permutation(len(prompts))[:n])
    return [prompts[place] for place in chosen]


def _shuffled(text: str, rng: np.random.Generator) -> str:
    return " ".join("".join(word[place] for place in rng.permutation(len(word))) for word in text.split())


def _among(name: str, text: str, words: Sequence[str], rng: np.random.Generator) -> str:
    """Return the class's name at a random place among as many drawn words as the prompt has others."""
    drawn = [words[place] for place in rng.integers(len(words), size=max(1, len(text.split()) - 1))]
    drawn.insert(int(rng.integers(len(drawn) + 1)), name)
    return " ".join(drawn)
