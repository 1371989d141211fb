"""A STIX 2.1 bundle of answers: one report, what was observed, and its relations to ATT&CK's own objects.

Objects of ATT&CK are referred to by the ids that MITRE gave them and are not copied: whoever imports the bundle has
them, or loads ATT&CK's bundle beside it. Ids are UUIDv5 of what they stand for, so that the same answers with the same
time give the same bytes [STIX 2.1, section 2.9]. No custom property or object is used. With a TLP level, everything
that tells of the inputs bears it; the identity and weaknesses, which are the same in every bundle, do not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from threatclip.errors import InputError, NotInstalledError
from threatclip.export.answers import Pick, Selection, by_answer
from threatclip.export.inputs import PAYLOAD_LIMIT_BYTES, Seen
from threatclip.export.references import Reference
from threatclip.export.text import clean, clean_lines
from threatclip.export.tlp import tlp_marking
from threatclip.pairs.pair import view_text

NAMESPACE = uuid.UUID("5f0b4a5e-6f7c-5d5a-9c58-1f3f2d8a7c11")
_MADE = datetime(2026, 1, 1, tzinfo=UTC)  # of the identity, which is the same object in every bundle
_CONTENT_LIMIT = 10_000
_REPORT_TYPES = {
    "technique": "attack-pattern",
    "group": "intrusion-set",
    "malware": "malware",
    "tool": "tool",
    "campaign": "campaign",
    "weakness": "vulnerability",
}
_MIME = {"payload": "application/octet-stream", "text": "text/plain"}
_PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def stix_bundle(selection: Selection, *, inputs: Mapping[str, Seen] | None = None) -> dict[str, Any]:
    """Return a bundle of the picks as plain JSON values.

    A sentence, or an answer whose input is not among `inputs`, becomes a `note`; any other input becomes
    `observed-data` with its bytes as `artifact` (as the hash of a `file` beyond 64 KiB) and a `relationship` to what
    it shows. The `report` is related to everything named, with the highest confidence of any answer.

    Raises:
        NotInstalledError: without stix2.
        InputError: a pick of ATT&CK without a STIX id, for want of a catalogue; nothing but tactics.
    """
    try:
        from stix2 import v21
    except ImportError as error:
        raise NotInstalledError("STIX needs stix2; install threatclip[export]") from error
    selection = _expressible(selection)
    lost = sorted({pick.reference.id for pick in selection.picks if _target(pick.reference) is None})
    if lost:
        raise InputError(f"no STIX id for {', '.join(lost[:5])}; give ATT&CK's bundle with --attack")
    writer = _Writer(v21=v21, selection=selection)
    objects: list[Any] = [writer.identity()]
    weaknesses = {pick.reference.id: pick.reference for pick in selection.picks if pick.reference.kind == "weakness"}
    objects += [writer.vulnerability(one) for _, one in sorted(weaknesses.items())]
    for picks in by_answer(selection.picks):
        seen = (inputs or {}).get(picks[0].answer.id)
        objects += writer.note(picks, seen) if seen is None or seen.modality == "text" else writer.observed(picks, seen)
    unique = {one.id: one for one in objects}  # two inputs of the same bytes are one artifact
    report, relations = writer.report(list(unique))
    everything = [json.loads(one.serialize()) for one in (*unique.values(), *relations, report)]
    if selection.tlp is not None:
        everything.insert(0, tlp_marking(selection.tlp))
    return {"type": "bundle", "id": _id("bundle", report.id, selection.created.isoformat()), "objects": everything}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    v21: Any
    selection: Selection

    def _common(self, kind: str, *parts: str) -> dict[str, Any]:
        created, tlp = self.selection.created, self.selection.tlp
        return {
            "id": _id(kind, created.isoformat(), *([tlp] if tlp else []), *parts),
            "created": created,
            "modified": created,
            "created_by_ref": _identity_id(),
            **self._marked(),
        }

    def _marked(self) -> dict[str, Any]:
        tlp = self.selection.tlp
        return {} if tlp is None else {"object_marking_refs": [tlp_marking(tlp)["id"]]}

    def identity(self) -> Any:
        return self.v21.Identity(
            id=_identity_id(), created=_MADE, modified=_MADE, name="threatclip", identity_class="system"
        )

    def vulnerability(self, reference: Reference) -> Any:
        numbers = [{"source_name": "cwe", "external_id": f"CWE-{number}"} for number in reference.cwe]
        return self.v21.Vulnerability(
            id=_target(reference),
            created=_MADE,
            modified=_MADE,
            created_by_ref=_identity_id(),
            name=reference.name,
            external_references=numbers,
        )

    def note(self, picks: list[Pick], seen: Seen | None) -> list[Any]:
        answer = picks[0].answer
        content = _claims(picks)
        if seen is not None:
            content = f"{clean_lines(view_text(seen.view), limit=_CONTENT_LIMIT)}\n\n{content}"
        note = self.v21.Note(
            **self._common("note", answer.id, answer.model),
            abstract=clean(f"{answer.id}: {picks[0].reference.name}", limit=200),
            content=content,
            object_refs=[_target(pick.reference) for pick in picks],
            confidence=picks[0].confidence,
            external_references=self._answered(picks[0], seen),
        )
        return [note]

    def observed(self, picks: list[Pick], seen: Seen) -> list[Any]:
        answer = picks[0].answer
        observable = self._observable(seen)
        at = seen.time or self.selection.created
        data = self.v21.ObservedData(
            **self._common("observed-data", answer.id, answer.model, observable.id),
            first_observed=at,
            last_observed=at,
            number_observed=1,
            object_refs=[observable.id],
            external_references=self._answered(picks[0], None),
        )
        relations = [
            self.v21.Relationship(
                **self._common("relationship", data.id, pick.reference.id),
                relationship_type="related-to",
                source_ref=data.id,
                target_ref=_target(pick.reference),
                confidence=pick.confidence,
                description=_claims([pick]),
            )
            for pick in picks
        ]
        return [observable, data, *relations]

    def _observable(self, seen: Seen) -> Any:
        hashes = {"SHA-256": hashlib.sha256(seen.view).hexdigest()}
        if len(seen.view) > PAYLOAD_LIMIT_BYTES:
            return self.v21.File(hashes=hashes, size=len(seen.view), **self._marked())
        coded = base64.b64encode(seen.view).decode()
        return self.v21.Artifact(mime_type=_mime(seen), payload_bin=coded, hashes=hashes, **self._marked())

    def _answered(self, pick: Pick, seen: Seen | None) -> list[dict[str, str]]:
        found = [{"source_name": "threatclip", "external_id": pick.answer.id, "description": f"input {pick.answer.id}"}]
        if pick.answer.model:
            found.append({"source_name": "threatclip model", "external_id": pick.answer.model})
        if seen is not None and seen.origin:
            found.append({"source_name": "report", "description": clean(seen.origin, limit=500)})
        return found

    def report(self, members: Iterable[str]) -> tuple[Any, list[Any]]:
        chosen = self.selection
        best: dict[str, list[Pick]] = {}
        for pick in chosen.picks:
            best.setdefault(pick.reference.id, []).append(pick)
        common = self._common("report", chosen.name, *(f"{p.answer.id} {p.reference.id}" for p in chosen.picks))
        relations = [
            self.v21.Relationship(
                **self._common("relationship", common["id"], found),
                relationship_type="related-to",
                source_ref=common["id"],
                target_ref=_target(picks[0].reference),
                confidence=max(pick.confidence for pick in picks),
                description=f"{picks[0].reference.name}: named by {len(picks)} of {chosen.n_answers} answers",
            )
            for found, picks in sorted(best.items())
        ]
        targets = dict.fromkeys(_target(picks[0].reference) for _, picks in sorted(best.items()))
        own = [one for one in members if one != _identity_id()]
        types = dict.fromkeys(_REPORT_TYPES.get(picks[0].reference.kind, "threat-report") for picks in best.values())
        if any(one.startswith("observed-data--") for one in own):
            types["observed-data"] = None
        report = self.v21.Report(
            **common,
            name=chosen.name,
            description=_summary(chosen),
            report_types=sorted(types),
            published=chosen.created,
            object_refs=list(dict.fromkeys([*own, *targets, *(one.id for one in relations)])),
            confidence=max(pick.confidence for pick in chosen.picks),
            external_references=[{"source_name": "threatclip model", "external_id": one} for one in chosen.models]
            or [{"source_name": "threatclip", "description": "answers without the name of a model"}],
        )
        return report, relations


def _expressible(chosen: Selection) -> Selection:
    """Leave out tactics: ATT&CK's objects for them are of a custom type, to which no object of STIX may refer."""
    picks = tuple(pick for pick in chosen.picks if pick.reference.kind != "tactic")
    if not picks:
        raise InputError("the answers name only tactics, for which STIX has no object; export techniques, or to MISP")
    return replace(chosen, picks=picks)


