"""Folders of long tables: a plan beside the cells names the recipe and the key of each cell that it asks for.

A cell belongs to the plan by its key, which is kept there and not computed anew: a report of an old folder does not
depend on what later versions add to a recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from threatclip.artifacts import read_json, reading_errors
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.config import parse
from threatclip.experiments.run_folder import ENVIRONMENT

RecipeT = TypeVar("RecipeT")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanKind:
    """A kind of table.

    Attributes:
        name: what people call it, such as "sweep".
        file: of the plan, in the table's folder.
        version: of the plan that this version writes and reads.
        example: a recipe that makes one.
    """

    name: str
    file: str
    version: int
    example: str


def planned_folders(kind: PlanKind, paths: Sequence[Path]) -> list[Path]:
    """Return the folders given that hold a table, and the tables in those that hold none themselves.

    Raises:
        InputError: a folder is absent or holds no table, or a table is named twice.
        StorageError: a folder cannot be read.
    """
    found = [folder for path in paths for folder in _folders_at(kind, path)]
    places = [folder.resolve() for folder in found]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise InputError(f"the {kind.name} in {twice} is named twice; name each folder once")
    return found


def _folders_at(kind: PlanKind, path: Path) -> Iterator[Path]:
    how = f"make one with `threatclip bench RECIPE -o FOLDER`, RECIPE such as {kind.example}"
    with reading_errors(path):
        if not path.is_dir():
            raise InputError(f"no folder {path}; {how}")
        if (path / kind.file).is_file():
            yield path
            return
        inner = sorted(folder for folder in path.iterdir() if (folder / kind.file).is_file())
    if not inner:
        told = "run the recipe into it again: finished cells are kept" if (path / "cells").is_dir() else how
        raise InputError(f"{path} is no {kind.name}: it has no {kind.file}; {told}")
    yield from inner


def stored_plan(kind: PlanKind, folder: Path) -> dict[str, Any]:
    """Return a plan as it was written.

    Raises:
        InputError: there is none.
        DamagedArtifactError: it is not what was written.
    """
    path = folder / kind.file
    stored = read_json(path)
    if not isinstance(stored, dict):
        raise DamagedArtifactError(f"{path} holds no {kind.name}; restore it, or run the recipe into the folder again")
    return stored


def read_plan(kind: PlanKind, recipe: type[RecipeT], folder: Path) -> tuple[RecipeT, Mapping[str, str]]:
    """Return the resolved recipe of a table and, by name, the keys of its cells.

    Raises:
        InputError: there is no plan, or that of another version.
        DamagedArtifactError: it is not what was written.
    """
    path, stored = folder / kind.file, stored_plan(kind, folder)
    if stored.get("version") != kind.version:
        version = f"{stored.get('version')!a:.20}"
        raise InputError(f"{path} is of version {version}, this is {kind.version}; run it anew")
    try:
        asked: RecipeT = parse(recipe, stored.get("recipe"), where=str(path))
    except RecipeError as error:
        raise DamagedArtifactError(f"{error}; restore {path}, or run the recipe into the folder again") from error
    keys = stored.get("cells")
    if not isinstance(keys, dict) or not all(isinstance(key, str) and _plain(name) for name, key in keys.items()):
        raise DamagedArtifactError(f"{path} names no cells; run the recipe into the folder again")
    return asked, keys


def _plain(name: str) -> bool:
    """Tell whether a name read from a file stays in its folder."""
    return bool(name) and len(name) < 250 and not set(name) & set("/\\\0") and not name.startswith(".")


def environment_of(folder: Path) -> Mapping[str, Any]:
    """Return versions, commit and device of the last work in a folder; nothing where they were not recorded."""
    path = folder / ENVIRONMENT
    stored = read_json(path) if path.is_file() else {}
    return stored if isinstance(stored, dict) else {}
