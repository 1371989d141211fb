"""A dual encoder as users hold it: one folder with both towers, the temperature and the class prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from threatclip import __version__
from threatclip.artifacts import (
    MANIFEST,
    atomic_folder,
    read_json,
    read_tensors,
    sha256_file,
    verify_manifest,
    write_json,
    write_tensors,
    write_text,
)
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import Encoder, encode
from threatclip.encoders.towers import TowerState, load_tower, tower_state
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list
from threatclip.experiments.bundle_engines import bundle_encoders
from threatclip.experiments.run_folder import bundle_folder
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
            "kind": KIND,
            "version": __version__,
            "modality": self.modality,
            # a list, since the order of classes is told by nothing else
            "prompts": [{"label": name, "prompts": list(texts)} for name, texts in self.prompts.items()],
            "learn_temperature": self.dual.log_scale.requires_grad,
        }
        for side, name in _SIDES.items():
            state = tower_state(getattr(self.dual, name))
            config[name] = state.config
            tensors |= {f"{side}.{key}": array for key, array in state.weights.items()}
            assets |= {f"{side}/{file}": content for file, content in state.assets.items()}
        with atomic_folder(folder, manifest={"kind": KIND, "version": __version__}) as part:
            write_json(part / "config.json", config)
            write_tensors(part / "weights.safetensors", tensors)
            write_text(part / "README.md", card)
            for file, content in assets.items():
                (part / "assets" / file).parent.mkdir(parents=True, exist_ok=True)
                (part / "assets" / file).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> DualBundle:
        """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

        Raises:
            InputError: there is no bundle, or it is of another kind.
            DamagedArtifactError: a file was changed, is missing, or does not fit the others.
        """
        folder = bundle_folder(folder)
        manifest = verify_manifest(folder)
        if manifest.get("kind") != KIND:
            raise InputError(f"{folder} is a bundle of kind {manifest.get('kind')!r}, not {KIND!r}")
        config = read_json(folder / "config.json")
        tensors = read_tensors(folder / "weights.safetensors")
        try:
            dual = _dual(folder, config, tensors)
            return cls(
                dual=dual,
                modality=_modality(config["modality"]),
                prompts={str(entry["label"]): tuple(map(str, entry["prompts"])) for entry in config["prompts"]},
                model=sha256_file(folder / MANIFEST),
                encoders=bundle_encoders(folder, {"view": dual.view_tower, "text": dual.text_tower}),
            )
        except (KeyError, TypeError, AttributeError, ValueError, InputError) as error:
            raise DamagedArtifactError(f"{folder} is not a whole bundle ({error!r}); train it anew") from error


def _dual(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> DualEncoder:
    known = tuple(f"{side}." for side in _SIDES)
    stranger = next((name for name in tensors if name != _SCALE and not name.startswith(known)), None)
    if stranger is not None or tensors[_SCALE].shape != (1,):
        raise ValueError(f"weights of no tower: {stranger}, or a temperature that is no number")
    towers = {
        name: load_tower(
            TowerState(
                config=config[name],
                weights={
                    key.removeprefix(f"{side}."): array for key, array in tensors.items() if key.startswith(f"{side}.")
                },
                assets={path.name: path.read_bytes() for path in sorted((folder / "assets" / side).glob("*"))},
            )
        )
        for side, name in _SIDES.items()
    }
    dual = DualEncoder(
        view_tower=towers["view_tower"],
        text_tower=towers["text_tower"],
        learn_temperature=bool(config["learn_temperature"]),
    )
    with torch.no_grad():
        dual.log_scale.copy_(torch.from_numpy(tensors[_SCALE])[0])
    return dual.eval()


def _modality(name: str) -> Modality:
    if name not in MODALITIES:
        raise ValueError(f"modality {name!r} is not one of {', '.join(MODALITIES)}")
    return name  # type: ignore[return-value]
