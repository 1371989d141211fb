"""The pairs of a matrix: the sweep's, and those that a defender holds, read once and kept as pair tables.

Reading pictures anew takes minutes (their captions are measured from pixels), a cell takes one: so the first call
writes what every cell reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError, ThreatclipError
from threatclip.experiments.config import as_plain
from threatclip.experiments.poisoning.folder import inputs_of
from threatclip.experiments.poisoning.material import SweepPairs, load_with_trusted, sweep_root, view_of
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.run_folder import data_hashes
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.table import PairTable, write_pairs
from threatclip.seeds import rng

_ABOUT = "about.json"
_TABLES = ("pool", "test", "trusted", "held-out")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What one matrix reads.

    Attributes:
        pairs: of the sweep: pool and test, clean.
        trusted: what a defender holds, none of the pool's views.
        held_out: further such pairs, that learning rates are chosen on.
        modality: of the views.
    """

    pairs: SweepPairs
    trusted: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    modality: Modality

    @property
    def chooser(self) -> SweepPairs:
        """The held-out pairs in the place of the test rows."""
        return replace(self.pairs, test=self.held_out)


def modality_of(sweep: Sweep) -> Modality:
    """Return the modality of a sweep's views."""
    source = sweep.rows.file.source
    return "image" if source is None else source.modality


def keep_material(sweep: Sweep, out: Path, *, trusted: int, held_out: int) -> None:
    """Write the pairs of a matrix into its folder, unless they lie there already.

    Args:
        sweep: whose rows are read.
        out: folder of the matrix.
        trusted: views that a defender holds.
        held_out: views that learning rates are chosen on, in whole groups, so a few more or less.

    Raises:
        InputError: a file is missing, or fewer views are left over than wanted.
    """
    wanted = {
        "rows": as_plain(sweep.rows),
        "trusted": trusted,
        "held_out": held_out,
        "data": data_hashes(sweep_root(sweep.rows), inputs_of(sweep)),
    }
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    folder = out / "pairs"
    if _is_kept(folder, key):
        return
    pairs, own = load_with_trusted(sweep.rows, trusted + held_out)
    learned, chosen_on = split_off(own, held_out, seed=sweep.rows.split_seed)
    hashes = {
        name: write_pairs(folder / f"{name}.parquet", table, modality=modality_of(sweep)).content_hash
        for name, table in zip(_TABLES, (pairs.pool, pairs.test, learned, chosen_on), strict=True)
    }
    write_json(folder / _ABOUT, {"key": key, "classes": list(pairs.classes), "tables": hashes})


def _is_kept(folder: Path, key: str) -> bool:
    if not (folder / _ABOUT).is_file():
        return False
    try:
        stored = read_json(folder / _ABOUT)
        return bool(stored["key"] == key) and all((folder / f"{name}.parquet").is_file() for name in _TABLES)
    except (ThreatclipError, KeyError, TypeError):
        return False


def split_off(pairs: Sequence[Pair], count: int, *, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Return the pairs without, and those with, about `count` views drawn in whole groups; both in their order."""
    views: dict[str, set[str]] = {}
    for pair in pairs:
        views.setdefault(pair.group or pair.id, set()).add(view_of(pair))
    names = list(views)
    taken: set[str] = set()
    left = count
    for place in rng(seed, "matrix/held_out").permutation(len(names)):
        if left <= 0:
            break
        taken.add(names[place])
        left -= len(views[names[place]])
    return (
        [pair for pair in pairs if (pair.group or pair.id) not in taken],
        [pair for pair in pairs if (pair.group or pair.id) in taken],
    )


def read_material(sweep: Sweep, out: Path) -> Material:
    """Read what `keep_material` wrote.

    Raises:
        InputError: nothing was written.
        DamagedArtifactError: the tables are not what was written.
    """
    folder = out / "pairs"
    about = read_json(folder / _ABOUT)
    try:
        classes, hashes = tuple(map(str, about["classes"])), {name: str(about["tables"][name]) for name in _TABLES}
    except (KeyError, TypeError) as error:
        raise DamagedArtifactError(f"{folder / _ABOUT} names no tables; remove {folder} and run again") from error
    tables = {name: PairTable.open(folder / f"{name}.parquet") for name in _TABLES}
    for name, table in tables.items():
        if table.content_hash != hashes[name]:
            raise DamagedArtifactError(f"{table.path} is not the table that was written; remove {folder}, run again")
    pool, test, trusted, held_out = (tuple(tables[name].iter_pairs()) for name in _TABLES)
    return Material(
        pairs=SweepPairs(pool=pool, test=test, classes=classes),
        trusted=trusted,
        held_out=held_out,
        modality=modality_of(sweep),
    )
