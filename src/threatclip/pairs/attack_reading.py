"""From STIX objects to the catalogue of ATT&CK: which objects live, what they are called, what their relations say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from threatclip.errors import InputError
from threatclip.pairs.attack_catalogue import (
    ENTERPRISE,
    ActorKind,
    Campaign,
    Catalogue,
    Group,
    Procedure,
    Software,
    Tactic,
    Technique,
)
from threatclip.pairs.attack_objects import (
    NAME_LIMIT,
    attack_id_of,
    campaign_of,
    group_of,
    software_of,
    tactic_of,
    technique_of,
    unique,
)
from threatclip.pairs.stix_bundle import ObjectFault, StixObject, dicts_of, text_of, time_of

_ACTORS: Mapping[str, ActorKind] = {
    "intrusion-set": "group",
    "malware": "software",
    "tool": "software",
    "campaign": "campaign",
}
_READ = ("attack-pattern", "x-mitre-tactic", *_ACTORS)
_CITATION = re.compile(r"\(Citation: ([^()]*(?:\([^()]*\)[^()]*)*)\)")

T = TypeVar("T", Tactic, Technique, Group, Software, Campaign)
OnFault = Callable[[StixObject, str], object]


def catalogue_of(objects: Sequence[StixObject], *, where: str, on_fault: OnFault | None = None) -> Catalogue:
    """Make the catalogue of the objects of one bundle; `where` names it in errors.

    With `on_fault`, an object with a fault is given to it with the reason, and left out.

    Raises:
        InputError: no `on_fault`, and a broken field or two living objects with one id.
    """
    told = _Told(where=where, on_fault=on_fault)
    living, retired = _living(objects, told)
    names = {stix_id: _name_of(item) for stix_id, item in (living | retired).items()}
    relations = [item for item in objects if item["type"] == "relationship" and not _is_gone(item)]
    parents, dangling = _ends(relations, "subtechnique-of", living)
    attributed, lost = _ends(relations, "attributed-to", living)
    used, lost_uses = _ends(relations, "uses", living)
    parent_of = {one["source_ref"]: names[one["target_ref"]] for one in parents}
    groups_of: dict[str, list[str]] = {}
    for one in attributed:
        groups_of.setdefault(one["source_ref"], []).append(names[one["target_ref"]])
    made = _Made(told=told, names=names)
    for item in living.values():
        made.add(item, parent=parent_of.get(item["id"]), groups=tuple(sorted(groups_of.get(item["id"], ()))))
    procedures = [one for one in used if one["target_ref"].startswith("attack-pattern--")]
    return Catalogue(
        version=_version(objects),
        domain=_domain(objects),
        tactics=_ordered(made.tactics),
        techniques=_ordered(made.techniques),
        groups=_ordered(made.groups),
        software=_ordered(made.software),
        campaigns=_ordered(made.campaigns),
        procedures=tuple(made.procedures(procedures)),
        group_software=_group_software(used, names),
        replaced=_replaced(objects, names, retired),
        dangling=dangling + lost + lost_uses,
        _by_stix={stix_id: names[stix_id] for stix_id in living},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What becomes of an object's fault."""

    where: str
    on_fault: OnFault | None

    @contextmanager
    def about(self, item: StixObject) -> Iterator[None]:
        try:
            yield
        except ObjectFault as fault:
            if self.on_fault is None:
                raise InputError(f"{self.where}: {item['id']}: {fault}") from fault
            self.on_fault(item, str(fault))


