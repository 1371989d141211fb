"""Answers of `threatclip classify` on their way out: read as hostile JSON, held to their contract, picked and named."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from threatclip.errors import BadRow, InputError
from threatclip.export.references import Reference, refer
from threatclip.export.text import clean
from threatclip.export.tlp import Tlp
from threatclip.pairs.attack_catalogue import Catalogue
from threatclip.pairs.sources.rows import json_records

ANSWER_LIMIT = 200_000
_CLAIM_LIMIT = 10_000
_ID_LIMIT, _NAME_LIMIT = 1_000, 500
_MOST_CAUTIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One label of an answer with its probability in [0, 1]."""

    label: str
    name: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model answered on one input: claims, the most probable first, or that it does not know.

    `cautions` are what the model says against its own answer, as that its probabilities are not calibrated.
    """

    id: str
    claims: tuple[Claim, ...]
    abstained: bool
    model: str
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One claim that goes out, and what its label refers to."""

    answer: Answer
    claim: Claim
    reference: Reference

    @property
    def confidence(self) -> int:
        """The probability in percent, as STIX counts confidence."""
        return round(100 * self.claim.probability)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What goes out, and what does not.

    Attributes:
        name: of the whole, for people.
        created: when it was made; everything that is written bears it.
        abstained: answers without a claim.
        below: answers whose claims were all below the wanted probability.
        unknown: labels that refer to nothing known -> number of claims.
        tlp: to whom it may be passed on; None: nothing is said.
        cautions: the first few of the answers that go out.
    """

    name: str
    created: datetime
    picks: tuple[Pick, ...]
    models: tuple[str, ...]
    n_answers: int
    abstained: int
    below: int
    unknown: dict[str, int]
    tlp: Tlp | None = None
    cautions: tuple[str, ...] = ()


def read_answers(path: Path) -> Iterator[Answer]:
    """Yield the answers of a JSON Lines file that `threatclip classify` wrote, plain or gzip'd.

    Raises:
        InputError: an unusable file, a line that is no answer, the same id twice, too many answers.
    """
    ids = set[str]()
    for record in json_records(path):
        if isinstance(record, BadRow):
            raise InputError(f"{record}; give the JSON Lines of `threatclip classify`")
        try:
            answer = answer_of(record.value)
            if answer.id in ids:
                raise ValueError(f"the id {answer.id[:80]!a} occurs twice")
        except ValueError as reason:
            where = f"{path}:{record.line}"
            raise InputError(f"{where}: {reason}; give the JSON Lines of `threatclip classify`") from reason
        ids.add(answer.id)
        if len(ids) > ANSWER_LIMIT:
            raise InputError(f"{path} holds more than {ANSWER_LIMIT:,} answers; split it")
        yield answer


def select(
    answers: Iterable[Answer],
    *,
    catalogue: Catalogue | None,
    name: str,
    created: datetime,
    top: int = 1,
    least: float = 0.0,
    tlp: Tlp | None = None,
) -> Selection:
    """Pick of every answer the `top` claims of at least probability `least`, and name what they refer to.

    With a catalogue, old ids of ATT&CK become those that took their place, and ids it does not have are unknown.

    Raises:
        InputError: nothing is left to write; a time without a zone.
    """
    if created.utcoffset() is None:
        raise InputError(f"the time {created.isoformat()} has no zone; add Z or an offset")
    picks: list[Pick] = []
    models, unknown = dict[str, None](), Counter[str]()
    n_answers = abstained = below = 0
    for answer in answers:
        n_answers += 1
        models[answer.model] = None
        if answer.abstained:
            abstained += 1
            continue
        claims = [claim for claim in answer.claims[:top] if claim.probability >= least]
        below += not claims
        for claim in claims:
            reference = refer(claim.label, claim.name, catalogue)
            if reference is None:
                unknown[claim.label] += 1
            else:
                picks.append(Pick(answer=answer, claim=claim, reference=reference))
    if not picks:
        seen = f"{n_answers} answers, {abstained} abstained, {below} below {least}"
        named = f", labels that are not ATT&CK's: {', '.join(list(unknown)[:5])}" if unknown else ""
        raise InputError(f"no answer to export ({seen}{named})")
    return Selection(
        name=clean(name, limit=_NAME_LIMIT) or "threatclip",
        created=created,
        picks=tuple(picks),
        models=tuple(model for model in models if model),
        n_answers=n_answers,
        abstained=abstained,
        below=below,
        unknown=dict(unknown.most_common()),
        tlp=tlp,
        cautions=tuple(dict.fromkeys(text for pick in picks for text in pick.answer.cautions))[:_MOST_CAUTIONS],
    )


def by_answer(picks: Iterable[Pick]) -> list[list[Pick]]:
    """Return the picks of each answer together, in order."""
    found: dict[str, list[Pick]] = {}
    for pick in picks:
        found.setdefault(pick.answer.id, []).append(pick)
    return list(found.values())


def answer_of(row: Mapping[str, Any]) -> Answer:
    """Return one line of `threatclip classify`, held to its contract.

    Raises:
        ValueError: it is no answer; says why.
    """
    claims = row.get("answers")
    if not isinstance(claims, list) or not claims or len(claims) > _CLAIM_LIMIT:
        raise ValueError("answers is no list of claims")
    abstained = row.get("abstained")
    if not isinstance(abstained, bool):
        raise ValueError("abstained is neither true nor false")
    read = [_claim(claim) for claim in claims]
    return Answer(
        id=_text(row.get("id"), "id", limit=_ID_LIMIT),
        claims=tuple(sorted(read, key=lambda claim: -claim.probability)),
        abstained=abstained,
        model=clean(model, limit=_NAME_LIMIT) if isinstance(model := row.get("model"), str) else "",
        cautions=_cautions(row.get("evidence")),
    )


def _cautions(evidence: Any) -> tuple[str, ...]:
    if not isinstance(evidence, list):
        return ()
    told = (one.get("text") for one in evidence if isinstance(one, dict) and one.get("kind") == "caution")
    return tuple(clean(text, limit=_NAME_LIMIT) for text in told if isinstance(text, str))[:_MOST_CAUTIONS]


def _claim(value: Any) -> Claim:
    if not isinstance(value, dict):
        raise ValueError("a claim is no object")
    probability = value.get("probability")
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not math.isfinite(probability):
        raise ValueError("a probability is no number")
    if not 0 <= probability <= 1:
        raise ValueError(f"probability {probability} is not in [0, 1]")
    label = _text(value.get("label"), "label", limit=_NAME_LIMIT)
    name = value.get("name")
    return Claim(
        label=label,
        name=clean(name, limit=_NAME_LIMIT) if isinstance(name, str) and name else label,
        probability=float(probability),
    )


def _text(value: Any, what: str, *, limit: int) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{what} is no text")
    text = clean(value, limit=limit)
    if not text:
        raise ValueError(f"{what} holds no visible character")
    return text
