"""Repairs: make a better model of a suspect one by trusted pairs. New repair = one file + one `|` in `Repair` below.

Each is a frozen dataclass of its paper's parameters (`defenses.contracts.Repair`); the budget of training is an
argument, the same for all. Recipes, `threatclip list repairs`, the table in docs/repairs.md and the contract tests read
the union.
"""

from __future__ import annotations

from typing import Any, get_args

from threatclip.defenses.repairs.abd import Abd
from threatclip.defenses.repairs.anchored_unlearning import AnchoredUnlearning
from threatclip.defenses.repairs.clean_clip import CleanClip
from threatclip.defenses.repairs.fine_tuning import FineTuning
from threatclip.defenses.repairs.par import Par
from threatclip.defenses.repairs.shrink_perturb import ShrinkPerturb
from threatclip.defenses.repairs.ta_cleaner import TaCleaner

Repair = FineTuning | CleanClip | Par | ShrinkPerturb | Abd | TaCleaner | AnchoredUnlearning
REPAIRS: dict[str, Any] = {repair.__dataclass_fields__["kind"].default: repair for repair in get_args(Repair)}