def _target(reference: Reference) -> str | None:
    if reference.kind == "weakness":
        return _id("vulnerability", reference.id)
    return reference.stix_id


def _identity_id() -> str:
    return _id("identity", "threatclip")


def _id(kind: str, *parts: str) -> str:
    return f"{kind}--{uuid.uuid5(NAMESPACE, json.dumps([kind, *parts]))}"


def _claims(picks: Iterable[Pick]) -> str:
    told = [f"{pick.reference.name} ({pick.reference.id}) {pick.claim.probability:.1%}" for pick in picks]
    return f"threatclip answers: {'; '.join(told)}"


def _summary(chosen: Selection) -> str:
    told = [f"{chosen.n_answers} inputs, {chosen.abstained} of them without an answer"]
    told += [f"{chosen.below} answers below the wanted probability"] if chosen.below else []
    n_unknown = sum(chosen.unknown.values())
    told += [f"{n_unknown} answers with labels that refer to nothing known"] if n_unknown else []
    cautions = "".join(f" Caution: {text}" for text in chosen.cautions)
    hint = f"A model's answers are hints, with the confidence stated.{cautions}"
    return f"Answers of threatclip: {'; '.join(told)}. {hint}"


def _mime(seen: Seen) -> str:
    if seen.modality != "image":
        return _MIME[seen.modality]
    return next((mime for start, mime in _PICTURES.items() if seen.view.startswith(start)), _MIME["payload"])
