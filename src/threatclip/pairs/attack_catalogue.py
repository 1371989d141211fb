"""MITRE ATT&CK as one catalogue: groups, software, campaigns, techniques, tactics, and who is told to use what.

Read from any STIX bundle that has them, ATT&CK's own releases first of all. An object is named by its ATT&CK id, as
T1059.001; one of another producer, which has none, by its STIX id. What is revoked or deprecated is not in the
catalogue; `current` leads from an old id to the one that took its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from threatclip.errors import InputError

ENTERPRISE = "enterprise-attack"

ActorKind = Literal["group", "software", "campaign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tactic:
    """Why something is done; techniques name tactics by `shortname`, as "credential-access"."""

    id: str
    stix_id: str
    name: str
    shortname: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """How it is done; `parent` is the technique that a sub-technique belongs to, `tactics` are shortnames."""

    id: str
    stix_id: str
    name: str
    description: str
    tactics: tuple[str, ...]
    platforms: tuple[str, ...]
    parent: str | None
    created: datetime | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Who does it; `aliases` leave out the name."""

    id: str
    stix_id: str
    name: str
    aliases: tuple[str, ...]
    description: str
    created: datetime | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """What it is done with."""

    id: str
    stix_id: str
    name: str
    aliases: tuple[str, ...]
    kind: Literal["malware", "tool"]
    description: str
    platforms: tuple[str, ...]
    created: datetime | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One operation; `groups` are the ids of those it is attributed to."""

    id: str
    stix_id: str
    name: str
    aliases: tuple[str, ...]
    description: str
    first_seen: datetime | None
    last_seen: datetime | None
    groups: tuple[str, ...]
    created: datetime | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A sentence that tells how `actor` (an id, of `actor_kind`) used `technique` (an id).

    `text` is as it was written, with links and "(Citation: NAME)"; `citations` are the names of the reports behind it.
    """

    stix_id: str
    actor_kind: ActorKind
    actor: str
    technique: str
    text: str
    citations: tuple[str, ...]
    created: datetime | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What one bundle tells; every mapping goes from id to object, in order of the ids.

    Attributes:
        version: of ATT&CK, as "16.1", where the bundle says so.
        domain: of ATT&CK, as "enterprise-attack".
        group_software: (group id, software id) for every use that the bundle tells of.
        replaced: id that is no more -> id that took its place, or None where nothing did.
        dangling: number of relationships with an end that is not in the catalogue.
    """

    version: str | None
    domain: str
    tactics: Mapping[str, Tactic]
    techniques: Mapping[str, Technique]
    groups: Mapping[str, Group]
    software: Mapping[str, Software]
    campaigns: Mapping[str, Campaign]
    procedures: tuple[Procedure, ...]
    group_software: tuple[tuple[str, str], ...]
    replaced: Mapping[str, str | None]
    dangling: int
    _by_stix: Mapping[str, str] = field(default_factory=dict, repr=False)

    def current(self, attack_id: str) -> str | None:
        """Return the id that stands for `attack_id` now: itself, what took its place, or None when nothing does."""
        seen = set[str]()
        found: str | None = attack_id
        while found is not None and found not in self and found not in seen:
            seen.add(found)
            found = self.replaced.get(found)
        return found if found is not None and found in self else None

    def __contains__(self, attack_id: object) -> bool:
        return any(attack_id in kind for kind in self._kinds())

    def find(self, attack_id: str) -> Tactic | Technique | Group | Software | Campaign | None:
        """Return what `attack_id` names now, or None."""
        now = self.current(attack_id)
        return None if now is None else next(kind[now] for kind in self._kinds() if now in kind)

    def by_stix_id(self, stix_id: str) -> str | None:
        """Return the id of the object with this STIX id, or None."""
        return self._by_stix.get(stix_id)

    def name(self, attack_id: str) -> str:
        """Return "Parent: Sub-technique" or the name of `attack_id`, the id itself where it is unknown."""
        found = self.find(attack_id)
        parent = self.techniques.get(found.parent or "") if isinstance(found, Technique) else None
        if found is not None and parent is not None:
            return f"{parent.name}: {found.name}"
        return attack_id if found is None else found.name

    def groups_of(self, procedure: Procedure) -> tuple[str, ...]:
        """Return the groups a procedure tells of: the group, a campaign's groups, or those that use the software."""
        if procedure.actor_kind == "group":
            return (procedure.actor,)
        if procedure.actor_kind == "campaign":
            return self.campaigns[procedure.actor].groups
        return tuple(group for group, software in self.group_software if software == procedure.actor)

    def _kinds(self) -> tuple[Mapping[str, Tactic | Technique | Group | Software | Campaign], ...]:
        return (self.techniques, self.groups, self.software, self.campaigns, self.tactics)


def load_catalogue(path: str | Path) -> Catalogue:
    """Read a catalogue from a STIX bundle: `enterprise-attack.json` of any release, plain or gzip'd, or another.

    Raises:
        InputError: no usable bundle, an object of a kind read here with a broken field, two living objects with one
            id, or no technique at all.
        StorageError: the disk refused to read it.
    """
    from threatclip.pairs.attack_reading import catalogue_of
    from threatclip.pairs.stix_bundle import read_bundle

    catalogue = catalogue_of(read_bundle(Path(path)), where=str(path))
    if not catalogue.techniques:
        raise InputError(
            f"{path} holds no technique (attack-pattern); give ATT&CK's own bundle, enterprise-attack.json"
        )
    return catalogue
