"""Trainings: learn from suspect pairs so that planted ones take less. New one = one file + one `|` in `Training` below.

Each is a frozen dataclass of its paper's parameters (`defenses.contracts.Training`); the budget of training is an
argument. Recipes, `threatclip list trainings`, the table in docs/trainings.md and the contract tests read the union.
"""

from __future__ import annotations

from typing import Any, get_args

from threatclip.defenses.trainings.roclip import RoClip
from threatclip.defenses.trainings.safeclip import SafeClip

Training = RoClip | SafeClip
TRAININGS: dict[str, Any] = {training.__dataclass_fields__["kind"].default: training for training in get_args(Training)}