class _Made:
    """The objects of a catalogue in the making."""

    def __init__(self, *, told: _Told, names: Mapping[str, str]) -> None:
        self._told, self._names = told, names
        self.tactics: dict[str, Tactic] = {}
        self.techniques: dict[str, Technique] = {}
        self.groups: dict[str, Group] = {}
        self.software: dict[str, Software] = {}
        self.campaigns: dict[str, Campaign] = {}

    def add(self, item: StixObject, *, parent: str | None, groups: tuple[str, ...]) -> None:
        name = self._names[item["id"]]
        with self._told.about(item):
            match item["type"]:
                case "x-mitre-tactic":
                    self._put(self.tactics, name, tactic_of(item, name))
                case "attack-pattern":
                    self._put(self.techniques, name, technique_of(item, name, parent))
                case "intrusion-set":
                    self._put(self.groups, name, group_of(item, name))
                case "campaign":
                    self._put(self.campaigns, name, campaign_of(item, name, groups))
                case _:
                    self._put(self.software, name, software_of(item, name))

    def _put(self, kind: dict[str, T], name: str, made: T) -> None:
        if name in kind:
            raise ObjectFault(f"{kind[name].stix_id} has the same ATT&CK id, {name}; remove one of them")
        kind[name] = made

    def _actors(self, kind: ActorKind) -> Mapping[str, Group | Software | Campaign]:
        if kind == "group":
            return self.groups
        return self.software if kind == "software" else self.campaigns

    def procedures(self, uses: Iterable[StixObject]) -> Iterator[Procedure]:
        for item in uses:
            kind = _ACTORS.get(item["source_ref"].partition("--")[0])
            actor, technique = self._names[item["source_ref"]], self._names[item["target_ref"]]
            if kind is None or technique not in self.techniques or actor not in self._actors(kind):
                continue
            with self._told.about(item):
                text = text_of(item, "description")
                named = [text_of(one, "source_name", limit=NAME_LIMIT) for one in dicts_of(item, "external_references")]
                yield Procedure(
                    stix_id=item["id"],
                    actor_kind=kind,
                    actor=actor,
                    technique=technique,
                    text=text.strip(),
                    citations=unique(one.strip() for one in (*named, *cited_in(text)) if one.strip()),
                    created=time_of(item, "created"),
                    modified=time_of(item, "modified"),
                )


def cited_in(text: str) -> tuple[str, ...]:
    """Return the names in every "(Citation: NAME)" of `text`, in order; names may hold balanced parentheses."""
    return unique(one.strip() for one in _CITATION.findall(text))


def _living(objects: Iterable[StixObject], told: _Told) -> tuple[dict[str, StixObject], dict[str, StixObject]]:
    living: dict[str, StixObject] = {}
    retired: dict[str, StixObject] = {}
    for item in objects:
        if item["type"] in _READ:
            with told.about(item):
                attack_id_of(item)
                (retired if _is_gone(item) else living)[item["id"]] = item
    return living, retired


def _is_gone(item: StixObject) -> bool:
    return item.get("revoked") is True or item.get("x_mitre_deprecated") is True


def _name_of(item: StixObject) -> str:
    found = attack_id_of(item)
    return str(item["id"]) if found is None else found


def _ends(relations: Iterable[StixObject], kind: str, living: Mapping[str, StixObject]) -> tuple[list[StixObject], int]:
    """Return the relationships of a kind with both ends living, and the number of the others."""
    of_kind = [one for one in relations if one.get("relationship_type") == kind]
    whole = [one for one in of_kind if _lives(one.get("source_ref"), living) and _lives(one.get("target_ref"), living)]
    return whole, len(of_kind) - len(whole)


def _lives(reference: object, living: Mapping[str, StixObject]) -> bool:
    return isinstance(reference, str) and reference in living


def _group_software(used: Iterable[StixObject], names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = {
        (names[one["source_ref"]], names[one["target_ref"]])
        for one in used
        if one["source_ref"].startswith("intrusion-set--") and one["target_ref"].startswith(("malware--", "tool--"))
    }
    return tuple(sorted(found))


def _replaced(
    objects: Iterable[StixObject], names: Mapping[str, str], retired: Mapping[str, StixObject]
) -> dict[str, str | None]:
    found: dict[str, str | None] = {names[stix_id]: None for stix_id in retired}
    for one in objects:
        if one["type"] == "relationship" and one.get("relationship_type") == "revoked-by":
            old, new = one.get("source_ref"), one.get("target_ref")
            if isinstance(old, str) and old in retired and isinstance(new, str) and new in names:
                found[names[old]] = names[new]
    return found


def _version(objects: Iterable[StixObject]) -> str | None:
    versions = [one.get("x_mitre_version") for one in objects if one["type"] == "x-mitre-collection"]
    return next((one for one in versions if isinstance(one, str) and re.fullmatch(r"\d{1,3}(\.\d{1,3})?", one)), None)


def _domain(objects: Iterable[StixObject]) -> str:
    for one in objects:
        if one["type"] == "x-mitre-matrix":
            for reference in one.get("external_references") or ():
                found = reference.get("external_id") if isinstance(reference, dict) else None
                if found in (ENTERPRISE, "mobile-attack", "ics-attack"):
                    return str(found)
    return ENTERPRISE


def _ordered(found: Mapping[str, T]) -> dict[str, T]:
    return dict(sorted(found.items()))
