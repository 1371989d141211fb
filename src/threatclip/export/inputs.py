"""What the answers were given on, where it may go out with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from threatclip.pairs.pair import Modality, Pair

PAYLOAD_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One input: its bytes, what they are, when and where it was seen; `origin` is the report a sentence stands in."""

    modality: Modality
    view: bytes
    time: datetime | None = None
    origin: str | None = None


def seen_of(pair: Pair, modality: Modality) -> Seen:
    """Return the input that a pair's view is."""
    origin = pair.meta.get("report") or pair.group
    return Seen(modality=modality, view=pair.view, time=pair.time, origin=origin)
