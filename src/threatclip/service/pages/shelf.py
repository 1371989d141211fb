"""What lies in the folder of runs beside models: audits, sweeps, matrices, trainings; found anew at each look.

Addresses bear a short hash of an item's name, so that nothing a stranger sends ever becomes a path.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from threatclip.service.problems import Problem

_DEPTH = 4
_MOST_FOLDERS = 5_000
_NOT_INTO = frozenset({"work", "cells", "checkpoints", "bundle", "models"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A folder that holds a file of the name that was looked for."""

    key: str
    name: str
    folder: Path
    changed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Folders to look into; uploads are told apart from runs by their prefix."""

    runs: Path | None
    uploads: Path

    def items(self, marker: str) -> list[Item]:
        """Return every folder with a file `marker`, the one changed last first."""
        found: list[Item] = []
        for root, prefix in ((self.runs, ""), (self.uploads, "upload ")):
            if root is not None and root.is_dir():
                found += [_item(folder, root, prefix, marker) for folder in _holding(root, marker)]
        return sorted(found, key=lambda item: (-item.changed.timestamp(), item.name))

    def find(self, marker: str, key: str) -> Item:
        """Return one of `items`.

        Raises:
            Problem: there is none of that key.
        """
        for item in self.items(marker):
            if item.key == key:
                return item
        raise Problem(HTTPStatus.NOT_FOUND, "it is not in the folder of runs any more; look at the list once more")


def _holding(root: Path, marker: str) -> Iterator[Path]:
    waiting, seen = [(root, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        if (folder / marker).is_file():
            yield folder
        if depth == _DEPTH:
            continue
        try:
            children = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        waiting += [
            (folder / name, depth + 1) for name in children if not name.startswith(".") and name not in _NOT_INTO
        ]


def _item(folder: Path, root: Path, prefix: str, marker: str) -> Item:
    below = folder.relative_to(root).as_posix()
    name = prefix + (folder.resolve().name if below == "." else below.removesuffix("/audit"))
    return Item(
        key=hashlib.sha256(f"{prefix}{below}".encode("utf-8", "replace")).hexdigest()[:16],
        name=name,
        folder=folder,
        changed=datetime.fromtimestamp((folder / marker).stat().st_mtime, UTC),
    )
