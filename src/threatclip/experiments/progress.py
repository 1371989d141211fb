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


@dataclass(slots=True, kw_only=True)
class Counted:
    """Tells with every call that one more unit of a stage is finished."""

    stage: str
    total: int
    on_progress: OnProgress
    done: int = 0

    def __call__(self) -> None:
        """Count one."""
        self.done += 1
        self.on_progress(Progress(stage=self.stage, done=self.done, total=self.total))


def ignore(_: Progress) -> None:
    """Tell nobody."""
