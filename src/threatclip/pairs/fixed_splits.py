"""Splits that someone else fixed: lists of ids in a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from threatclip.errors import InputError, LeakageError
from threatclip.pairs.sources.lines import first_bytes

_FILE_LIMIT_BYTES = 256 * 2**20
_PARTS = {"train": "train", "val": "validation", "validation": "validation", "dev": "validation", "test": "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedSplit:
    """Ids as a file lists them.

    Attributes:
        path: JSON, plain or gzip'd.
        name: where in it: "temporal" leads to lists named train, val (or validation) and test; "cve_5fold/0" to one
            of several lists, which becomes test while the other lists of that name become train.
        validation: share of the train rows to take as validation where the file has none; whole groups.
        near_duplicates: "report" them, or "drop" the copy in the earlier split.
        labels: when not empty, rows with another label (or none) stay unused.
    """

    kind: Literal["fixed"] = "fixed"
    path: str
    name: str = "temporal"
    validation: float = 0.0
    near_duplicates: Literal["report", "drop"] = "report"
    labels: tuple[str, ...] = ()


def read_fixed_split(spec: FixedSplit, root: Path | None) -> dict[str, str]:
    """Return the split of every id that the file names; `root` is where a relative path starts.

    Raises:
        InputError: the file or the name in it is unusable.
        LeakageError: an id is in two parts.
    """
    if not 0 <= spec.validation < 1:
        raise InputError(f"the validation share {spec.validation} must be in [0, 1)")
    path = (root or Path()) / spec.path
    parts = _find(_read(path), spec.name, path)
    if spec.validation and "validation" in parts:
        raise InputError(f"split {spec.name!r} of {path} has its own validation rows; set validation to 0")
    part_of: dict[str, str] = {}
    for part, ids in parts.items():
        for name in ids:
            if part_of.setdefault(name, part) != part:
                raise LeakageError(f"split {spec.name!r} of {path} has id {name!r} in {part_of[name]} and {part}")
    return part_of


def _read(path: Path) -> Any:
    content = first_bytes(path, _FILE_LIMIT_BYTES + 1)
    if len(content) > _FILE_LIMIT_BYTES:
        raise InputError(f"{path} is larger than {_FILE_LIMIT_BYTES:,} bytes; no split needs that")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from error


def _find(content: Any, name: str, path: Path) -> dict[str, list[str]]:
    node, around, step = content, None, name
    for step in name.split("/"):
        around = node
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            offered = ", ".join(node) if isinstance(node, dict) else f"0 to {len(node) - 1}" if node else "nothing"
            raise InputError(f"no split {name!r} in {path}: at {step!r} there is only {offered}")
    if isinstance(node, dict) and "test" in node and node.keys() <= _PARTS.keys():
        return {_PARTS[part]: _ids(ids, name, path) for part, ids in node.items()}
    if isinstance(around, list):
        others = [fold for place, fold in enumerate(around) if place != int(step)]
        return {"train": [name_ for fold in others for name_ in _ids(fold, name, path)], "test": _ids(node, name, path)}
    raise InputError(f"{name!r} in {path} is neither lists named train, val, test nor one of several lists of ids")


def _ids(value: Any, name: str, path: Path) -> list[str]:
    if isinstance(value, Mapping) or not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"split {name!r} of {path} is not made of lists of ids")
    return value
