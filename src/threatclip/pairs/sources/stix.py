"""STIX bundles of who uses what: a sentence of what was done beside the description of the technique that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.attack_catalogue import Catalogue, Procedure, Technique
from threatclip.pairs.attack_reading import catalogue_of
from threatclip.pairs.masking import mask_names, names_of, without_markup
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.rows import NoPair, Record, Row, rows_of
from threatclip.pairs.sources.values import to_utf8
from threatclip.pairs.stix_bundle import StixObject, read_bundle

ProcedureLabel = Literal["technique", "parent_technique", "tactic", "group"]
NameUse = Literal["mask", "keep", "raw"]
Actors = Literal["all", "group", "software", "campaign"]
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_CITED_APART = " | "


@dataclass(frozen=True, slots=True, kw_only=True)
class Stix:
    """Procedures of a STIX bundle, as ATT&CK's own: how groups, software and campaigns use techniques.

    View: the sentence. Caption: the technique's name and the first sentences of its description. Group: the reports
    cited, so that a split by group keeps reports apart; without any, the actor. Time: when the sentence was written.

    Attributes:
        label: the technique, the technique without its sub-technique, its first tactic, or the threat group: the one
            told of, the one a campaign is attributed to, or the only one that uses the software.
        names: "mask" puts ACTOR, MALWARE or CAMPAIGN in the place of names and drops citations: with names left in, a
            model of groups learns to read them. "keep" drops citations only, "raw" changes nothing.
        actors: whose procedures to take.
        n_sentences: of the description, in the caption.
    """

    kind: Literal["stix"] = "stix"
    modality: ClassVar[Modality] = "text"
    label: ProcedureLabel = "technique"
    names: NameUse = "mask"
    actors: Actors = "all"
    n_sentences: int = 1

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every procedure; a broken object is a bad row.

        Raises:
            InputError: no usable bundle.
        """
        yield from self.rows(read_bundle(path), path)

    def rows(self, objects: Sequence[StixObject], path: Path) -> Iterator[Row]:
        """Yield the rows of objects that are read already; `path` names them in bad rows."""
        faults: list[tuple[StixObject, str]] = []
        catalogue = catalogue_of(objects, where=str(path), on_fault=lambda item, reason: faults.append((item, reason)))
        if not catalogue.procedures and not faults:
            raise InputError(f"{path} tells of no use of a technique; give a bundle with `uses` relationships")
        places = {item["id"]: number for number, item in enumerate(objects, start=1)}
        for item, reason in faults:
            yield BadRow(path=str(path), line=places[item["id"]], reason=f"{item['id']}: {reason}")
        wanted = (one for one in catalogue.procedures if self.actors in ("all", one.actor_kind))
        records = (Record(path=path, line=places[one.stix_id], value=one) for one in wanted)
        make = _Maker(
            captions={key: caption_of(one, self.n_sentences) for key, one in catalogue.techniques.items()},
            labeled=partial(_label, catalogue=catalogue, label=self.label),
            worded=_wording(catalogue, self.names),
            actor_names={one.actor: catalogue.name(one.actor) for one in catalogue.procedures},
        )
        yield from rows_of(records, make)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    captions: Mapping[str, str]
    labeled: Callable[[Procedure], str | None]
    worded: Callable[[str], str]
    actor_names: Mapping[str, str]

    def __call__(self, record: Record) -> Pair:
        one: Procedure = record.value
        text = self.worded(one.text)
        if not text:
            raise NoPair("no sentence")
        facts = {
            "source": one.actor_kind,
            "actor": one.actor,
            "actor_name": self.actor_names[one.actor],
            "technique": one.technique,
            "citations": _CITED_APART.join(one.citations),
        }
        return Pair(
            id=one.stix_id,
            view=to_utf8(text, what="description"),
            caption=self.captions[one.technique],
            label=self.labeled(one),
            group=_CITED_APART.join(sorted(one.citations)) or one.actor,
            time=one.created,
            meta={name: value for name, value in facts.items() if value},
        )


def caption_of(technique: Technique, n_sentences: int) -> str:
    """Return a technique's name and the first `n_sentences` of its description, without citations and links."""
    described = " ".join(without_markup(technique.description).split())
    return f"{technique.name}. {' '.join(_SENTENCE.split(described)[:n_sentences])}".strip()


def _label(one: Procedure, *, catalogue: Catalogue, label: ProcedureLabel) -> str | None:
    technique = catalogue.techniques[one.technique]
    if label == "group":
        groups = catalogue.groups_of(one)
        return groups[0] if len(groups) == 1 else None
    if label == "tactic":
        return next(iter(technique.tactics), None)
    if label == "parent_technique":
        return technique.parent or technique.id
    return technique.id


def _wording(catalogue: Catalogue, names: NameUse) -> Callable[[str], str]:
    if names == "raw":
        return str.strip
    return partial(mask_names, names=names_of(catalogue)) if names == "mask" else without_markup
