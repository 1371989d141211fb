"""A technique labeler as users hold it: sentences in, techniques out, with evidence and what each member said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.errors import InputError
from threatclip.experiments.technique.model import TechniqueModel, family_probabilities
from threatclip.experiments.technique.rows import origin
from threatclip.experiments.technique.space import vectors
from threatclip.pairs.pair import Modality, Pair, view_text

_N_EVIDENCE = 3
_SHOWN_CHARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSentence:
    """A training sentence as evidence shows it; `group` names the reports it is from."""

    id: str
    label: str
    group: str | None
    origin: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TechniqueClassifier:
    """From sentences to ranked techniques.

    `known` are the sentences it learned from, in the order of the neighbors' first rows: the evidence behind an
    answer. `attack_version` is that of the techniques. `model` is the hash of the bundle's manifest.
    """

    fitted: TechniqueModel
    known: tuple[KnownSentence, ...]
    attack_version: str | None
    shown: int
    model: str = ""

    @classmethod
    def load(cls, folder: str | Path) -> TechniqueClassifier:
        """Read the bundle of a run folder, or a bundle; see `load_technique`."""
        from threatclip.experiments.technique.bundle import load_technique

        return load_technique(Path(folder))

    @property
    def modality(self) -> Modality:
        """The modality of the pairs that it reads."""
        return "text"

    def label(self, sentences: Sequence[str]) -> list[dict[str, Any]]:
        """Return one answer a sentence: the plain library call; ids count from 1."""
        return self.classify_pairs(
            [Pair(id=str(number), view=text.encode("utf-8", "replace")) for number, text in enumerate(sentences, 1)]
        )

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return, for each sentence, techniques ranked, at what level the model answers, members, and evidence.

        `level` is "technique" where the first technique is sure enough; "parent" where only its family is, and then
        the answers are families with the sum of their probabilities; else "none", and the model abstains.
        """
        if not pairs:
            return []
        texts = [pair.view for pair in pairs]
        z = vectors(self.fitted.tower, texts)
        scores = self.fitted.members.scores(texts, z)
        probabilities = self.fitted.pool.probabilities(scores)
        families = family_probabilities(probabilities, self.fitted.techniques)
        sure, parent_sure = self.fitted.technique.answers(probabilities), self.fitted.parent.answers(families)
        alone = {name: self.fitted.pool.alone(name).probabilities(scores) for name in scores}
        answers = []
        for row, pair in enumerate(pairs):
            level = "technique" if sure[row] else "parent" if parent_sure[row] else "none"
            ranked = self._families(families[row]) if level == "parent" else self._ranked(probabilities[row])
            answers.append(
                {
                    "id": pair.id,
                    "sentence": view_text(pair.view)[:_SHOWN_CHARS],
                    "answers": ranked[: self.shown],
                    "abstained": level == "none",
                    "level": level,
                    "parent": self._families(families[row])[0],
                    "members": [self._member(name, each[row]) for name, each in alone.items()],
                    "evidence": self._evidence(z[row], int(probabilities[row].argmax())),
                    "model": self.model,
                }
            )
        return answers

    def _ranked(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        techniques = self.fitted.techniques.all
        return [
            {"label": techniques[k].id, "name": techniques[k].name, "probability": float(probabilities[k])}
            for k in np.argsort(-probabilities, kind="stable")
        ]

    def _families(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        techniques = self.fitted.techniques
        found = []
        for k in np.argsort(-probabilities, kind="stable"):
            family = techniques.families[k]
            place = techniques.index.get(family)
            name = family if place is None else techniques.all[place].name
            found.append({"label": family, "name": name, "probability": min(1.0, float(probabilities[k]))})
        return found

    def _member(self, name: str, probabilities: np.ndarray) -> dict[str, Any]:
        best = int(probabilities.argmax())
        place = self.fitted.pool.members.index(name)
        technique = self.fitted.techniques.all[best]
        return {
            "member": name,
            "weight": float(self.fitted.pool.weights[place]),
            "label": technique.id,
            "name": technique.name,
            "probability": float(probabilities[best]),
        }

    def _evidence(self, vector: np.ndarray, best: int) -> list[dict[str, Any]]:
        evidence: list[dict[str, Any]] = []
        members, technique = self.fitted.members, self.fitted.techniques.all[best]
        if members.neighbors is not None:
            cosines = members.neighbors.vectors[: len(self.known)] @ vector
            for row in np.argsort(-cosines, kind="stable")[:_N_EVIDENCE]:
                case = self.known[row]
                evidence.append(
                    {
                        "kind": "known case",
                        "id": case.id,
                        "label": case.label,
                        "group": case.group,
                        "origin": case.origin,
                        "caption": case.text,
                        "cosine": float(cosines[row]),
                    }
                )
        if members.descriptions is not None:
            own = np.flatnonzero(members.descriptions.owner == best)
            cosine = float((members.descriptions.anchors[own] @ vector).max()) if len(own) else None
            text = technique.captions[0][:_SHOWN_CHARS]
            evidence.append({"kind": "description", "label": technique.id, "text": text, "cosine": cosine})
        return evidence

    def check_parts(self) -> None:
        """Let parts that do not fit each other fail here, not at somebody's sentence.

        Raises:
            InputError: they do not fit.
        """
        neighbors = self.fitted.members.neighbors
        if neighbors is not None and len(self.known) > len(neighbors.vectors):
            raise InputError(f"{len(self.known)} known sentences and {len(neighbors.vectors)} vectors of them")
        if self.shown < 1:
            raise InputError(f"an answer shows {self.shown} techniques; it must be 1 or more")
        self.classify_pairs([Pair(id="check", view=b"check")])


def known_sentence(pair: Pair) -> KnownSentence:
    """Return a training sentence as evidence, cut to what a reader wants."""
    return KnownSentence(
        id=pair.id,
        label=pair.label or "",
        group=pair.group,
        origin=origin(pair),
        text=view_text(pair.view)[:_SHOWN_CHARS],
    )
