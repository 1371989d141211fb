"""A dual encoder as users hold it: one folder with both towers, the temperature and the class prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import Encoder, encode
from threatclip.encoders.towers import tower_state
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list
from threatclip.experiments.bundle_engines import bundle_encoders
from threatclip.experiments.bundles import BundleFiles, opened_bundle, prefixed, write_bundle
from threatclip.pairs.pair import MODALITIES, Modality

KIND = "dual-encoder"
_SIDES = {"view": "view_tower", "text": "text_tower"}
_SCALE = "log_scale"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DualBundle:
    """Two towers in evaluation mode, what the first one reads, and prompts for zero-shot classes.

    `model` is the hash of the bundle's manifest, which names every file's hash: two bundles with one `model` answer
    alike.
    """

    dual: DualEncoder
    modality: Modality
    prompts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    model: str = ""
    encoders: Mapping[str, Encoder] = field(default_factory=dict)  # by side, where `threatclip optimize` chose one

    def view_vectors(self, views: Sequence[bytes]) -> np.ndarray:
        """Return the unit vectors [n, d] of views; in fp32, unless the bundle was optimized."""
        if "view" in self.encoders:
            return self.encoders["view"](views)
        return encode(self.dual.view_tower, views, precision="fp32")

    def text_vectors(self, texts: Sequence[str]) -> np.ndarray:
        """Return the unit vectors [n, d] of captions or prompts; in fp32, unless the bundle was optimized."""
        views = [text.encode("utf-8", "replace") for text in texts]
        if "text" in self.encoders:
            return self.encoders["text"](views)
        return encode(self.dual.text_tower, views, precision="fp32")

    def prototypes(self, prompts: Mapping[str, Sequence[str]] | None = None) -> tuple[tuple[str, ...], np.ndarray]:
        """Return the classes of a catalogue (default: the bundle's own) and one unit vector [c, d] for each.

        Raises:
            InputError: there are no classes, or one has no prompts.
        """
        classes, texts, owners = prompt_list(self.prompts if prompts is None else prompts)
        if not classes:
            raise InputError("this bundle has no class prompts; give some, or train with [prompts] in the recipe")
        return classes, class_prototypes(self.text_vectors(texts), owners, n_classes=len(classes))

    def save(self, folder: Path, *, card: str) -> None:
        """Write the bundle, whole or not at all."""
        tensors: dict[str, np.ndarray] = {_SCALE: self.dual.log_scale.detach().cpu().float().numpy().reshape(1)}
        assets: dict[str, bytes] = {}
        config: dict[str, Any] = {
            "modality": self.modality,
            # a list, since the order of classes is told by nothing else
            "prompts": [{"label": name, "prompts": list(texts)} for name, texts in self.prompts.items()],
            "learn_temperature": self.dual.log_scale.requires_grad,
        }
        for side, name in _SIDES.items():
            state = tower_state(getattr(self.dual, name))
            config[name] = state.config
            tensors |= prefixed(side, state.weights)
            assets |= {f"{side}/{file}": content for file, content in state.assets.items()}
        write_bundle(folder, kind=KIND, config=config, tensors=tensors, assets=assets, card=card)

    @classmethod
    def load(cls, folder: Path) -> DualBundle:
        """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

        Raises:
            InputError: there is no bundle, or it is of another kind.
            DamagedArtifactError: a file was changed, is missing, or does not fit the others.
        """
        with opened_bundle(folder, kind=KIND) as files:
            dual, prompts = _dual(files), files.config["prompts"]
            return cls(
                dual=dual,
                modality=_modality(files.config["modality"]),
                prompts={str(entry["label"]): tuple(map(str, entry["prompts"])) for entry in prompts},
                model=files.model,
                encoders=bundle_encoders(files.folder, {"view": dual.view_tower, "text": dual.text_tower}),
            )


def _dual(files: BundleFiles) -> DualEncoder:
    tensors = files.tensors
    known = tuple(f"{side}." for side in _SIDES)
    stranger = next((name for name in tensors if name != _SCALE and not name.startswith(known)), None)
    if stranger is not None or tensors[_SCALE].shape != (1,):
        raise ValueError(f"weights of no tower: {stranger}, or a temperature that is no number")
    towers = {name: files.tower(name, weights=side, assets=side) for side, name in _SIDES.items()}
    dual = DualEncoder(
        view_tower=towers["view_tower"],
        text_tower=towers["text_tower"],
        learn_temperature=bool(files.config["learn_temperature"]),
    )
    with torch.no_grad():
        dual.log_scale.copy_(torch.from_numpy(tensors[_SCALE])[0])
    return dual.eval()


def _modality(name: str) -> Modality:
    if name not in MODALITIES:
        raise ValueError(f"modality {name!r} is not one of {', '.join(MODALITIES)}")
    return name  # type: ignore[return-value]
