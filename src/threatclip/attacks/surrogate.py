"""The model that a white-box attacker has: a dual encoder of the victim's kind, frozen, open down to its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from threatclip.errors import InputError

if TYPE_CHECKING:
    from threatclip.encoders.dual import DualEncoder
    from threatclip.encoders.towers import Tower

_CHUNK_ROWS = 256


class Surrogate(Protocol):
    """What a white-box attack asks of a model; every row returned has unit length."""

    @property
    def temperature(self) -> float:
        """What divides cosines in the model's own contrastive loss."""

    def read_pictures(self, views: Sequence[bytes]) -> UInt8[Tensor, "n 3 s s"]:
        """Return encoded pictures as the model reads them.

        Raises:
            InputError: the model reads no pictures.
        """

    def encode_views(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Encode pictures in [0, 1]; gradients flow back to `pixels`."""

    def encode_bytes(self, views: Sequence[bytes]) -> Float[Tensor, "n d"]:
        """Encode views as they lie in a pair table, without gradients."""

    def encode_texts(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Encode captions, without gradients."""


def needed(surrogate: Surrogate | None, *, what: str) -> Surrogate:
    """Return the surrogate.

    Raises:
        InputError: there is none.
    """
    if surrogate is None:
        raise InputError(f"{what} is made by looking into a model; give a surrogate")
    return surrogate


class DualSurrogate:
    """A dual encoder as a surrogate: in evaluation mode while it is asked, its weights without gradients throughout.

    Batch normalization therefore uses its running statistics, and nothing of the model changes [Liang 2024, sec. 4].
    """

    def __init__(self, dual: DualEncoder) -> None:
        self._dual = dual.eval().requires_grad_(False)

    @property
    def temperature(self) -> float:
        """What divides cosines in the model's own contrastive loss."""
        return float(self._dual.temperature)

    def read_pictures(self, views: Sequence[bytes]) -> UInt8[Tensor, "n 3 s s"]:
        """Return encoded pictures as the model reads them, on its device.

        Raises:
            InputError: the model reads no pictures.
        """
        tower = self._dual.view_tower
        batch = tower.collate(views)
        if "pixels" not in batch:
            raise InputError(f"the surrogate's views are {tower.config.kind}, not pictures; give a model of pictures")
        return batch["pixels"].to(next(tower.parameters()).device)

    def encode_views(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Encode pictures in [0, 1]; gradients flow back to `pixels`."""
        rows: Tensor = self._dual.view_tower(pixels=pixels)
        return rows

    def encode_bytes(self, views: Sequence[bytes]) -> Float[Tensor, "n d"]:
        """Encode views as they lie in a pair table, without gradients."""
        return _encode(self._dual.view_tower, views)

    def encode_texts(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Encode captions, without gradients."""
        return _encode(self._dual.text_tower, [text.encode() for text in texts])


@torch.no_grad()
def _encode(tower: Tower, views: Sequence[bytes]) -> Float[Tensor, "n d"]:
    device = next(tower.parameters()).device
    rows = []
    for start in range(0, len(views), _CHUNK_ROWS):
        batch = tower.pad(tower.tokenize(views[start : start + _CHUNK_ROWS]))
        rows.append(tower(**{name: tensor.to(device) for name, tensor in batch.items()}))
    return torch.cat(rows) if rows else torch.empty(0, tower.dim, device=device)
