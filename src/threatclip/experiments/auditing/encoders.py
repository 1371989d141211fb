"""Where an audit takes its vectors from: a dual encoder, or MiniLM for texts beside texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from threatclip.errors import InputError
from threatclip.pairs.pair import Modality

MINILM = "minilm"


class PairEncoder(Protocol):
    """Unit vectors of both halves of pairs, in one space."""

    @property
    def name(self) -> str:
        """What it is: two encoders of one name give the same vectors."""

    @property
    def dim(self) -> int:
        """Components of a vector."""

    def views(self, views: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a view."""

    def captions(self, captions: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a caption."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleEncoder:
    """The two towers of a bundle."""

    bundle: Any
    dim: int

    @property
    def name(self) -> str:
        """The hash of the bundle's manifest."""
        return f"bundle {self.bundle.model}"

    def views(self, views: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a view."""
        vectors: np.ndarray = self.bundle.view_vectors(views)
        return vectors

    def captions(self, captions: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a caption."""
        vectors: np.ndarray = self.bundle.text_vectors(captions)
        return vectors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextEncoder:
    """One text tower for both halves: it learned nothing from the audited pairs."""

    tower: Any
    name: str
    dim: int

    def views(self, views: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a view."""
        from threatclip.encoders.encode import encode

        return encode(self.tower, views, precision="fp32")

    def captions(self, captions: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a caption."""
        return self.views([caption.encode("utf-8", "replace") for caption in captions])


def open_encoder(model: str, *, modality: Modality, table: Path) -> PairEncoder:
    """Return the encoder that `model` names: a run, a bundle, or "minilm".

    Raises:
        InputError: no such model, or one that reads other views than `table` holds.
        DamagedArtifactError: the model is not what was written.
    """
    if model == MINILM and not Path(model).is_dir():
        return _minilm(modality, table)
    from threatclip.experiments.contrastive.bundle import DualBundle

    bundle = DualBundle.load(Path(model))
    if bundle.modality != modality:
        raise InputError(
            f"{table} holds {modality} pairs; the model {model} reads {bundle.modality}s: give one that reads its views"
        )
    return BundleEncoder(bundle=bundle, dim=bundle.dual.view_tower.dim)


def _minilm(modality: Modality, table: Path) -> TextEncoder:
    if modality != "text":
        raise InputError(f"{table} holds {modality} pairs; minilm reads texts only: give a dual encoder of {modality}s")
    from threatclip.encoders.hub import MINILM_SHA256
    from threatclip.encoders.pretrained import PretrainedTower, build_pretrained

    tower = build_pretrained(PretrainedTower(source=MINILM)).eval()
    return TextEncoder(tower=tower, name=f"{MINILM} {MINILM_SHA256['model.safetensors']}", dim=tower.dim)
