"""A small world in the shape of ATT&CK's bundle: every kind of object that is read, and what is retired."""

from __future__ import annotations

import functools
import json
import uuid
from pathlib import Path
from typing import Any

from threatclip.pairs.attack_catalogue import Catalogue, load_catalogue

WHEN = "2021-03-04T05:06:07.000Z"


def stix_id(kind: str, name: str) -> str:
    """Return an id that is the same for the same name."""
    return f"{kind}--{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def item(kind: str, attack_id: str | None, name: str, **fields: Any) -> dict[str, Any]:
    """Return an object with MITRE's reference to `attack_id`."""
    references = [{"source_name": "mitre-attack", "external_id": attack_id}] if attack_id else []
    return {
        "type": kind,
        "id": stix_id(kind, attack_id or name),
        "created": WHEN,
        "modified": WHEN,
        "name": name,
        "external_references": references,
        **fields,
    }


def relation(
    kind: str, source: dict[str, Any], target: dict[str, Any], text: str = "", **fields: Any
) -> dict[str, Any]:
    """Return a relationship between two objects."""
    return {
        "type": "relationship",
        "id": stix_id("relationship", f"{source['id']} {kind} {target['id']} {text}"),
        "created": WHEN,
        "modified": WHEN,
        "relationship_type": kind,
        "source_ref": source["id"],
        "target_ref": target["id"],
        **({"description": text} if text else {}),
        **fields,
    }


def technique(attack_id: str, name: str, *tactics: str, **fields: Any) -> dict[str, Any]:
    """Return a technique of some tactics."""
    phases = [{"kill_chain_name": "mitre-attack", "phase_name": tactic} for tactic in tactics]
    return item("attack-pattern", attack_id, name, kill_chain_phases=phases, **fields)


COLLECTION = {
    "type": "x-mitre-collection",
    "id": stix_id("x-mitre-collection", "c"),
    "created": WHEN,
    "modified": WHEN,
    "x_mitre_version": "16.1",
}
TACTIC = item("x-mitre-tactic", "TA0002", "Execution", x_mitre_shortname="execution")
SHELL = technique(
    "T9001", "Shells", "execution", description="Adversaries may run shells. They do.", x_mitre_platforms=["Linux"]
)
FISH_SHELL = technique("T9001.001", "Fish Shell", "execution", "persistence", description="Fish (the shell) is abused.")
OLD = technique("T9000", "Old Shells", "execution", revoked=True)
GONE = technique("T9009", "Gone", "execution", x_mitre_deprecated=True)
BADGER = item(
    "intrusion-set", "G9001", "Sly Badger", aliases=["Sly Badger", "APT-99", "TEMP.Sett"], description="Digs."
)
HERON = item("intrusion-set", "G9002", "Patient Heron", description="Waits.")
CLAW = item("malware", "S9001", "ClawLoader", x_mitre_aliases=["ClawLoader", "Claw v2.1"], description="Loads.")
NET = item("tool", "S9002", "Net", x_mitre_aliases=["Net", "net.exe"])
DIG = item("campaign", "C9001", "Operation Dig", aliases=["Operation Dig"], first_seen=WHEN, last_seen=WHEN)
STRANGER = item("malware", None, "Homebrew")
TEXT = (
    "[Sly Badger](https://attack.mitre.org/groups/G9001) ran fish, and ClawLoader too."
    "(Citation: Den (2021) Report)(Citation: Sett)"
)
OBJECTS = [
    COLLECTION,
    *(TACTIC, SHELL, FISH_SHELL, OLD, GONE, BADGER, HERON, CLAW, NET, DIG, STRANGER),
    relation("subtechnique-of", FISH_SHELL, SHELL),
    relation("revoked-by", OLD, FISH_SHELL),
    relation("attributed-to", DIG, BADGER),
    relation("uses", BADGER, CLAW),
    relation("uses", BADGER, NET),
    relation("uses", HERON, NET),
    relation("uses", BADGER, FISH_SHELL, TEXT),
    relation("uses", HERON, SHELL, "Patient Heron waits in `net use` shells.(Citation: Reeds)"),
    relation(
        "uses",
        CLAW,
        SHELL,
        "[ClawLoader](https://attack.mitre.org/software/S9001) opens a [shell](https://example.test).(Citation: Sett)",
    ),
    relation("uses", DIG, SHELL, "During Operation Dig, shells were opened.(Citation: Sett)"),
    relation("uses", BADGER, GONE, "gone"),
]


def bundle(objects: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a bundle of `objects`, of all of them by default."""
    return {"type": "bundle", "id": stix_id("bundle", "b"), "objects": OBJECTS if objects is None else objects}


def write_bundle(path: Path, objects: list[dict[str, Any]] | None = None) -> Path:
    """Write a bundle and return its path."""
    path.write_text(json.dumps(bundle(objects)))
    return path


@functools.cache
def real_catalogue(data_dir: Path) -> Catalogue:
    """Return the catalogue of the real bundle, read once."""
    return load_catalogue(data_dir / "attack" / "enterprise-attack-to-2024.json.gz")
