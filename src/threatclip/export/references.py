"""What a label refers to outside of threatclip: an object of ATT&CK, or the CWE numbers of a weakness."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from threatclip.export.text import clean
from threatclip.pairs.attack_catalogue import Campaign, Catalogue, Group, Software, Tactic, Technique
from threatclip.pairs.weaknesses import TEXT_WEAKNESSES

ReferenceKind = Literal["technique", "group", "malware", "tool", "campaign", "tactic", "weakness"]
_ID = re.compile(r"(?:(T)\d{4}(?:\.\d{3})?|(TA|G|S|C)\d{4})", re.ASCII)
_KINDS: dict[str, ReferenceKind] = {"T": "technique", "TA": "tactic", "G": "group", "S": "malware", "C": "campaign"}
_URLS = {"technique": "techniques", "tactic": "tactics", "group": "groups", "campaign": "campaigns"}
_NAME_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a label refers to.

    Attributes:
        id: of ATT&CK as T1059.001, or the weakness class.
        stix_id: of ATT&CK's own object, where a catalogue has it.
        tactics: shortnames of a technique's tactics, where a catalogue has them.
        cwe: numbers, of a weakness.
    """

    kind: ReferenceKind
    id: str
    name: str
    stix_id: str | None = None
    tactics: tuple[str, ...] = ()
    cwe: tuple[int, ...] = ()

    @property
    def url(self) -> str | None:
        """The page of ATT&CK, None of a weakness or of another producer's object."""
        if _ID.fullmatch(self.id) is None:
            return None
        return f"https://attack.mitre.org/{_URLS.get(self.kind, 'software')}/{self.id.replace('.', '/')}"


def refer(label: str, name: str, catalogue: Catalogue | None) -> Reference | None:
    """Return what `label` refers to: an id of ATT&CK, of a catalogue's object, or a weakness class; None when nothing.

    Without a catalogue ids are taken at their word, and `name` is believed.
    """
    if label in TEXT_WEAKNESSES:
        weakness = TEXT_WEAKNESSES[label]
        return Reference(kind="weakness", id=label, name=weakness.title, cwe=weakness.cwe)
    if catalogue is not None:
        return _known(label, catalogue)
    found = _ID.fullmatch(label)
    if found is None:
        return None
    return Reference(kind=_KINDS[found[1] or found[2]], id=label, name=name)


def _known(label: str, catalogue: Catalogue) -> Reference | None:
    found = catalogue.find(label)
    if found is None:
        return None
    kind: ReferenceKind
    match found:
        case Technique():
            kind = "technique"
        case Group():
            kind = "group"
        case Software():
            kind = found.kind
        case Campaign():
            kind = "campaign"
        case Tactic():
            kind = "tactic"
    return Reference(
        kind=kind,
        id=found.id,
        name=clean(found.name, limit=_NAME_LIMIT),
        stix_id=found.stix_id,
        tactics=found.tactics if isinstance(found, Technique) else (),
    )
