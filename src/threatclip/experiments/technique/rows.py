"""What a technique labeler learns from: techniques with the words that describe them, and labeled sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from threatclip.errors import BadRow, BadRowsError, InputError
from threatclip.experiments.material import read_file
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.recipe import Data, Sentences
from threatclip.pairs.attack_catalogue import Catalogue
from threatclip.pairs.attack_reading import catalogue_of
from threatclip.pairs.masking import without_markup
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.stix import Stix
from threatclip.pairs.stix_bundle import read_bundle
from threatclip.seeds import rng

PROCEDURES = "procedures"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_LEAST_WORDS = 5  # of a sentence of a description that is learned: shorter ones are headings
_LONG = 3  # sentences of the longer caption


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One technique: its id, its name ("Parent: Name" of a sub-technique), its family, and what describes it.

    Attributes:
        family: the id of the parent; its own where it has none.
        captions: its name and the first sentence of its description, and the first three.
        sentences: of the description, each by itself.
    """

    id: str
    name: str
    family: str
    captions: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Techniques:
    """The techniques that a model knows, in the order of its scores."""

    all: tuple[Described, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """Numbers of techniques by id."""
        return {one.id: number for number, one in enumerate(self.all)}

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Ids of parents, in the order of their first techniques."""
        return tuple(dict.fromkeys(one.family for one in self.all))

    @cached_property
    def family_of(self) -> np.ndarray:
        """The number of each technique's family, int64 [c]."""
        places = {name: number for number, name in enumerate(self.families)}
        return np.array([places[one.family] for one in self.all], dtype=np.int64)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids, in order."""
        return tuple(one.id for one in self.all)

    def only(self, ids: Iterable[str]) -> Techniques:
        """Return those that are named, in the order of this."""
        wanted = set(ids)
        return Techniques(all=tuple(one for one in self.all if one.id in wanted))


def labeled(pairs: Iterable[Pair], techniques: Techniques, *, weight: float = 1.0) -> Rows:
    """Return the pairs whose label is one of the techniques."""
    kept = tuple(pair for pair in pairs if pair.label in techniques.index)
    return Rows(
        pairs=kept,
        labels=np.array([techniques.index[pair.label or ""] for pair in kept], dtype=np.int64),
        weights=np.full(len(kept), weight),
    )


def described(catalogue: Catalogue, *, n_sentences: int) -> Techniques:
    """Return every technique of a catalogue with the words that describe it."""
    found = []
    for one in catalogue.techniques.values():
        name = catalogue.name(one.id)
        text = " ".join(without_markup(one.description).split())
        sentences = [sentence for sentence in _SENTENCE.split(text) if sentence][:n_sentences]
        captions = dict.fromkeys(f"{name}. {' '.join(sentences[:count])}".strip() for count in (1, _LONG))
        long = tuple(sentence for sentence in sentences if len(sentence.split()) >= _LEAST_WORDS)
        family = one.parent if one.parent in catalogue.techniques else one.id
        found.append(Described(id=one.id, name=name, family=family or one.id, captions=tuple(captions), sentences=long))
    return Techniques(all=tuple(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What one STIX bundle gives: its catalogue, its techniques, its procedures with names masked."""

    catalogue: Catalogue
    techniques: Techniques
    procedures: tuple[Pair, ...]


def read_attack(data: Data, root: Path) -> Attack:
    """Read the bundle of a recipe.

    Raises:
        InputError: no usable bundle, or one without techniques.
        BadRowsError: a procedure is broken.
    """
    path = root / data.attack
    objects = read_bundle(path)
    catalogue = catalogue_of(objects, where=str(path))
    if not catalogue.techniques:
        raise InputError(
            f"{path} holds no technique (attack-pattern); give ATT&CK's own bundle, enterprise-attack.json"
        )
    rows = list(Stix().rows(objects, path)) if catalogue.procedures else []
    bad = [row for row in rows if isinstance(row, BadRow)]
    if bad:
        raise BadRowsError(bad, total=len(bad))
    return Attack(
        catalogue=catalogue,
        techniques=described(catalogue, n_sentences=data.n_sentences),
        procedures=tuple(row for row in rows if isinstance(row, Pair)),
    )


def read_sentences(one: Sentences, root: Path, catalogue: Catalogue) -> tuple[Pair, ...]:
    """Read labeled sentences; ids of techniques that were replaced become those in force.

    Raises:
        InputError: the file is missing, or no sentence has a technique of the catalogue.
        BadRowsError: a row is broken and `skip_bad` is not set.
    """
    found = []
    for pair in read_file(one.file, root):
        label = catalogue.current(pair.label) if pair.label else None
        if label in catalogue.techniques:
            report = None if pair.group is None else f"{one.name}: {pair.group}"
            found.append(replace(pair, id=f"{one.name}/{pair.id}", label=label, group=report))
    if not found:
        raise InputError(f"{root / one.file.path} has no sentence with a technique of ATT&CK as its label")
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Everything one run reads, in parts; `tests` by the name of their origin."""

    attack: Attack
    train: Rows
    validation: Rows
    tests: dict[str, Rows]


def load_material(data: Data, root: Path, *, seed: int) -> Material:
    """Read procedures and sentences; part procedures by year, sentences by report.

    Of what would be trained on, whatever is a near-duplicate of a judged sentence of another origin is left out.

    Raises:
        InputError: files are missing or unusable, or a part is empty.
    """
    attack = read_attack(data, root)
    known = attack.techniques
    parts = [_by_year(attack.procedures, data)]
    weights, names = [1.0], [PROCEDURES]
    for one in data.sentences:
        parts.append(_by_report(read_sentences(one, root, attack.catalogue), data, rng(seed, f"technique/{one.name}")))
        weights.append(one.weight)
        names.append(one.name)
    tests = {name: labeled(part["test"], known) for name, part in zip(names, parts, strict=True) if part["test"]}
    judged = [pair for rows in tests.values() for pair in rows.pairs]
    learned = []
    for when in ("train", "validation"):
        whole = _joined([labeled(part[when], known, weight=w) for part, w in zip(parts, weights, strict=True)], known)
        learned.append(without_copies(whole, judged))
    train, validation = learned
    if not len(train) or not len(validation):
        raise InputError(
            f"{data.attack} leaves {len(train)} sentences to train on and {len(validation)} to calibrate on; change "
            "data.validation_from or give data.sentences"
        )
    return Material(attack=attack, train=train, validation=validation, tests=tests)


def without_copies(rows: Rows, judged: Sequence[Pair]) -> Rows:
    """Return the rows that are no near-duplicates of judged sentences of another origin.

    Within one origin the split by year or report stands as it is, copies and all; the study counts what they are
    worth. Between origins nothing keeps a sentence of ATT&CK from being the one that an analyst labeled.
    """
    if not judged or not len(rows):
        return rows
    clusters = near_duplicate_clusters([*(pair.view for pair in judged), *rows.views]).tolist()
    origins: dict[int, set[str]] = {}
    for pair, cluster in zip(judged, clusters[: len(judged)], strict=True):
        origins.setdefault(cluster, set()).add(origin(pair))
    kept = [
        not (origins.get(cluster, set()) - {origin(pair)})
        for pair, cluster in zip(rows.pairs, clusters[len(judged) :], strict=True)
    ]
    return rows.take(np.array(kept, dtype=bool))


def origin(pair: Pair) -> str:
    """Return the name of the sentences a pair came from, `PROCEDURES` for those of a bundle."""
    name, slash, _ = pair.id.partition("/")
    return name if slash else PROCEDURES


def _joined(parts: Sequence[Rows], techniques: Techniques) -> Rows:
    whole = labeled((), techniques)
    for part in parts:
        whole = whole.joined(part)
    return whole


def _by_year(pairs: Iterable[Pair], data: Data) -> dict[str, list[Pair]]:
    parts: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for pair in pairs:
        year = 0 if pair.time is None else pair.time.year
        if year >= data.test_from:
            parts["test"].append(pair)
        else:
            parts["validation" if year >= data.validation_from else "train"].append(pair)
    return parts


def _by_report(pairs: Sequence[Pair], data: Data, draw: np.random.Generator) -> dict[str, list[Pair]]:
    reports = sorted({pair.group or pair.id for pair in pairs})
    order = [reports[place] for place in draw.permutation(len(reports)).tolist()]
    n_test = round(data.test_reports * len(order))
    n_validation = round(data.validation_reports * len(order))
    part_of = dict.fromkeys(order, "train") | dict.fromkeys(order[: n_test + n_validation], "validation")
    part_of |= dict.fromkeys(order[:n_test], "test")
    parts: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for pair in pairs:
        parts[part_of[pair.group or pair.id]].append(pair)
    return parts
