"""Features of a tower whose body is frozen: computed once, kept on disk by content, and only the projection trains."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from threatclip.encoders.encode import Encoder, prepare_encoder
from threatclip.encoders.feature_cache import cached_features
from threatclip.encoders.towers import Tower, view_modality
from threatclip.errors import InputError
from threatclip.seeds import rng
from threatclip.training.dual.augment import draw_shown, show
from threatclip.training.dual.prepared import Column, Encoded, Features, Pixels, TokenRows
from threatclip.training.dual.settings import Augmentation

_PIXEL_ROWS = 256  # shown at a time


def read_features(tower: Tower, column: Column, augmentation: Augmentation, *, readings: int, seed: int) -> Features:
    """Return the features of every row, each read `readings` times: plain first, then as `augmentation` shows it.

    In fp32, so that the same rows give the same bytes on one machine whatever else is asked for.

    Raises:
        InputError: more readings are asked for than there are ways to show a row.
    """
    if readings > 1 and not (view_modality(tower) == "image" and augmentation.changes_pictures):
        raise InputError(
            f"frozen_readings = {readings} needs pictures and an augmentation that changes them; set it to 1"
        )
    device = next(tower.parameters()).device
    plain = _cached(tower, column, None, device)
    rest = [
        _cached(tower, column, draw_shown(len(column), augmentation, rng(seed, f"contrastive/readings/{n}")), device)
        for n in range(1, readings)
    ]
    return Features(values=np.stack([plain, *rest], axis=1))


def _cached(tower: Tower, column: Column, shown: np.ndarray | None, device: torch.device) -> np.ndarray:
    """Return features [m, w] of rows, each as `shown` has it."""
    if not len(column) or not _is_published(tower):
        return _computed(tower, column, np.arange(len(column)), shown, device)
    keys = [
        hashlib.sha256(content if shown is None else content + shown[row].tobytes()).digest()
        for row, content in enumerate(_contents(column))
    ]
    place = {key: row for row, key in enumerate(keys)}

    def compute(missing: Sequence[bytes]) -> np.ndarray:
        return _computed(tower, column, np.array([place[key] for key in missing]), shown, device)

    return cached_features(tower, keys, width=compute(keys[:1]).shape[1], compute=compute)


def _is_published(tower: Tower) -> bool:
    """Tell whether the body is one that many runs share: of those that a run made, the disk would fill up."""
    return getattr(tower.config, "source", None) is not None and not getattr(tower.config, "n_trainable_layers", 0)


def _contents(column: Column) -> Iterator[bytes]:
    match column:
        case Pixels():
            yield from (row.tobytes() for row in column.values)
        case TokenRows():
            yield from (np.asarray(row, dtype=np.int64).tobytes() for row in column.rows)
        case Encoded():
            yield from column.views
        case Features():
            raise InputError("these rows are features already; there is nothing to read")


def _computed(
    tower: Tower, column: Column, rows: np.ndarray, shown: np.ndarray | None, device: torch.device
) -> np.ndarray:
    """Return features [r, w] of some rows."""
    # a faster precision is chosen by a clock: not the same bytes
    encoder = prepare_encoder(tower, precision="fp32")
    match column:
        case Encoded():
            views = [column.views[row] for row in rows.tolist()]
            return encoder(views, output="features") if shown is None else _shown(encoder, views, shown[rows], device)
        case Pixels():
            pixels = column.values[rows]
            return encoder.pixels(
                pixels if shown is None else _as_shown(pixels, shown[rows], device), output="features"
            )
        case TokenRows():
            return encoder.tokens([column.rows[row] for row in rows.tolist()], output="features")
        case Features():
            raise InputError("these rows are features already; there is nothing to read")


def _shown(encoder: Encoder, views: Sequence[bytes], shown: np.ndarray, device: torch.device) -> np.ndarray:
    """Return features of pictures as `shown` has them, decoding a few at a time."""
    parts = []
    for start in range(0, len(views), _PIXEL_ROWS):
        part = slice(start, start + _PIXEL_ROWS)
        pixels = np.stack(encoder.tower.tokenize(views[part]))
        parts.append(encoder.pixels(_as_shown(pixels, shown[part], device), output="features"))
    return np.concatenate(parts)


def _as_shown(pixels: np.ndarray, shown: np.ndarray, device: torch.device) -> np.ndarray:
    """Return pictures, uint8 again, as `shown` has them."""
    out = np.empty_like(pixels)
    for start in range(0, len(pixels), _PIXEL_ROWS):
        part = slice(start, start + _PIXEL_ROWS)
        seen = show(torch.from_numpy(pixels[part]).to(device), torch.from_numpy(shown[part]).to(device))
        out[part] = seen.mul(255).round().to(torch.uint8).cpu().numpy()
    return out
