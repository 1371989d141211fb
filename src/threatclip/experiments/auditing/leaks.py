"""What makes a model of a table of texts or payloads look better than it is: answers in the text, shared sources.

A classifier that reads the name of the class in the sentence, or finds a rewording of a test sentence in training,
needs to learn nothing. Rates are counted over the rows that could show them; nothing is removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from threatclip.experiments.auditing.rewordings import reworded_rows
from threatclip.pairs.leakage import leakage_report
from threatclip.pairs.near_duplicate_posts import Clusters, clusters_of
from threatclip.pairs.pair import SPLITS, Modality, Pair, pair_content, view_text

VIEW_CHARACTERS = 16_384
SIBLING_KEYS = ("source_row", "source_id", "augmented_from", "original")
"""Entries of `meta` by which augmentation may say which row a row was made from."""

_WHOLE = ("label_names", "citations", "duplicates", "near_duplicates", "conflicting")
_CITATION = re.compile(
    r"\(Citation:\s*([^)]{1,200})\)|(?<![\w\])])\[(\d{1,3})\](?!\()"
    r"|https?://([^\s)\]>\"']{1,200})|\b([A-Z]\w+ et al\.)",
    re.ASCII,
)
_MADE = re.compile(r"(.+?)[-_.#:~]?(?:aug|augmented|syn|copy)[-_.#:~]?\d*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`count` of `rows` rows."""

    count: int
    rows: int

    @property
    def value(self) -> float:
        """The share; 0 of no rows."""
        return self.count / self.rows if self.rows else 0.0

    def as_dict(self) -> dict[str, float | int]:
        """Return plain JSON values."""
        return {"count": self.count, "rows": self.rows, "rate": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """What was found.

    Attributes:
        label_names: labeled rows whose view holds the name of its own label, or another name of it.
        citations: rows whose view holds a mark of its source: a citation, a numbered reference, an address.
        duplicates: rows whose view occurs in an earlier row, byte for byte.
        near_duplicates: rows of which an earlier row is a near-duplicate, exact ones included.
        conflicting: labeled rows whose view occurs with another label too.
        shared_citations: by pair of splits, rows of the later one whose mark stands in the earlier one too.
        siblings: by pair of splits, rows of the later one made from a row that others of the earlier one were made of.
        rewordings: by pair of splits, rows of the later one that reword a row of the same label in the earlier one.
        overlaps: the leakage report of the splits, as `pairs inspect` prints it; empty without splits.
    """

    label_names: Rate
    citations: Rate
    duplicates: Rate
    near_duplicates: Rate
    conflicting: Rate
    shared_citations: Mapping[str, Rate]
    siblings: Mapping[str, Rate]
    rewordings: Mapping[str, Rate]
    overlaps: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = {name: asdict(rate) | {"rate": rate.value} for name, rate in self.rates().items()}
        return {**plain, "overlaps": [dict(overlap) for overlap in self.overlaps]}

    def rates(self) -> dict[str, Rate]:
        """Return every rate by name; those between splits are called "siblings.test in train"."""
        found: dict[str, Rate] = {name: getattr(self, name) for name in _WHOLE}
        for name in ("shared_citations", "siblings", "rewordings"):
            found |= {f"{name}.{where}": rate for where, rate in getattr(self, name).items()}
        return found


def find_leaks(pairs: Sequence[Pair], *, modality: Modality, names: Mapping[str, Sequence[str]]) -> Leaks:
    """Count what leaks in a table of texts or payloads.

    Args:
        pairs: of the whole table, in order.
        modality: of their views.
        names: what a label is called besides its own name: {"G0082": ["APT38", ...]}.
    """
    texts = [view_text(pair.view[: 4 * VIEW_CHARACTERS])[:VIEW_CHARACTERS] for pair in pairs]
    views = [pair_content(pair) for pair in pairs]
    clusters = clusters_of(pairs, modality=modality)
    marks = [_marks(text) for text in texts]
    parents = _parents(pairs)
    return Leaks(
        label_names=_label_names(pairs, texts, names),
        citations=Rate(count=sum(map(bool, marks)), rows=len(pairs)),
        duplicates=_repeated(views),
        near_duplicates=_repeated(clusters.together.tolist()),
        conflicting=_conflicting(pairs, views),
        shared_citations=_between(pairs, marks),
        siblings=_between(pairs, parents),
        rewordings=_rewordings(pairs, texts),
        overlaps=_overlaps(pairs, views, clusters),
    )


def _label_names(pairs: Sequence[Pair], texts: Sequence[str], names: Mapping[str, Sequence[str]]) -> Rate:
    patterns: dict[str, re.Pattern[str] | None] = {}
    count = rows = 0
    for pair, text in zip(pairs, texts, strict=True):
        if pair.label is None:
            continue
        if pair.label not in patterns:
            patterns[pair.label] = _name_pattern([pair.label, *names.get(pair.label, ())])
        rows += 1
        pattern = patterns[pair.label]
        count += pattern is not None and pattern.search(text) is not None
    return Rate(count=count, rows=rows)


def _name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Match any name on word borders, whatever its case, with - _ and blanks alike."""
    spelled = [r"[\W_]*".join(map(re.escape, words)) for name in names if (words := _WORD.findall(name))]
    if not spelled:
        return None
    return re.compile(
        rf"(?<![^\W_])(?:{'|'.join(sorted(set(spelled), key=len, reverse=True))})(?![^\W_])", re.IGNORECASE
    )


def _marks(text: str) -> frozenset[str]:
    return frozenset(next(filter(None, found), "") for found in _CITATION.findall(text))


def _parents(pairs: Sequence[Pair]) -> list[frozenset[str]]:
    """Return what each row was made from, by its meta or by an id such as "17-aug-2" beside a row "17"."""
    ids = {pair.id for pair in pairs}
    found = []
    for pair in pairs:
        declared = next((pair.meta[key] for key in SIBLING_KEYS if pair.meta.get(key)), None)
        made = _MADE.fullmatch(pair.id)
        stem = made[1] if made is not None and (made[1] in ids or declared is None) else None
        found.append(frozenset({declared or stem or pair.id}))
    return found


def _between(pairs: Sequence[Pair], keys: Sequence[frozenset[str]]) -> dict[str, Rate]:
    rates = {}
    for earlier, later, places in _split_pairs(pairs):
        known = frozenset().union(*(keys[row] for row in places[earlier]))
        count = sum(not known.isdisjoint(keys[row]) for row in places[later])
        rates[f"{later} in {earlier}"] = Rate(count=count, rows=len(places[later]))
    return rates


def _rewordings(pairs: Sequence[Pair], texts: Sequence[str]) -> dict[str, Rate]:
    rates = {}
    for earlier, later, places in _split_pairs(pairs):
        known, asked = ([(texts[row], pairs[row].label) for row in places[name]] for name in (earlier, later))
        rates[f"{later} in {earlier}"] = Rate(count=reworded_rows(asked, known), rows=len(asked))
    return rates


def _split_pairs(pairs: Sequence[Pair]) -> Iterable[tuple[str, str, dict[str, list[int]]]]:
    places = {name: [row for row, pair in enumerate(pairs) if pair.split == name] for name in SPLITS}
    for earlier, later in (("train", "validation"), ("train", "test")):
        if places[earlier] and places[later]:
            yield earlier, later, places


def _repeated(keys: Sequence[Any]) -> Rate:
    return Rate(count=len(keys) - len(set(keys)), rows=len(keys))


def _conflicting(pairs: Sequence[Pair], views: Sequence[bytes]) -> Rate:
    labels: dict[bytes, set[str]] = {}
    for pair, view in zip(pairs, views, strict=True):
        if pair.label is not None:
            labels.setdefault(view, set()).add(pair.label)
    labeled = [view for pair, view in zip(pairs, views, strict=True) if pair.label is not None]
    return Rate(count=sum(len(labels[view]) > 1 for view in labeled), rows=len(labeled))


def _overlaps(pairs: Sequence[Pair], views: Sequence[bytes], clusters: Clusters) -> tuple[Mapping[str, Any], ...]:
    if not any(pair.split for pair in pairs):
        return ()
    report = leakage_report(
        [pair.split for pair in pairs],
        views=views,
        clusters=clusters,
        groups=[pair.group for pair in pairs],
        vendors=[pair.meta.get("vendor") for pair in pairs],
    )
    return tuple(report.as_dict()["overlaps"])
