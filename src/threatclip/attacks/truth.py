"""What only the judge may see: which rows an attack changed, how, and everything needed to pull its trigger again.

Truth never stands in the poisoned table. It goes to a file of its own, which no filter, repair or training reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.pairs.pair import Pair

VERSION = 1
Part = Literal["view", "caption", "label"]
PARTS: tuple[str, ...] = get_args(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one row.

    Attributes:
        id: of the row in the poisoned table.
        parts: the fields that differ from the clean row, and no others; () where the attack drew the row and what it
            put there was what stood there already.
        target: what the attacker wants: a class, or the id of the pair whose view is to be found.
        label: the row's true class.
        source: id of the clean row that gave the view or the caption, where one did.
        added: the row is not in the clean table.
    """

    id: str
    parts: tuple[Part, ...]
    target: str
    label: str | None = None
    source: str | None = None
    added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything about one poisoning.

    Attributes:
        attack: kind and every parameter of the attack as JSON, a fitted trigger included: read as a member of the union
            `attacks.Attack`, it pulls the same trigger at test time.
        clean_rows: rows of the clean table.
        changes: one entry a poisoned row, in the table's order.
        dropped: ids of clean rows that the attacker removed.
        facts: figures that the attack tells of itself, such as the size of its patch.
        seed: what the caller's generator was made from, where it says.
        clean_hash: content hash of the clean table, where there is one.
        poisoned_hash: content hash of the poisoned table, where there is one.
    """

    attack: Mapping[str, Any]
    clean_rows: int
    changes: tuple[Change, ...]
    dropped: tuple[str, ...] = ()
    facts: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seed: int | None = None
    clean_hash: str | None = None
    poisoned_hash: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The poisoned rows, in the table's order."""
        return tuple(change.id for change in self.changes)

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target once, in the order in which they occur first."""
        return tuple(dict.fromkeys(change.target for change in self.changes))

    def mask(self, ids: Sequence[str]) -> list[bool]:
        """Tell of each id whether its row is poisoned."""
        poisoned = set(self.ids)
        return [name in poisoned for name in ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """What an attack returns: the pairs for everyone, the truth for the judge."""

    pairs: tuple[Pair, ...]
    truth: Truth


def changed_parts(clean: Pair, poisoned: Pair) -> tuple[Part, ...]:
    """Return which of view, caption and label differ."""
    return tuple(part for part in get_args(Part) if getattr(clean, part) != getattr(poisoned, part))


def attack_settings(attack: Any) -> dict[str, Any]:
    """Return kind and parameters of an attack as JSON holds them."""
    return {name: _plain(value) for name, value in dataclasses.asdict(attack).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def write_truth(path: Path, truth: Truth) -> None:
    """Write truth as JSON, whole or not at all.

    Raises:
        InputError: `path` exists: an older truth is never lost.
        StorageError: the disk refused.
    """
    if path.exists():
        raise InputError(f"{path} exists; truth is never overwritten: choose another file or remove it")
    write_json(path, {"version": VERSION, **dataclasses.asdict(truth)})


def read_truth(path: Path) -> Truth:
    """Read what `write_truth` wrote.

    Raises:
        InputError: no such file, or one of another version.
        DamagedArtifactError: it is not a whole truth.
    """
    value = read_json(path)
    if not isinstance(value, dict) or "version" not in value:
        raise DamagedArtifactError(f"{path} is not the truth of a poisoning; write it with `threatclip poison`")
    if value["version"] != VERSION:
        raise InputError(f"{path} is truth of version {value['version']!a:.20}, this is {VERSION}; poison anew")
    try:
        return _truth({name: item for name, item in value.items() if name != "version"})
    except (TypeError, ValueError) as error:
        raise DamagedArtifactError(f"{path} is not a whole truth ({error}); restore it or poison anew") from error


def _truth(value: dict[str, Any]) -> Truth:
    changes = tuple(_change(item) for item in _typed(value.pop("changes"), list, "changes"))
    dropped = tuple(_typed(name, str, "dropped") for name in _typed(value.pop("dropped"), list, "dropped"))
    facts = {name: float(fact) for name, fact in _typed(value.pop("facts"), dict, "facts").items()}
    truth = Truth(changes=changes, dropped=dropped, facts=facts, **value)
    _typed(truth.attack, dict, "attack")
    _typed(truth.attack.get("kind"), str, "attack.kind")
    _typed(truth.clean_rows, int, "clean_rows")
    _typed(truth.seed, int | None, "seed")
    for name in ("clean_hash", "poisoned_hash"):
        _typed(getattr(truth, name), str | None, name)
    if len(set(truth.ids)) != len(truth.ids):
        raise ValueError("an id occurs twice")
    return truth


def _change(value: Any) -> Change:
    found = Change(**{**_typed(value, dict, "a change"), "parts": tuple(_typed(value.get("parts"), list, "parts"))})
    for name, kind in (("id", str), ("target", str), ("label", str | None), ("source", str | None), ("added", bool)):
        _typed(getattr(found, name), kind, name)
    if not set(found.parts) <= set(PARTS):
        raise ValueError(f"parts are {', '.join(PARTS)}")
    return found


def _typed(value: Any, kind: Any, what: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{what} is a {type(value).__name__}")
    return value
