"""A tab of a real browser that remembers what must not happen in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tab:
    """A tab, and whatever ran, failed or was asked of others in it: nothing, where pages are safe."""

    page: Any
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        """Go to a page and return it."""
        self.page.goto(path)
        return self.page
