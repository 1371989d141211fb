"""The files that every kind of bundle has, written whole and read after their hashes were checked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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
from threatclip.encoders.towers import Tower, TowerState, load_tower
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.run_folder import bundle_folder

_CONFIG, _WEIGHTS, _CARD, _ASSETS = "config.json", "weights.safetensors", "README.md", "assets"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleFiles:
    """What the folder of a bundle holds; `config` and `tensors` are read, the rest lies in `folder`."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]

    @property
    def model(self) -> str:
        """The hash of the manifest, which names every file's hash: bundles with one `model` answer alike."""
        return sha256_file(self.folder / MANIFEST)

    def read(self, name: str) -> Any:
        """Return one of its JSON files."""
        return read_json(self.folder / name)

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the tensors whose names start with `prefix.`, by the rest of their names."""
        return under(prefix, self.tensors)

    def assets(self, name: str = "") -> dict[str, bytes]:
        """Return the files of one folder of assets, by name."""
        files = sorted(path for path in (self.folder / _ASSETS / name).glob("*") if path.is_file())
        return {path.name: path.read_bytes() for path in files}

    def tower(self, settings: str, *, weights: str, assets: str = "") -> Tower:
        """Return a tower: its key in the configuration, the prefix of its tensors, the folder of its assets."""
        state = TowerState(config=self.config[settings], weights=self.under(weights), assets=self.assets(assets))
        return load_tower(state)


@contextlib.contextmanager
def opened_bundle(folder: Path, *, kind: str) -> Iterator[BundleFiles]:
    """Yield the files of a bundle, or of the bundle of a run folder, after every file's hash was checked.

    What the block raises because the files do not fit each other becomes a DamagedArtifactError.

    Raises:
        InputError: there is no bundle, or it is of another kind.
        DamagedArtifactError: a file was changed, is missing, or does not fit the others.
    """
    folder = bundle_folder(folder)
    found = verify_manifest(folder).get("kind")
    if found != kind:
        raise InputError(f"{folder} is a bundle of kind {found!r}, not {kind!r}")
    files = BundleFiles(folder=folder, config=read_json(folder / _CONFIG), tensors=read_tensors(folder / _WEIGHTS))
    try:
        yield files
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, InputError) as error:
        raise DamagedArtifactError(f"{folder} is not a whole bundle ({error!r}); train it anew") from error


def write_bundle(
    folder: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    assets: Mapping[str, bytes],
    card: str,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write a bundle, whole or not at all.

    Args:
        folder: what is to hold it.
        kind: of the bundle.
        config: of its parts, as JSON; kind and version are added.
        tensors: weights and other arrays, by name.
        assets: other files of its parts, by their paths under `assets`.
        card: for people, as Markdown.
        texts: further files, by name.

    Raises:
        InputError: `folder` exists and is not a bundle.
        StorageError: the disk refused.
    """
    stamp = {"kind": kind, "version": __version__}
    with atomic_folder(folder, manifest=stamp) as part:
        write_json(part / _CONFIG, {**stamp, **config})
        write_tensors(part / _WEIGHTS, tensors)
        write_text(part / _CARD, card)
        for name, text in (texts or {}).items():
            write_text(part / name, text)
        for name, content in assets.items():
            path = part / _ASSETS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays as tensors of a bundle, their names behind `prefix.`."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def under(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what `prefixed` got: the arrays whose names start with `prefix.`, by the rest of their names."""
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
