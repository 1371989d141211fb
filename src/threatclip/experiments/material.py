"""What a payload-weakness run learns from and is judged on, read once and checked for leaks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from threatclip.errors import BadRow, BadRowsError, InputError
from threatclip.evaluation.predictions import UNLABELED
from threatclip.experiments.recipe import Data, Extra, File
from threatclip.experiments.rows import Rows
from threatclip.pairs.http import parse_requests, render_requests
from threatclip.pairs.leakage import LeakageReport
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Modality, Pair, view_text
from threatclip.pairs.samples import sample_pairs, wrap_in_request
from threatclip.pairs.splits import split_pairs
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng, stream_seed

_SAMPLES = 10_000
_FIRST_YEAR, _LAST_YEAR = 2012, 2024  # of the embedded generator

_CLASS_OF_TAG = {
    "xss": "xss",
    "sqli": "sql-injection",
    "lfi": "path-traversal",
    "traversal": "path-traversal",
    "ssrf": "ssrf",
    "xxe": "xxe",
    "redirect": "open-redirect",
    "ssti": "code-injection",
    "fileupload": "file-upload",
    "file-upload": "file-upload",
    "deserialization": "deserialization",
    "unauth": "access-control",
    "auth-bypass": "access-control",
    "default-login": "access-control",
    "exposure": "info-exposure",
    "disclosure": "info-exposure",
    "cmdi": "command-injection",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Everything one run reads. `ngram_extra` marks the extra rows that the n-gram view trains on too."""

    classes: tuple[str, ...]
    train: Rows
    validation: Rows
    test: Rows
    extra: Rows
    ngram_extra: np.ndarray
    descriptions: tuple[Pair, ...]
    leakage: LeakageReport


def data_root(data: Data) -> Path:
    """Return the folder of the data: what the recipe says, else THREATCLIP_DATA, else ../shared/data."""
    return root_folder(data.root)


def root_folder(root: str | None) -> Path:
    """Return the folder that a recipe's paths start from: `root`, else THREATCLIP_DATA, else ../shared/data."""
    return Path(root or os.environ.get("THREATCLIP_DATA") or "../shared/data")


def load_material(data: Data, *, seed: int) -> Material:
    """Read the pairs, split them, and gather what else may be trained on.

    An extra row is left out when it shares a group (a CVE) with a validation or test row, is a near-duplicate of one,
    or, where the split is in order of time, is younger than the training rows. Descriptions are all here: `unrelated`
    tells which of them a fit may read.

    Raises:
        InputError: a file is missing, or the split leaves nothing to train on or to judge.
        BadRowsError: a file has broken rows and `skip_bad` is not set.
    """
    root = data_root(data)
    pairs = [pair for pair in read_file(data.pairs, root) if pair.label in data.classes]
    if data.single_requests:
        pairs = [single for pair in pairs for single in _single_requests(pair)]
    splits, leakage = split_pairs(pairs, data.split, rng(data.split_seed, "data/split"), root=root)
    parts = {
        name: [pair for pair, split in zip(pairs, splits, strict=True) if split == name]
        for name in ("train", "validation", "test")
    }
    judged = [*parts["validation"], *parts["test"]]
    extra, weights, in_ngrams = _extras(data, root, parts["train"], judged, seed=seed)
    learned = [pair for pair in parts["train"] if pair.label not in data.held_out_classes]
    if not learned or not judged:
        raise InputError(f"the split of {data.pairs.path} leaves {len(learned)} training and {len(judged)} judged rows")
    return Material(
        classes=data.classes,
        train=rows_of(learned, data.classes),
        validation=rows_of(parts["validation"], data.classes),
        test=rows_of(parts["test"], data.classes),
        extra=replace(rows_of(extra, data.classes), weights=weights),
        ngram_extra=in_ngrams,
        descriptions=() if data.descriptions is None else tuple(read_file(data.descriptions, root)),
        leakage=leakage,
    )


def _single_requests(pair: Pair) -> list[Pair]:
    return [
        replace(pair, id=f"{pair.id}#{number}", view=render_requests((request,)))
        for number, request in enumerate(parse_requests(pair.view))
    ]


def rows_of(pairs: Sequence[Pair], classes: Sequence[str]) -> Rows:
    """Return pairs with their class numbers; a label outside the catalogue counts as none."""
    number = {name: index for index, name in enumerate(classes)}
    labels = np.array([number.get(pair.label or "", UNLABELED) for pair in pairs], dtype=np.int64)
    return Rows(pairs=tuple(pairs), labels=labels, weights=np.ones(len(pairs)))


