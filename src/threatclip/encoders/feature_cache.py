"""Features of a frozen pretrained body, kept on disk by what was read and by whom: many runs share one reading."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.towers import ImageTower, Tower, module_weights
from threatclip.errors import ThreatclipError
from threatclip.pairs.images import GRAY

_MIN_ROWS = 64  # fewer are computed sooner than looked up
_MAX_ROWS = 400_000  # kept for one body; the oldest go first
_MAX_BYTES = 512 * 2**20  # likewise
# settings that change nothing of what the body makes of a view
_BEHIND = frozenset({"source", "revision", "dim", "projection", "n_trainable_layers", "trainable_embeddings"})


def cache_folder() -> Path:
    """Return where features are kept: THREATCLIP_CACHE, else the user's cache folder."""
    own = os.environ.get("THREATCLIP_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "threatclip"


def cached_features(
    tower: Tower,
    views: Sequence[bytes],
    *,
    width: int,
    compute: Callable[[Sequence[bytes]], np.ndarray],
) -> np.ndarray:
    """Return the features [n, w] of `views`; only those that this tower's body never read are computed.

    A cache that cannot be read or written is no error: the features are then computed, which is always right.
    """
    path = _path(tower) if len(views) >= _MIN_ROWS else None
    if path is None:
        return compute(views)
    keys = [hashlib.sha256(view).digest() for view in views]
    known = _load(path, width)
    missing = {key: view for key, view in zip(keys, views, strict=True) if key not in known}
    if missing:
        fresh = compute(list(missing.values()))
        known |= dict(zip(missing, fresh, strict=True))
        _store(path, {**_load(path, width), **known})  # another run may have stored others meanwhile
    return np.stack([known[key] for key in keys])


def picture_features(
    tower: ImageTower, views: Sequence[bytes], *, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """Return what the body of `tower` makes of encoded pictures, float32 [n, w]; `project` makes unit vectors of it.

    Kept by the files' own bytes: known pictures are not even decoded. In fp32, since a faster precision is chosen by a
    clock: not the same bytes.

    Args:
        tower: whatever of its body was trained, the cache knows it by its weights.
        views: encoded pictures; an empty one is gray.
        progress: told (rows done, rows in all) of those that are computed.

    Raises:
        ImageFaultError: a picture cannot be read safely.
    """
    encoder = prepare_encoder(tower, precision="fp32")
    gray = encoder.pixels(np.full((1, 3, tower.side, tower.side), GRAY, dtype=np.uint8), output="features")

    def compute(missing: Sequence[bytes]) -> np.ndarray:
        return encoder(missing, output="features", progress=progress)

    return cached_features(tower, views, width=gray.shape[1], compute=compute) if len(views) else gray[:0]


def _path(tower: Tower) -> Path | None:
    try:
        return cache_folder() / "features" / f"{_reader_key(tower)}.safetensors"
    except RuntimeError:  # a user without a home
        return None


def _load(path: Path, width: int) -> dict[bytes, np.ndarray]:
    try:
        kept = read_tensors(path)
        keys, features = kept["keys"], kept["features"]
    except (ThreatclipError, OSError, KeyError):
        return {}
    wanted = (np.dtype(np.uint8), np.dtype(np.float32), (len(keys), 32), (len(keys), width)) if keys.ndim else None
    if (keys.dtype, features.dtype, keys.shape, features.shape) != wanted:
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, features, strict=True)}


def _store(path: Path, known: dict[bytes, np.ndarray]) -> None:
    width = len(next(iter(known.values())))
    newest = list(known.items())[-min(_MAX_ROWS, max(1, _MAX_BYTES // (4 * width))) :]
    keys = np.frombuffer(b"".join(key for key, _ in newest), dtype=np.uint8).reshape(-1, 32)
    with contextlib.suppress(ThreatclipError, OSError):  # a read-only home must not stop a run
        write_tensors(path, {"keys": keys, "features": np.stack([vector for _, vector in newest])})


def _reader_key(tower: Tower) -> str:
    """Return the hash of everything that a feature depends on beside the view."""
    settings = {name: value for name, value in dataclasses.asdict(tower.config).items() if name not in _BEHIND}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, array in sorted(module_weights(tower).items()):
        if not name.startswith("projection."):
            digest.update(f"\x00{name}{array.shape}".encode() + array.tobytes())
    for name, content in sorted(tower.assets().items()):
        digest.update(f"\x00{name}".encode() + content)
    return digest.hexdigest()
