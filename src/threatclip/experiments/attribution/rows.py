"""Sentences of MITRE ATT&CK on what groups, campaigns and software did, with names masked and the reports they cite.

Texts come from the catalogue, masked by `pairs.masking`, or from a table that was masked beforehand (the protocol's
`procedures_masked.jsonl.gz`), so that figures compare. Who a row tells of comes from the catalogue either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from threatclip.errors import BadRow, InputError
from threatclip.pairs.attack_catalogue import ActorKind, Catalogue, load_catalogue
from threatclip.pairs.masking import mask_names, names_of
from threatclip.pairs.sources.rows import json_records

BUNDLE = "attack/enterprise-attack-to-2024.json.gz"
MASKED = "attack/procedures_masked.jsonl.gz"
_ACTOR_KEYS: Mapping[str, ActorKind] = {"group_id": "group", "campaign_id": "campaign", "software_id": "software"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackRow:
    """One sentence: `actor` (an ATT&CK id, of `kind`) used `technique`.

    Attributes:
        id: of the STIX relationship.
        groups: the group; those a campaign is attributed to; those that use the software.
        text: with ACTOR, MALWARE and CAMPAIGN in the place of names, without citations.
        raw: as it was written, names and citations included: for leak controls only.
        reports: names of the reports cited.
    """

    id: str
    kind: ActorKind
    actor: str
    groups: tuple[str, ...]
    technique: str
    text: str
    raw: str
    reports: frozenset[str]

    @property
    def group(self) -> str | None:
        """The one group this row tells of, None where there is none or more than one."""
        return self.groups[0] if len(self.groups) == 1 else None


@dataclass(frozen=True, kw_only=True)
class AttackRows:
    """All rows of one bundle, and the catalogue that names what is in them."""

    catalogue: Catalogue
    rows: tuple[AttackRow, ...]

    def of(self, kind: ActorKind) -> tuple[AttackRow, ...]:
        """Return the rows of one kind of actor, in the order of the file."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> dict[str, tuple[AttackRow, ...]]:
        return {kind: tuple(row for row in self.rows if row.kind == kind) for kind in _ACTOR_KEYS.values()}

    @cached_property
    def by_id(self) -> dict[str, AttackRow]:
        """Rows by the id of their relationship."""
        return {row.id: row for row in self.rows}


def read_rows(bundle: Path, *, masked: Path | None = None) -> AttackRows:
    """Read a STIX bundle, and the texts of `masked` in place of its own where that is given.

    Raises:
        InputError: an unusable bundle, a broken row of the table, or no group's sentence in either.
    """
    catalogue = load_catalogue(bundle)
    rows = _masked_here(catalogue) if masked is None else _masked_before(catalogue, masked)
    found = AttackRows(catalogue=catalogue, rows=tuple(rows))
    if not found.of("group"):
        raise InputError(f"{masked or bundle} tells of nothing that a group did; give ATT&CK's enterprise bundle")
    return found


def counts_by_group(rows: Iterable[AttackRow]) -> Counter[str]:
    """Return how many rows tell of each group, of rows that tell of one."""
    return Counter(row.group for row in rows if row.group is not None)


def reports_of(rows: Iterable[AttackRow]) -> frozenset[str]:
    """Return every report that one of the rows cites."""
    return frozenset(report for row in rows for report in row.reports)


def citing_none(rows: Iterable[AttackRow], reports: frozenset[str]) -> tuple[AttackRow, ...]:
    """Return the rows that cite none of `reports`."""
    return tuple(row for row in rows if not row.reports & reports)


def support_rows(rows: AttackRows, *, groups: Sequence[str], without: frozenset[str]) -> tuple[AttackRow, ...]:
    """Return rows that tell of a group through what is its alone: its software that no other uses, its campaigns.

    Args:
        rows: all there are.
        groups: to be told of.
        without: reports; no row that cites one of them is returned.
    """
    wanted = frozenset(groups)
    own = (*rows.of("software"), *rows.of("campaign"))
    return citing_none((row for row in own if row.group in wanted), without)


def _masked_here(catalogue: Catalogue) -> list[AttackRow]:
    names = names_of(catalogue)
    return [
        AttackRow(
            id=one.stix_id,
            kind=one.actor_kind,
            actor=one.actor,
            groups=catalogue.groups_of(one),
            technique=one.technique,
            text=mask_names(one.text, names),
            raw=one.text,
            reports=frozenset(one.citations),
        )
        for one in catalogue.procedures
        if one.text
    ]


def _masked_before(catalogue: Catalogue, path: Path) -> list[AttackRow]:
    raw = {one.stix_id: one.text for one in catalogue.procedures}
    users: dict[str, list[str]] = {}
    for group, software in catalogue.group_software:
        users.setdefault(software, []).append(group)
    rows = []
    for record in json_records(path):
        if isinstance(record, BadRow):
            raise InputError(f"{record}; restore the file, or leave `masked` out")
        kind, actor = _actor(record.value, where=f"{path}:{record.line}")
        row = record.value
        rows.append(
            AttackRow(
                id=str(row.get("rel_id")),
                kind=kind,
                actor=actor,
                groups=_owners(catalogue, kind, actor, users),
                technique=str(row.get("technique_id")),
                text=str(row.get("text") or ""),
                raw=raw.get(str(row.get("rel_id")), ""),
                reports=frozenset(str(one) for one in row.get("citations") or ()),
            )
        )
    return [row for row in rows if row.text]


def _owners(catalogue: Catalogue, kind: ActorKind, actor: str, users: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    if kind == "group":
        return (actor,)
    if kind == "software":
        return tuple(users.get(actor, ()))
    return catalogue.campaigns[actor].groups if actor in catalogue.campaigns else ()


def _actor(row: Any, *, where: str) -> tuple[ActorKind, str]:
    if isinstance(row, dict) and isinstance(row.get("citations") or [], list):
        for key, kind in _ACTOR_KEYS.items():
            if row.get("source") == kind and isinstance(row.get(key), str):
                return kind, row[key]
    raise InputError(f"{where}: not a masked procedure (source, and group_id, campaign_id or software_id)")
