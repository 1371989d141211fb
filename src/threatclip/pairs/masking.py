"""Sentences of ATT&CK without what gives the answer away: names of groups, software and campaigns, and citations.

Every raw procedure names its own group, and most cite reports whose titles do: a classifier of raw text reads names.
`mask_names` follows the order of the protocol that our figures are measured by: citations go, links to groups,
software and campaigns become words for their kind, other links keep their text, then every known name is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from threatclip.pairs.attack_catalogue import Catalogue

ACTOR, MALWARE, CAMPAIGN = "ACTOR", "MALWARE", "CAMPAIGN"
# software whose names are also plain words or commands: to mask them would take away what was done
COMMON_NAMES = frozenset("at arp cmd expand ftp net page ping proxy reg remote route tor wiper".split())
_LEAST_LETTERS = 3
_CITATION = re.compile(r"\(Citation: [^()]{0,500}(?:\([^()]{0,500}\)[^()]{0,500})*\)")
_LINK = re.compile(r"\[([^\[\]]{0,500})\]\((https?://[^()\s]{0,2000})\)")
_ATTACK_LINK = re.compile(r"https?://attack\.mitre\.org/(software|groups|campaigns)/")
_KINDS = {"software": MALWARE, "groups": ACTOR, "campaigns": CAMPAIGN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What is masked: by the first letters of a name in lower case, (name, word in its place), longest names first."""

    by_start: Mapping[str, tuple[tuple[str, str], ...]]


def names_of(catalogue: Catalogue, *, common: Iterable[str] = COMMON_NAMES) -> Names:
    """Return the names and aliases of all groups, campaigns and software, but `common` ones and those below 3 letters.

    A name that is both a group's and a software's is taken for the group's.
    """
    left_out = frozenset(common)
    words: dict[str, str] = {}
    for kind, word in ((catalogue.groups, ACTOR), (catalogue.campaigns, CAMPAIGN), (catalogue.software, MALWARE)):
        for one in kind.values():
            for name in (one.name, *one.aliases):
                lowered = _lowered(name.strip())
                if len(lowered) >= _LEAST_LETTERS and lowered not in left_out:
                    words.setdefault(lowered, word)
    by_start: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(words, key=lambda one: (-len(one), one)):
        by_start.setdefault(name[:_LEAST_LETTERS], []).append((name, words[name]))
    return Names(by_start={start: tuple(found) for start, found in by_start.items()})


def without_markup(text: str) -> str:
    """Return `text` without citations, every link as the text it shows."""
    return _LINK.sub(lambda link: link[1], _CITATION.sub("", text)).strip()


def mask_names(text: str, names: Names) -> str:
    """Return `text` without citations, with ACTOR, MALWARE or CAMPAIGN in place of every link to one and every name.

    Names are found on word borders in any case of letters, the longest first.
    """
    return "".join(_masked(_LINK.sub(_link_word, _CITATION.sub("", text)), names)).strip()


def _link_word(link: re.Match[str]) -> str:
    found = _ATTACK_LINK.match(link[2])
    return link[1] if found is None else _KINDS[found[1]]


def _masked(text: str, names: Names) -> Iterator[str]:
    lowered, at, kept_from = _lowered(text), 0, 0
    while at < len(text):
        if at and text[at - 1].isalnum():  # within a word no name begins
            at += 1
            continue
        found = _name_at(lowered, at, names)
        if found is None:
            at += 1
            continue
        name, word = found
        yield text[kept_from:at]
        yield word
        at = kept_from = at + len(name)
    yield text[kept_from:]


def _name_at(lowered: str, at: int, names: Names) -> tuple[str, str] | None:
    for name, word in names.by_start.get(lowered[at : at + _LEAST_LETTERS], ()):
        end = at + len(name)
        if lowered.startswith(name, at) and not (end < len(lowered) and lowered[end].isalnum()):
            return name, word
    return None


def _lowered(text: str) -> str:
    """Return `text` in lower case with as many characters as before; some letters grow when they are lowered."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
