"""Checks of a recipe's values: each refuses with the setting's name, its value and what it must be."""

from __future__ import annotations

import math
from collections import Counter

from threatclip.errors import RecipeError


def check(name: str, value: object, fine: bool, wanted: str) -> None:
    """Refuse `value` of the setting `name` unless it is `fine`; `wanted` ends the sentence "it must be"."""
    if not fine:
        raise RecipeError(f"{name} is {value!r}; it must be {wanted}")


def at_least(settings: object, least: int, *names: str) -> None:
    """Refuse settings below `least`; None passes."""
    for name in names:
        value = getattr(settings, name)
        check(name, value, value is None or value >= least, f"at least {least}")


def positive(settings: object, *names: str) -> None:
    """Refuse settings that are not finite and above 0."""
    for name in names:
        value = getattr(settings, name)
        check(name, value, 0 < value < math.inf, "above 0")


def not_negative(settings: object, *names: str) -> None:
    """Refuse settings that are not finite and 0 or more."""
    for name in names:
        value = getattr(settings, name)
        check(name, value, 0 <= value < math.inf, "0 or more")


def fraction(settings: object, *names: str) -> None:
    """Refuse settings outside [0, 1]."""
    for name in names:
        value = getattr(settings, name)
        check(name, value, 0 <= value <= 1, "in [0, 1]")


def distinct(name: str, values: tuple[str, ...]) -> None:
    """Refuse a value that stands twice."""
    twice = next((value for value, count in Counter(values).items() if count > 1), None)
    check(name, twice, twice is None, "named once")
