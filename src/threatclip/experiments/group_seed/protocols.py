"""Five ways to choose what is trained on and what is judged: the seed's own, two that leak otherwise, two honest ones.

`raw` and `masked` draw sentences at random: names, and the reports behind them, give the answer away. `augmented` is
the seed's: copies with synonyms are made first and the sample is drawn from them, so nearly every test sentence has a
copy of itself in training. `reports` and `campaigns` hold out what an analyst will not have seen: splits H and K.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from threatclip.errors import InputError
from threatclip.experiments.attribution.rows import AttackRow, AttackRows
from threatclip.experiments.attribution.splits import GroupSplit, split_h, split_k, split_random
from threatclip.experiments.group_seed.recipe import Augmentation, GroupSeed, ProtocolName
from threatclip.pairs.masking import ACTOR, CAMPAIGN, MALWARE
from threatclip.pairs.synonyms import Thesaurus, balanced_copies
from threatclip.seeds import rng

KEPT = frozenset({*ENGLISH_STOP_WORDS, ACTOR.lower(), MALWARE.lower(), CAMPAIGN.lower()})
_LEAST_NAME = 3  # letters of a name that counts as given away


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One row of a protocol.

    Attributes:
        id: of the relationship; copies add "#2" and so on.
        origin: id of the relationship it was made from.
        text: as the model reads it.
        group: ATT&CK id of the group it tells of.
        reports: that the original cites.
        together: rows with one value are drawn together by the bootstrap: copies, incidents.
    """

    id: str
    origin: str
    text: str
    group: str
    reports: frozenset[str]
    together: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What one model learns from and is judged on."""

    name: ProtocolName
    train: tuple[Sentence, ...]
    test: tuple[Sentence, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The candidate groups, in order of their ids."""
        return tuple(sorted({row.group for row in self.train}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """What gives answers away: shares of the test sentences.

    Attributes:
        named: name or alias of their own group stands in the text.
        copied: the sentence, or another copy of its original, is in training.
        reported: training has a row of the same group that cites one of their reports.
    """

    named: float
    copied: float
    reported: float


def build_protocol(
    name: ProtocolName, rows: AttackRows, recipe: GroupSeed, *, thesaurus: Thesaurus, splits: Path | None
) -> Protocol:
    """Return the rows of one protocol.

    Raises:
        InputError: there are too few groups, reports or campaigns for it.
    """
    augment = recipe.augmentation
    if name == "augmented":
        fold = _fold(rows, recipe)
        everything = [_sentence(row, row.text) for row in (*fold.train, *fold.test)]
        copies = balanced(everything, augment, thesaurus, seed=recipe.seed)
        train, test = _stratified(copies, folds=recipe.test_folds, seed=recipe.seed)
        return Protocol(name=name, train=tuple(train), test=tuple(test))
    match name:
        case "raw" | "masked":
            split = _fold(rows, recipe)
        case "reports":
            split = split_h(rows, recipe.seed, file=splits)
        case "campaigns":
            split = split_k(rows)
    raw = name == "raw"
    train = [_sentence(row, row.raw if raw else row.text) for row in split.train]
    incidents = [None] * len(split.test) if name in ("raw", "masked") else list(split.incidents)
    test = [
        _sentence(row, row.raw if raw else row.text, group=group, together=incident)
        for row, group, incident in zip(split.test, split.truth, incidents, strict=True)
    ]
    if augment.honest_too:
        train = balanced(train, augment, thesaurus, seed=recipe.seed)
    return Protocol(name=name, train=tuple(train), test=tuple(test))


def balanced(rows: Sequence[Sentence], augment: Augmentation, thesaurus: Thesaurus, *, seed: int) -> list[Sentence]:
    """Return the rows and their copies, until every group has as many as the recipe says."""
    copies = balanced_copies(
        [row.text for row in rows],
        [row.group for row in rows],
        thesaurus=thesaurus,
        rows_per_class=augment.rows_per_group,
        share=augment.share,
        seed=seed,
        kept=KEPT,
    )
    found, numbers = [], [1] * len(rows)
    for copy in copies:
        original = rows[copy.origin]
        if not copy.is_new:
            found.append(original)
            continue
        numbers[copy.origin] += 1
        found.append(
            Sentence(
                id=f"{original.id}#{numbers[copy.origin]}",
                origin=original.origin,
                text=copy.text,
                group=original.group,
                reports=original.reports,
                together=original.together,
            )
        )
    return found


def leaks_of(protocol: Protocol, rows: AttackRows) -> Leaks:
    """Return what gives answers away in a protocol."""
    origins = {row.origin for row in protocol.train}
    reported: dict[str, set[str]] = {}
    for row in protocol.train:
        reported.setdefault(row.group, set()).update(row.reports)
    names = {group: _name_pattern(rows, group) for group in {row.group for row in protocol.test}}
    n = len(protocol.test)
    return Leaks(
        named=sum(names[row.group].search(row.text) is not None for row in protocol.test) / n,
        copied=sum(row.origin in origins for row in protocol.test) / n,
        reported=sum(bool(row.reports & reported.get(row.group, set())) for row in protocol.test) / n,
    )


def _fold(rows: AttackRows, recipe: GroupSeed) -> GroupSplit:
    return next(iter(split_random(rows, recipe.seed, folds=recipe.test_folds, least=recipe.least_rows)))


def _sentence(row: AttackRow, text: str, *, group: str | None = None, together: str | None = None) -> Sentence:
    return Sentence(
        id=row.id,
        origin=row.id,
        text=text,
        group=group or row.actor,
        reports=row.reports,
        together=together or row.id,
    )


def _stratified(rows: Sequence[Sentence], *, folds: int, seed: int) -> tuple[list[Sentence], list[Sentence]]:
    """Return the rows cut at random, group by group: copies and originals land wherever they fall."""
    generator = rng(seed, "group-seed/stratified")
    is_test = np.zeros(len(rows), dtype=bool)
    for group in sorted({row.group for row in rows}):
        own = np.array([place for place, row in enumerate(rows) if row.group == group])
        n_test = round(len(own) / folds)
        is_test[generator.permutation(own)[:n_test]] = True
    if not is_test.any():
        raise InputError(f"{len(rows)} sentences leave nothing to be judged on; lower test_folds")
    train = [row for row, held in zip(rows, is_test, strict=True) if not held]
    return train, [row for row, held in zip(rows, is_test, strict=True) if held]


def _name_pattern(rows: AttackRows, group: str) -> re.Pattern[str]:
    own = rows.catalogue.groups[group]
    names = [name for name in (own.name, *own.aliases) if len(name) >= _LEAST_NAME]
    inner = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)"
    return re.compile(rf"(?<!\w)(?:{inner})(?!\w)", re.IGNORECASE)
