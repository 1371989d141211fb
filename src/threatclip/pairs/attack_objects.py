"""Single objects of ATT&CK: what a technique, a group, a piece of software says of itself in STIX."""

from __future__ import annotations

import re
from collections.abc import Iterable

from threatclip.pairs.attack_catalogue import Campaign, Group, Software, Tactic, Technique
from threatclip.pairs.stix_bundle import ObjectFault, StixObject, dicts_of, text_of, texts_of, time_of

NAME_LIMIT = 500
_SOURCES = ("mitre-attack", "mitre-mobile-attack", "mitre-ics-attack")
_ATTACK_ID = re.compile(r"(?:T\d{4}(?:\.\d{3})?|(?:TA|G|S|C)\d{4})", re.ASCII)


def attack_id_of(item: StixObject) -> str | None:
    """Return the ATT&CK id that MITRE's own reference of an object gives, or None.

    Raises:
        ObjectFault: external_references is no list of objects.
    """
    for reference in dicts_of(item, "external_references"):
        found = reference.get("external_id")
        named = reference.get("source_name") in _SOURCES
        if named and isinstance(found, str) and _ATTACK_ID.fullmatch(found):
            return found
    return None


def tactic_of(item: StixObject, name: str) -> Tactic:
    """Return a tactic (TA0001 ...) under its ATT&CK id.

    Raises:
        ObjectFault: a field is of the wrong type or too long, or it has no name.
    """
    return Tactic(
        id=name,
        stix_id=item["id"],
        name=_title(item),
        shortname=text_of(item, "x_mitre_shortname", limit=NAME_LIMIT),
        description=text_of(item, "description"),
    )


def technique_of(item: StixObject, name: str, parent: str | None) -> Technique:
    """Return a technique, or the sub-technique of `parent`, under its ATT&CK id.

    Raises:
        ObjectFault: a field is of the wrong type or too long, or it has no name.
    """
    tactics = [text_of(phase, "phase_name", limit=NAME_LIMIT) for phase in dicts_of(item, "kill_chain_phases")]
    return Technique(
        id=name,
        stix_id=item["id"],
        name=_title(item),
        description=text_of(item, "description"),
        tactics=unique(tactics),
        platforms=texts_of(item, "x_mitre_platforms"),
        parent=parent,
        created=time_of(item, "created"),
        modified=time_of(item, "modified"),
    )


def group_of(item: StixObject, name: str) -> Group:
    """Return a group (an intrusion-set in STIX) under its ATT&CK id.

    Raises:
        ObjectFault: a field is of the wrong type or too long, or it has no name.
    """
    return Group(
        id=name,
        stix_id=item["id"],
        name=_title(item),
        aliases=_aliases(item, "aliases"),
        description=text_of(item, "description"),
        created=time_of(item, "created"),
        modified=time_of(item, "modified"),
    )


def software_of(item: StixObject, name: str) -> Software:
    """Return a tool or malware under its ATT&CK id.

    Raises:
        ObjectFault: a field is of the wrong type or too long, or it has no name.
    """
    return Software(
        id=name,
        stix_id=item["id"],
        name=_title(item),
        aliases=unique((*_aliases(item, "x_mitre_aliases"), *_aliases(item, "aliases"))),
        kind="tool" if item["type"] == "tool" else "malware",
        description=text_of(item, "description"),
        platforms=texts_of(item, "x_mitre_platforms"),
        created=time_of(item, "created"),
        modified=time_of(item, "modified"),
    )


def campaign_of(item: StixObject, name: str, groups: tuple[str, ...]) -> Campaign:
    """Return a campaign, with the groups that it is attributed to, under its ATT&CK id.

    Raises:
        ObjectFault: a field is of the wrong type or too long, or it has no name.
    """
    return Campaign(
        id=name,
        stix_id=item["id"],
        name=_title(item),
        aliases=_aliases(item, "aliases"),
        description=text_of(item, "description"),
        first_seen=time_of(item, "first_seen"),
        last_seen=time_of(item, "last_seen"),
        groups=unique(groups),
        created=time_of(item, "created"),
        modified=time_of(item, "modified"),
    )


def _title(item: StixObject) -> str:
    name = text_of(item, "name", limit=NAME_LIMIT).strip()
    if not name:
        raise ObjectFault("it has no name")
    return name


def _aliases(item: StixObject, field: str) -> tuple[str, ...]:
    own = item.get("name")
    return unique(alias for alias in texts_of(item, field) if alias != own and alias.strip())


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Return each value once, in the order of their first places."""
    return tuple(dict.fromkeys(values))
