"""What of a pretrained tower trains: all of it, its last layers and what follows them, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn

from threatclip.errors import InputError


def check_freezing(n_trainable_layers: int | None, *, frozen: bool, kind: str) -> None:
    """Refuse settings that contradict each other.

    Raises:
        InputError: see above.
    """
    if n_trainable_layers is not None and n_trainable_layers < 0:
        raise InputError(f"n_trainable_layers = {n_trainable_layers} of a {kind} tower; choose at least 0")
    if frozen and n_trainable_layers:
        raise InputError(f"a {kind} tower is frozen, yet n_trainable_layers = {n_trainable_layers}; leave one out")


def freeze(
    tower: nn.Module,
    *,
    before: Sequence[nn.Module | nn.Parameter],
    layers: Sequence[nn.Module],
    n_trainable_layers: int | None,
    frozen: bool,
) -> list[nn.Module]:
    """Take the gradient from the first layers and what comes before them; return the modules that stand still.

    Args:
        tower: the whole of it; what is neither in `before` nor in `layers`, the projection, always trains.
        before: what a row passes before the first layer.
        layers: first to last.
        n_trainable_layers: counted from the last; None trains everything, 0 only the projection.
        frozen: nothing trains.

    Raises:
        InputError: more layers asked for than there are.
    """
    tower.requires_grad_(not frozen)
    if frozen:
        return list(tower.children())
    if n_trainable_layers is None:
        return []
    if n_trainable_layers > len(layers):
        raise InputError(f"n_trainable_layers = {n_trainable_layers}, but the tower has {len(layers)}; lower it")
    still = [*before, *layers[: len(layers) - n_trainable_layers]]
    for part in still:
        part.requires_grad_(False)
    return [part for part in still if isinstance(part, nn.Module)]


def with_last(layers: Iterable[nn.Module], norm: nn.Module | None) -> list[nn.Module]:
    """Return layers of which the last one has the norm behind it: they freeze together."""
    *first, last = layers
    return [*first, last if norm is None else nn.ModuleList([last, norm])]


def rest(modules: Iterable[nn.Module]) -> None:
    """Put what is frozen into evaluation mode, as it is used: call it after `train`."""
    for module in modules:
        module.eval()
