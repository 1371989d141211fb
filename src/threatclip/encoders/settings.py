"""Limits that towers of every kind set on their numbers: a clear refusal instead of a failure deep inside torch."""

from __future__ import annotations

from threatclip.errors import InputError


def check_at_least(least: int, *, kind: str, **values: int) -> None:
    """Refuse the first of `values` that is below `least`.

    Raises:
        InputError: see above.
    """
    for name, value in values.items():
        if value < least:
            raise InputError(f"{name} = {value} of a {kind} tower; choose at least {least}")


def check_share(*, kind: str, **values: float) -> None:
    """Refuse the first of `values` that is no share in [0, 1), of activations or bytes to drop.

    Raises:
        InputError: see above.
    """
    for name, value in values.items():
        if not 0 <= value < 1:
            raise InputError(f"{name} = {value} of a {kind} tower; choose 0 to below 1")


def check_heads(*, kind: str, width: int, heads: int) -> None:
    """Refuse heads that do not share the width evenly.

    Raises:
        InputError: see above.
    """
    check_at_least(1, kind=kind, heads=heads)
    if width % heads:
        raise InputError(f"width {width} of a {kind} tower is not a multiple of heads = {heads}")
