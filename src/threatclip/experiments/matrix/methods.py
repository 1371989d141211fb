"""From the table of a recipe to the defense it means, checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from threatclip.errors import RecipeError
from threatclip.experiments.config import parse
from threatclip.experiments.matrix.recipe import (
    DefenseLine,
    DetectorLine,
    FilterLine,
    Matrix,
    RepairLine,
    ScannerLine,
    TrainingLine,
)
from threatclip.pairs.pair import Modality

Room = Literal["repairs", "filters", "trainings", "detectors", "scanners"]


def members(room: Room) -> Mapping[str, Any]:
    """Return the defenses of one room by kind."""
    match room:
        case "repairs":
            from threatclip.defenses.repairs import REPAIRS

            return REPAIRS
        case "filters":
            from threatclip.defenses.filters import FILTERS

            return FILTERS
        case "trainings":
            from threatclip.defenses.trainings import TRAININGS

            return TRAININGS
        case "detectors":
            from threatclip.defenses.detectors import DETECTORS

            return DETECTORS
        case "scanners":
            from threatclip.defenses.scanners import SCANNERS

            return SCANNERS


def method(room: Room, table: Mapping[str, Any], *, where: str) -> Any:
    """Return the defense that a table means.

    Raises:
        RecipeError: no such kind, an unknown key, or a value that is wrong.
    """
    known, kind = members(room), table.get("kind")
    if not isinstance(kind, str) or kind not in known:
        raise RecipeError(f"{where}: kind {kind!r} is not one of {', '.join(known)}")
    return parse(known[kind], table, where=where)


def room_of(line: DefenseLine) -> tuple[Room, dict[str, Any]]:
    """Return where a line's defense is found, and its table."""
    match line:
        case RepairLine():
            return "repairs", line.repair
        case FilterLine():
            return "filters", line.filter
        case TrainingLine():
            return "trainings", line.training
        case DetectorLine():
            return "detectors", line.detector
        case ScannerLine():
            return "scanners", line.scanner


def check_methods(matrix: Matrix, modality: Modality, *, where: str) -> None:
    """Refuse a defense that is none, or that cannot read the sweep's views: before hours of work, not after.

    Raises:
        RecipeError: see above.
    """
    for line in matrix.defenses():
        room, table = room_of(line)
        found = method(room, table, where=f"{where}: {line.name}")
        if modality not in found.modalities:
            readable = ", ".join(found.modalities)
            raise RecipeError(
                f"{where}: {line.name} defends {readable} views, the sweep's are {modality}; leave it out"
            )
