"""Progress as data: what a long piece of work tells whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of `total` units of `stage` are finished; `facts` are its latest figures, such as the loss."""

    stage: str
    done: int
    total: int
    facts: Mapping[str, float] = field(default_factory=dict)


OnProgress = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Tell nobody."""
