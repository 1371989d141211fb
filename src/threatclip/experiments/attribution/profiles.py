"""What ATT&CK tells of a group beside its sentences: description, software, techniques; names masked.

A description cites reports sentence by sentence. Whatever cites a held-out report is left out. What cannot be left out
is said in the documentation: sentences without a citation may still have been written from a held-out report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from threatclip.experiments.attribution.rows import AttackRow
from threatclip.pairs.attack_catalogue import Catalogue
from threatclip.pairs.attack_reading import cited_in
from threatclip.pairs.masking import Names, mask_names, names_of

_SENTENCE = re.compile(r"(?<=[.!?)])\s+(?=[A-Z\[])")
_MAX_SOFTWARE = 12  # descriptions of a group's software; some use a hundred tools that everybody uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The texts that stand for a group; each is one view of it."""

    group: str
    texts: tuple[str, ...]


def group_profiles(
    catalogue: Catalogue, groups: Sequence[str], *, train: Sequence[AttackRow], without: frozenset[str]
) -> tuple[Profile, ...]:
    """Return a profile of each group, in the order of `groups`.

    Args:
        catalogue: descriptions of groups and software.
        groups: their ids.
        train: rows that may be learned from: their techniques are the group's known techniques.
        without: reports; sentences of descriptions that cite one of them are dropped.
    """
    names = names_of(catalogue)
    techniques: dict[str, dict[str, None]] = {}
    for row in train:
        if row.kind == "group" and row.group is not None:
            techniques.setdefault(row.group, {})[row.technique] = None
    users = _users(catalogue)
    return tuple(
        Profile(
            group=group,
            texts=tuple(
                text
                for text in (
                    _described(_description(catalogue, group), names, without),
                    *_software(catalogue, group, users, names, without),
                    _known_for(catalogue, techniques.get(group, {})),
                )
                if text
            )
            or ("ACTOR",),
        )
        for group in groups
    )


def _users(catalogue: Catalogue) -> Mapping[str, list[str]]:
    users: dict[str, list[str]] = {}
    for group, software in catalogue.group_software:
        users.setdefault(software, []).append(group)
    return users


def _description(catalogue: Catalogue, group: str) -> str:
    found = catalogue.groups.get(group)
    return "" if found is None else found.description


def _described(text: str, names: Names, without: frozenset[str]) -> str:
    """Return the sentences of a description that cite none of `without`, masked."""
    kept = [part for part in _SENTENCE.split(text) if not without.intersection(cited_in(part))]
    return mask_names(" ".join(kept), names)


def _software(
    catalogue: Catalogue, group: str, users: Mapping[str, Sequence[str]], names: Names, without: frozenset[str]
) -> Iterator[str]:
    """Yield descriptions of the group's software, what the fewest others use first."""
    own = sorted((name for name in users if group in users[name]), key=lambda name: (len(users[name]), name))
    for name in own[:_MAX_SOFTWARE]:
        if name in catalogue.software:
            yield _described(catalogue.software[name].description, names, without)


def _known_for(catalogue: Catalogue, techniques: Mapping[str, None]) -> str:
    return "" if not techniques else "ACTOR uses " + ", ".join(catalogue.name(one) for one in techniques) + "."
