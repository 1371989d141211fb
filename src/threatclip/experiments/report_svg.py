"""The few parts of SVG that the plots of a report are drawn with; every text and attribute is escaped.

Colors are classes (`of-model`, `of-other`, `grid` ...) that the page's style sheet paints, in light and in dark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from threatclip.experiments.report_text import visible

TEXT_WIDTH = 6.9  # pixels that a character takes at most on average, at the plots' 12 pixel font
_LEAST_SHRINK = 0.75  # on a narrow screen a drawing scrolls rather than become too small to read
_ELLIPSIS = "…"


def element(name: str, /, *children: str, **attributes: str | float) -> Markup:
    """Return one element; `class_` stands for class and `_` for a hyphen in attribute names."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _written(value))
        for key, value in attributes.items()
    )
    inner = Markup("").join(child if isinstance(child, Markup) else visible(child) for child in children)
    return Markup("<{}{}>{}</{}>").format(name, written, inner, name)


def _written(value: str | float) -> str:
    return visible(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def drawing(width: float, height: float, *children: str, key: str, title: str, description: str) -> Markup:
    """Return a whole drawing, told to screen readers by its title and description; `key` makes its ids unique."""
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", description, id=f"{key}-desc"),
        *children,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=math.ceil(width),
        height=math.ceil(height),
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        class_="plot",
        style=f"min-width: {_LEAST_SHRINK * width:.0f}px",
        xmlns="http://www.w3.org/2000/svg",
    )


def text(x: float, y: float, content: str, *, anchor: str = "start", kind: str = "") -> Markup:
    """Return a text whose base line is at `y`; `anchor` is start, middle or end."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=kind)


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def shortened(label: str, characters: int) -> str:
    """Return a label cut to so many characters; the drawing keeps the whole one in a tool tip."""
    return label if len(label) <= characters else label[: characters - 1] + _ELLIPSIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear map of values `low`..`high` to coordinates `start`..`end`; values outside land on the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, at_most: int = 6) -> list[float]:
        """Return round values from `low` to `high`, at most so many."""
        steps = (factor * 10.0**power for power in range(-3, 9) for factor in (1, 2, 2.5, 5))
        step = next(step for step in steps if (self.high - self.low) / step <= at_most - 1 + 1e-9)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def fraction_range(values: list[float]) -> tuple[float, float]:
    """Return the least range of whole tenths that holds all values and is at least 0.2 wide; 0 to 1 without values."""
    if not values:
        return 0.0, 1.0
    low, high = math.floor(min(values) * 10 + 1e-9) / 10, math.ceil(max(values) * 10 - 1e-9) / 10
    low = min(low, max(high - 0.2, 0.0))
    return low, max(high, low + 0.2)
