"""What labels are called, from a file: a JSON object, or JSON Lines with an id, a name and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from threatclip.artifacts import reading_errors
from threatclip.errors import BadRow, InputError
from threatclip.pairs.attack_catalogue import Campaign, Group, Software, Tactic, Technique, load_catalogue
from threatclip.pairs.sources.rows import json_records

_IDS = ("label", "group_id", "technique_id", "id")
_MAX_BYTES = 64 * 2**20


def read_names(path: Path) -> dict[str, tuple[str, ...]]:
    """Return every name of every label.

    `.json` holds {"LABEL": ["name", ...]}; anything else is JSON Lines (gzip'd or not) of objects with `label`,
    `group_id`, `technique_id` or `id`, and with `name` and `aliases`, such as the groups of MITRE ATT&CK. A STIX bundle
    of ATT&CK, as `.json` or `.json.gz`, names its groups, software, campaigns, techniques and tactics.

    Raises:
        InputError: no such file, or it holds no names.
    """
    if path.suffix == ".json":
        with reading_errors(path), path.open("rb") as handle:
            content = handle.read(_MAX_BYTES + 1)
        try:
            found = orjson.loads(content) if len(content) <= _MAX_BYTES else None
        except orjson.JSONDecodeError as error:
            raise InputError(f"{path} is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise InputError(f'{path} must hold one object of at most 64 MiB, {{"LABEL": ["name", ...]}}')
        if _is_bundle(found):
            return _names_of_attack(path)
        return {label: _names(path, label, names) for label, names in found.items()}
    named: dict[str, tuple[str, ...]] = {}
    for record in json_records(path):
        if isinstance(record, BadRow):
            raise InputError(f"{record}; mend the file of names")
        if _is_bundle(record.value):
            return _names_of_attack(path)
        label = next((record.value[key] for key in _IDS if isinstance(record.value.get(key), str)), None)
        if label is None:
            raise InputError(f"{path}:{record.line}: none of {', '.join(_IDS)} names the label; mend the file of names")
        own = record.value.get("name")
        aliases = _names(path, label, record.value.get("aliases") or [])
        named[label] = (*((own,) if isinstance(own, str) else ()), *aliases)
    if not named:
        raise InputError(f"{path} names no label")
    return named


def _is_bundle(value: Mapping[str, Any]) -> bool:
    return value.get("type") == "bundle" and isinstance(value.get("objects"), list)


def _names_of_attack(path: Path) -> dict[str, tuple[str, ...]]:
    catalogue = load_catalogue(path)
    actors: list[Group | Software | Campaign] = [
        *catalogue.groups.values(),
        *catalogue.software.values(),
        *catalogue.campaigns.values(),
    ]
    ways: list[Technique | Tactic] = [*catalogue.techniques.values(), *catalogue.tactics.values()]
    return {one.id: (one.name, *one.aliases) for one in actors} | {one.id: (one.name,) for one in ways}


def _names(path: Path, label: str, names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: the names of {label[:40]!a} are no list of texts")
    return tuple(names)


def names_of(path: Path | None) -> Mapping[str, tuple[str, ...]]:
    """Return the names of a file, or none without a file."""
    return {} if path is None else read_names(path)
