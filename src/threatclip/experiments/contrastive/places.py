"""Paths in a recipe that start from the folder of the data: of pictures beside a table, of pretrained models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from threatclip.encoders.towers import Tower, TowerConfig, build_tower
from threatclip.experiments.contrastive.recipe import Contrastive, FromClip, FromRun, Table
from threatclip.experiments.recipe import File

_MODEL, _PICTURES = "source", "images"
_Settings = TypeVar("_Settings")


def under_root(name: str, root: Path) -> str:
    """Return a path under `root` where there is one of that name, else the name: a path of its own, or a hub id."""
    return str(root / name) if (root / name).exists() else name


def placed_file(file: File, root: Path) -> File:
    """Return a file of a recipe whose source finds its pictures."""
    return file if file.source is None else replace(file, source=_placed(file.source, _PICTURES, root))


def make_tower(config: TowerConfig, root: Path, *, seed: int, texts: list[str]) -> Tower:
    """Make a tower whose source may lie under `root`; it remembers the name in the recipe, not the machine's path.

    Raises:
        InputError: see `build_tower`.
    """
    tower = build_tower(_placed(config, _MODEL, root), seed=seed, texts=texts)
    tower.config = config
    return tower


def input_files(recipe: Contrastive, root: Path) -> list[str]:
    """Return every path under `root` that a recipe reads, models and pictures included."""
    tables = [table for stage in recipe.stages for table in stage.tables]
    files = [*(table.file for table in tables), *recipe.data.vocabulary]
    names = [file.path for file in files]
    names += [found for file in files for found in _names(file.source, _PICTURES)]
    names += [found for tower in (recipe.view_tower, recipe.text_tower) for found in _names(tower, _MODEL)]
    match recipe.start:
        case FromRun(path=path):
            names.append(path)
        case FromClip(source=source):
            names.append(source)
    names += [found for table in tables for found in _split_files(table)]
    return [name for name in dict.fromkeys(names) if (root / name).exists() or name in {file.path for file in files}]


def _split_files(table: Table) -> list[str]:
    return [table.split.path] if table.split is not None and table.split.kind == "fixed" else []


def _names(settings: Any, field: str) -> list[str]:
    value = getattr(settings, field, None)
    return [value] if isinstance(value, str) else []


def _placed(settings: _Settings, field: str, root: Path) -> _Settings:
    value = getattr(settings, field, None)
    return replace(settings, **{field: under_root(value, root)}) if isinstance(value, str) else settings  # type: ignore[type-var]
