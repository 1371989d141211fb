"""Limits that towers of every kind set on their numbers: a clear refusal instead of a failure deep inside torch."""

from __future__ import annotations

from threatclip.errors import InputError

MOST_CHANNELS = 8_192  # of any layer: more than any published encoder has
MOST_LAYERS = 256


def check_at_least(least: int, *, kind: str, **values: int) -> None:
    """Refuse the first of `values` that is below `least`.

    Raises:
        InputError: see above.
    """
    for name, value in values.items():
        if value < least:
            raise InputError(f"{name} = {value} of a {kind} tower; choose at least {least}")


def check_channels(*, kind: str, **values: int) -> None:
    """Refuse the first of `values` that no layer has as its width.

    Raises:
        InputError: see above.
    """
    for name, value in values.items():
        if not 1 <= value <= MOST_CHANNELS:
            raise InputError(f"{name} = {value} of a {kind} tower; choose 1 to {MOST_CHANNELS}")


def check_layers(least: int, *, kind: str, **values: int) -> None:
    """Refuse the first of `values` that is below `least` or more layers than any encoder has.

    Raises:
        InputError: see above.
    """
    for name, value in values.items():
        if not least <= value <= MOST_LAYERS:
            raise InputError(f"{name} = {value} of a {kind} tower; choose {least} to {MOST_LAYERS}")


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
