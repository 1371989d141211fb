"""A MISP event of answers, through PyMISP's own objects: an attribute for each answer, galaxy tags for what it names.

Nothing is published and nothing is for blocking (`to_ids` is false): a model's answer is a hint. Ids are UUIDv5 and the
times are given, so that the same answers give the same event.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from threatclip.errors import NotInstalledError
from threatclip.export.answers import Pick, Selection, by_answer
from threatclip.export.inputs import PAYLOAD_LIMIT_BYTES, Seen
from threatclip.export.references import Reference
from threatclip.export.stix import NAMESPACE
from threatclip.export.text import clean, clean_lines
from threatclip.pairs.pair import view_text

_OWN_ORGANISATION, _UNDEFINED, _COMPLETED = 0, 4, 2
_VALUE_LIMIT = 10_000
_GALAXIES = {
    "technique": "mitre-attack-pattern",
    "group": "mitre-intrusion-set",
    "malware": "mitre-malware",
    "tool": "mitre-tool",
}
# upper bounds of probability [ICD 203], as the taxonomy estimative-language of MISP names them
_LIKELIHOODS = (
    (0.05, "almost-no-chance"),
    (0.20, "very-unlikely"),
    (0.45, "unlikely"),
    (0.55, "roughly-even-chance"),
    (0.80, "likely"),
    (0.95, "very-likely"),
    (1.01, "almost-certain"),
)


def misp_event(selection: Selection, *, inputs: Mapping[str, Seen] | None = None) -> dict[str, Any]:
    """Return an event of the picks as plain JSON values, {"Event": ...}, as MISP imports it.

    Raises:
        NotInstalledError: without pymisp.
    """
    try:
        from pymisp import MISPEvent
    except ImportError as error:
        raise NotInstalledError("MISP needs pymisp; install threatclip[misp]") from error
    stamp = int(selection.created.timestamp())
    event = MISPEvent(force_timestamps=True)
    event.from_dict(
        uuid=_uuid("event", selection.name, stamp, *(f"{p.answer.id} {p.reference.id}" for p in selection.picks)),
        info=selection.name,
        date=selection.created.date(),
        timestamp=stamp,
        distribution=_OWN_ORGANISATION,
        threat_level_id=_UNDEFINED,
        analysis=_COMPLETED,
        published=False,
    )
    for reference in {pick.reference.id: pick.reference for pick in selection.picks}.values():
        event.add_tag(_tag(reference))
    if selection.tlp is not None:
        event.add_tag(f"tlp:{selection.tlp}")
    for model in selection.models:
        event.add_tag(_machine_tag("threatclip", "model", model))
    for picks in by_answer(selection.picks):
        _add(event, picks, (inputs or {}).get(picks[0].answer.id), stamp)
    for text in selection.cautions:
        event.add_attribute(
            type="comment",
            category="Other",
            value=f"Caution: {text}",
            uuid=_uuid("caution", stamp, text),
            timestamp=stamp,
            to_ids=False,
            distribution=5,
            disable_correlation=True,
        )
    result: dict[str, Any] = {"Event": json.loads(event.to_json())}
    return result


def _add(event: Any, picks: list[Pick], seen: Seen | None, stamp: int) -> None:
    answer = picks[0].answer
    payload = seen is not None and seen.modality == "payload"
    attribute = event.add_attribute(
        type="text",
        category="Payload delivery" if payload else "External analysis",
        value=_value(answer.id, seen),
        comment=clean(f"{answer.id}: " + "; ".join(_told(pick) for pick in picks), limit=2_000),
        uuid=_uuid("attribute", stamp, answer.id, answer.model),
        timestamp=stamp,
        to_ids=False,
        distribution=5,
        disable_correlation=True,
    )
    for pick in picks:
        attribute.add_tag(_tag(pick.reference))
    attribute.add_tag(_machine_tag("estimative-language", "likelihood-probability", _likelihood(picks[0])))
    if seen is not None and seen.time is not None:
        attribute.first_seen = seen.time


def _value(answer_id: str, seen: Seen | None) -> str:
    """Return the input as text where it is one, else the answer's id; bytes that are no text are shown escaped."""
    if seen is None or seen.modality == "image":
        return answer_id
    shown = clean_lines(view_text(seen.view[:PAYLOAD_LIMIT_BYTES]), limit=_VALUE_LIMIT)
    return shown or answer_id


def _tag(reference: Reference) -> str:
    if reference.kind in _GALAXIES:
        return _machine_tag("misp-galaxy", _GALAXIES[reference.kind], f"{reference.name} - {reference.id}")
    return _machine_tag("threatclip", reference.kind, reference.id)


def _machine_tag(namespace: str, predicate: str, value: str) -> str:
    return f'{namespace}:{predicate}="{clean(value, limit=200).replace(chr(34), chr(39))}"'


def _likelihood(pick: Pick) -> str:
    return next(name for bound, name in _LIKELIHOODS if pick.claim.probability < bound)


def _told(pick: Pick) -> str:
    cwe = f", CWE-{pick.reference.cwe[0]}" if pick.reference.cwe else ""
    return f"{pick.reference.name} ({pick.reference.id}{cwe}) {pick.claim.probability:.1%}"


def _uuid(*parts: object) -> str:
    return str(uuid.uuid5(NAMESPACE, json.dumps(["misp", *map(str, parts)])))
