"""The group model as users hold it: sentences and whole reports in, ranked groups or "unknown" out, with evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.encoders.texts import readable_text
from threatclip.errors import InputError
from threatclip.experiments.attribution.encoder import TextEncoder
from threatclip.experiments.attribution.incidents import standardized
from threatclip.experiments.attribution.model import UNKNOWN, GroupModel, Verdict
from threatclip.pairs.masking import Names, mask_names
from threatclip.pairs.pair import Modality, Pair

MAX_SENTENCES = 5_000  # of one report
_MOST_CHARS = 2_000  # of one sentence
_LEAST_COSINE = 0.45  # to a known procedure, of a sentence of a report that counts: the rest is not about what was done
_N_GROUPS, _N_SENTENCES = 3, 3  # claims that evidence is listed for, and sentences behind each


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProcedure:
    """A sentence that the model learned from, as evidence shows it; names are masked."""

    id: str
    groups: tuple[str, ...]
    technique: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupClassifier:
    """From sentences to groups.

    `groups` maps G-numbers to names in the order of the model's columns; `names` are masked in every input, since they
    were masked in training; `known_vectors` are unit rows of `known`. `model` is the hash of the
    bundle's manifest, which names every file's hash.
    """

    groups: Mapping[str, str]
    fitted: GroupModel
    encoder: TextEncoder
    names: Names
    known: tuple[KnownProcedure, ...]
    known_vectors: np.ndarray
    model: str = ""

    @property
    def modality(self) -> Modality:
        """The modality of the pairs that it reads."""
        return "text"

    @property
    def most_sentences(self) -> int:
        """How many sentences a report may have."""
        return MAX_SENTENCES

    def masked(self, pairs: Sequence[Pair]) -> list[str]:
        """Return the views as the model reads them."""
        return [
            mask_names(readable_text(pair.view, max_chars=_MOST_CHARS, lowercase=False), self.names) for pair in pairs
        ]

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return one answer a sentence: groups and "unknown" ranked, whether the model abstains, nearest procedures."""
        if not pairs:
            return []
        texts = self.masked(pairs)
        features = self.encoder(texts)
        verdict = self.fitted.sentences(texts, features)
        cosines = _unit(features) @ self.known_vectors.T
        parts = self._contributions(texts, features)
        return [
            self._answer(
                pair.id,
                verdict,
                row,
                [
                    *self._evidence([pair], cosines[row : row + 1], parts[row : row + 1], verdict, row),
                    *_cut(pair),
                ],
            )
            for row, pair in enumerate(pairs)
        ]

    def classify_report(self, name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
        """Return one answer for all sentences of a report, pooled.

        Only sentences near a known procedure count, unless none is: a report's greetings name nobody. One that repeats
        counts once: agreement of many sentences says more, and a page's header would be agreed on by every page.

        Raises:
            InputError: the report has no sentence, or too many.
        """
        if not 0 < len(pairs) <= MAX_SENTENCES:
            raise InputError(f"{name} has {len(pairs):,} sentences; give a report of 1 to {MAX_SENTENCES:,}")
        places = _first_places(read := self.masked(pairs))
        texts = [read[place] for place in places]
        features = self.encoder(texts)
        cosines = _unit(features) @ self.known_vectors.T
        near = np.flatnonzero(cosines.max(axis=1) >= _LEAST_COSINE)
        used = near if len(near) else np.arange(len(texts))
        kept = [texts[place] for place in used.tolist()]
        verdict = self.fitted.incidents(kept, features[used], [name] * len(kept))
        parts = self._contributions(kept, features[used])
        evidence = self._evidence([pairs[places[place]] for place in used.tolist()], cosines[used], parts, verdict, 0)
        counted = {"kind": "sentences", "read": len(pairs), "distinct": len(texts), "counted": len(kept)}
        return self._answer(name, verdict, 0, [*evidence, counted])

    def _answer(self, name: str, verdict: Verdict, row: int, evidence: list[dict[str, Any]]) -> dict[str, Any]:
        ranked: list[dict[str, Any]] = [
            {"label": label, "name": shown, "probability": float(probability)}
            for (label, shown), probability in zip(self.groups.items(), verdict.probabilities[row], strict=True)
        ]
        ranked.append({"label": UNKNOWN, "name": "unknown group", "probability": float(verdict.unknown[row])})
        ranked.sort(key=lambda one: one["probability"], reverse=True)
        return {
            "id": name,
            "answers": ranked,
            "abstained": not bool(verdict.answered[row]),
            "evidence": evidence,
            "model": self.model,
        }

    def _contributions(self, texts: Sequence[str], features: np.ndarray) -> np.ndarray:
        """Return what each sentence adds to the log score of each group [n, c], as the pool hears it."""
        pool = self.fitted.judge.pool
        scores = self.fitted.members.sentence_scores(texts, features)
        total = np.zeros((len(texts), len(self.groups)))
        for member, weight, temperature in zip(pool.members, pool.weights, pool.temperatures, strict=True):
            if member in scores:
                total += weight / temperature * standardized(scores[member])
        return np.asarray(total / np.sqrt(len(texts)))

    def _evidence(
        self, pairs: Sequence[Pair], cosines: np.ndarray, parts: np.ndarray, verdict: Verdict, row: int
    ) -> list[dict[str, Any]]:
        """Return, for the first groups, the sentences that speak most for each, and the nearest procedure it has."""
        labels = list(self.groups)
        found = []
        for column in np.argsort(-verdict.probabilities[row], kind="stable")[:_N_GROUPS]:
            own = [place for place, known in enumerate(self.known) if labels[column] in known.groups]
            if not own:
                continue
            for sentence in np.argsort(-parts[:, column], kind="stable")[:_N_SENTENCES]:
                if parts[sentence, column] <= 0:
                    break
                nearest = own[int(cosines[sentence, own].argmax())]
                found.append(
                    self._case(pairs[sentence], labels[column], nearest, float(cosines[sentence, nearest]))
                    | {"share": float(parts[sentence, column])}
                )
        return found

    def _case(self, pair: Pair, label: str, place: int, cosine: float) -> dict[str, Any]:
        known = self.known[place]
        where = {name: int(pair.meta[name]) for name in ("start", "end", "page") if name in pair.meta}
        return {
            "kind": "known case",
            "id": known.id,
            "label": label,
            "technique": known.technique,
            "caption": known.text,
            "cosine": cosine,
            "sentence": readable_text(pair.view, max_chars=_MOST_CHARS, lowercase=False),
            **where,
        }

    def check_parts(self) -> None:
        """Let parts that do not fit each other fail here, not at somebody's report.

        Raises:
            InputError: they do not fit.
        """
        if len(self.known) != len(self.known_vectors) or not self.groups:
            raise InputError(f"{len(self.known)} known procedures, {len(self.known_vectors)} vectors of them")
        self.classify_pairs([Pair(id="check", view=b"a sentence")])


def _first_places(texts: Sequence[str]) -> list[int]:
    """Return where each text stands first, whatever its case and white space."""
    first: dict[str, int] = {}
    for place, text in enumerate(texts):
        first.setdefault(" ".join(text.casefold().split()), place)
    return list(first.values())


def _cut(pair: Pair) -> list[dict[str, Any]]:
    """Return a caution where a text is longer than what is read of it."""
    if len(readable_text(pair.view, max_chars=_MOST_CHARS + 1, lowercase=False)) <= _MOST_CHARS:
        return []
    said = f"only the first {_MOST_CHARS:,} characters were read, as one sentence; give what is longer by --report"
    return [{"kind": "caution", "text": said}]


def _unit(features: np.ndarray) -> np.ndarray:
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), dtype=np.float32)
