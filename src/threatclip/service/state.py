"""What all requests of a service share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from threatclip.pairs.attack_catalogue import Catalogue
from threatclip.service.indexes import Indexes
from threatclip.service.jobs import Jobs
from threatclip.service.keys import Key
from threatclip.service.metrics import Metrics
from threatclip.service.models import Models
from threatclip.service.runs import Runs
from threatclip.service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """The parts of one service; `stopping` is set when it takes no more work."""

    settings: Settings
    keys: tuple[Key, ...]
    metrics: Metrics
    runs: Runs
    models: Models
    jobs: Jobs
    indexes: Indexes
    catalogue: Catalogue | None
    stopping: asyncio.Event
