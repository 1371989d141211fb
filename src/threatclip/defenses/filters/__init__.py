"""Filters: score pairs before training. New filter = one file + one `|` in `Filter` below.

Each is a frozen dataclass of its paper's parameters (`defenses/contracts.py`). Recipes, `threatclip list filters` and
the contract tests read the union.
"""

from __future__ import annotations

from typing import Any, get_args

from threatclip.defenses.filters.agreement import Agreement
from threatclip.defenses.filters.bursts import Bursts
from threatclip.defenses.filters.dao import Dao
from threatclip.defenses.filters.k_dist import KDist
from threatclip.defenses.filters.mixture import Mixture
from threatclip.defenses.filters.novelty import Novelty
from threatclip.defenses.filters.relevance import Relevance
from threatclip.defenses.filters.slof import Slof
from threatclip.defenses.filters.spectral import Spectral

Filter = Relevance | KDist | Slof | Dao | Novelty | Mixture | Spectral | Bursts | Agreement
FILTERS: dict[str, Any] = {member.__dataclass_fields__["kind"].default: member for member in get_args(Filter)}