def read_file(file: File, root: Path) -> Iterator[Pair]:
    """Yield the pairs of one file of the recipe, whatever its format.

    Raises:
        InputError: the file cannot be read.
        BadRowsError: a row is broken and `skip_bad` is not set.
    """
    path = root / file.path
    if file.source is None:
        yield from PairTable.open(path).iter_pairs()
        return
    bad: list[BadRow] = []
    for row in file.source.read(path):
        if isinstance(row, Pair):
            yield row
        elif isinstance(row, BadRow):
            bad.append(row)
    if bad and not file.skip_bad:
        raise BadRowsError(bad, total=len(bad))


def file_modality(file: File, root: Path) -> Modality:
    """Return what the views of one file of the recipe are.

    Raises:
        InputError: the file is a pair table and cannot be opened.
        DamagedArtifactError: it is a damaged one.
    """
    return PairTable.open(root / file.path).modality if file.source is None else file.source.modality


def _youngest(learned: Sequence[Pair], judged: Sequence[Pair]) -> datetime | None:
    """Return the time of the last learned pair where the judged ones all come later, else None."""
    before = [pair.time for pair in learned if pair.time is not None]
    after = [pair.time for pair in judged if pair.time is not None]
    return max(before) if before and after and max(before) < min(after) else None


def _last_year(learned: Sequence[Pair], judged: Sequence[Pair]) -> int:
    """Return the last year whose habits the generator may use: a split in order of time must not see later ones."""
    youngest = _youngest(learned, judged)
    return _LAST_YEAR if youngest is None else min(_LAST_YEAR, max(_FIRST_YEAR, youngest.year))


def unrelated(pairs: Iterable[Pair], learned: Sequence[Pair], judged: Sequence[Pair]) -> Iterator[Pair]:
    """Yield the pairs that may be learned from: no group of a judged pair, and no later year than is learned."""
    groups = {pair.group for pair in judged if pair.group}
    youngest = _youngest(learned, judged)
    for pair in pairs:
        late = youngest is not None and pair.time is not None and pair.time.year > youngest.year
        if pair.group not in groups and not late:
            yield pair


def _extras(
    data: Data, root: Path, learned: Sequence[Pair], judged: Sequence[Pair], *, seed: int
) -> tuple[list[Pair], np.ndarray, np.ndarray]:
    """Return the extra pairs, their weights and whether the n-gram view reads them."""
    taken: list[Pair] = []
    weights: list[float] = []
    in_ngrams: list[bool] = []
    for extra in data.extra:
        pairs = _extra_pairs(extra, data, root, last_year=_last_year(learned, judged), seed=seed)
        fresh = _without_copies(list(unrelated(pairs, learned, judged)), judged)
        taken += fresh
        weights += [extra.weight] * len(fresh)
        in_ngrams += [extra.ngrams] * len(fresh)
    return taken, np.array(weights), np.array(in_ngrams, dtype=bool)


def _without_copies(pairs: Sequence[Pair], judged: Sequence[Pair]) -> list[Pair]:
    clusters = near_duplicate_clusters([pair.view for pair in (*judged, *pairs)])
    known = set(clusters[: len(judged)].tolist())
    return [pair for pair, cluster in zip(pairs, clusters[len(judged) :].tolist(), strict=True) if cluster not in known]


def _extra_pairs(extra: Extra, data: Data, root: Path, *, last_year: int, seed: int) -> list[Pair]:
    allowed = [name for name in data.classes if name not in data.held_out_classes]
    if extra.file is None:
        n = extra.n or _SAMPLES
        made = sample_pairs(
            n=n,
            seed=stream_seed(seed, f"extra/{extra.name}"),
            benign_fraction=extra.benign_fraction,
            years=(_FIRST_YEAR, last_year),
        )
        return [pair for pair in made if pair.label is None or pair.label in allowed]
    pairs = list(read_file(extra.file, root))
    if extra.labels_from_tags:
        pairs = [pair if pair.label else replace(pair, label=_label_of_tags(pair)) for pair in pairs]
    pairs = [pair for pair in pairs if pair.label in allowed]
    draw = rng(seed, f"extra/{extra.name}")
    if extra.n is not None:
        pairs = _evenly(pairs, extra.n, draw)
    if extra.framed:
        pairs = [replace(pair, view=wrap_in_request(view_text(pair.view), draw, year=last_year)) for pair in pairs]
    return pairs


def _label_of_tags(pair: Pair) -> str | None:
    tags = set(pair.meta.get("tags", "").split(","))
    return next((name for tag, name in _CLASS_OF_TAG.items() if tag in tags), None)


def _evenly(pairs: Sequence[Pair], n: int, draw: np.random.Generator) -> list[Pair]:
    """Return at most `n` pairs: the same number of each class, as far as there are any."""
    by_class: dict[str | None, list[int]] = {}
    for index in draw.permutation(len(pairs)).tolist():
        by_class.setdefault(pairs[index].label, []).append(index)
    share = n // max(1, len(by_class))
    return [pairs[index] for rows in by_class.values() for index in sorted(rows[:share])]
