"""Vectors that somebody computed before: a safetensors or npz file of four arrays, in the order of the tables' rows."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from threatclip.artifacts import atomic_path, check_safetensors_header, reading_errors
from threatclip.errors import DamagedArtifactError, InputError

PAIR_NAMES, TRUSTED_NAMES = ("views", "captions"), ("trusted_views", "trusted_captions")
MAX_DIM = 65_536
_BLOCK_ROWS = 8192

Rows = Callable[[int, int], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One array of a file: its shape, and a reader of its rows from..to."""

    shape: tuple[int, int]
    rows: Rows


@contextmanager
def given_vectors(path: Path) -> Iterator[Mapping[str, Given]]:
    """Open a file of vectors; only what is asked for is read (of npz: whole arrays).

    Raises:
        InputError: no such file, another format, or arrays that are no vectors.
        DamagedArtifactError: the file is broken, or holds a pickle.
    """
    if path.suffix == ".npz":
        yield _npz(path)
    elif path.suffix == ".safetensors":
        yield from _safetensors(path)
    else:
        raise InputError(f"vectors {path}: the name ends with neither .safetensors nor .npz; write one of these")


def _safetensors(path: Path) -> Iterator[Mapping[str, Given]]:
    check_safetensors_header(path)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
            yield {
                name: Given(
                    shape=_checked(path, name, one.get_shape(), one.get_dtype() in ("F16", "F32", "F64")),
                    rows=functools.partial(_slice_rows, one),
                )
                for name, one in slices.items()
                if name in (*PAIR_NAMES, *TRUSTED_NAMES)
            }
    except (SafetensorError, TypeError) as error:
        raise DamagedArtifactError(f"{path} is not a whole safetensors file ({error}); write it anew") from error


def _slice_rows(rows: Any, start: int, end: int) -> np.ndarray:
    found: np.ndarray = rows[start:end]
    return found


def _npz(path: Path) -> Mapping[str, Given]:
    given = {}
    with reading_errors(path):
        try:
            with zipfile.ZipFile(path) as archive:
                for name in (*PAIR_NAMES, *TRUSTED_NAMES):
                    if f"{name}.npy" in archive.namelist():
                        given[name] = _npy(path, archive, name)
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            raise DamagedArtifactError(f"{path} is not a whole npz file ({error}); write it anew") from error
    return given


def _npy(path: Path, archive: zipfile.ZipFile, name: str) -> Given:
    """Read one array whose header was looked at first: an object array would be a pickle, a shape could be a bomb."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        try:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            found, _, kind = read(stream)
        except (ValueError, EOFError) as error:
            raise DamagedArtifactError(f"{path}: {name} is no numpy array ({error}); write it anew") from error
        shape = _checked(path, name, found, kind.kind == "f" and kind.itemsize <= 8)
        if entry.file_size > shape[0] * shape[1] * kind.itemsize + 4096:
            raise DamagedArtifactError(f"{path}: {name} is larger than its shape {list(shape)}; write it anew")
    with archive.open(entry) as stream:
        try:
            array = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:
            raise DamagedArtifactError(f"{path}: {name} cannot be read ({error}); write it anew") from error
    return Given(shape=shape, rows=functools.partial(_slice_rows, array))


def _checked(path: Path, name: str, shape: Any, is_float: bool) -> tuple[int, int]:
    found = tuple(shape)
    if len(found) != 2 or not 1 <= found[1] <= MAX_DIM or not is_float:
        raise InputError(f"{path}: {name} has shape {list(found)[:4]}; want floats [rows, dim], dim up to {MAX_DIM:,}")
    return found


def unit_rows(
    given: Mapping[str, Given],
    names: tuple[str, str],
    *,
    path: Path,
    n_rows: int,
    rows: Int[np.ndarray, " n"],
    folder: Path,
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
    """Return the vectors of some rows of a table, views and captions, scaled to length 1 and mapped from `folder`.

    Args:
        given: what the file at `path` holds.
        names: of the two arrays.
        path: of the file, for messages.
        n_rows: of the table.
        rows: those wanted, ascending.
        folder: where the scaled vectors go.

    Raises:
        InputError: an array is missing, has not a row for each of the table's, or a vector has no direction.
    """
    for name in names:
        if name not in given:
            raise InputError(f"{path} holds no array {name!r}; it must hold {' and '.join(names)}")
        if given[name].shape[0] != n_rows:
            raise InputError(f"{path}: {name} has {given[name].shape[0]:,} rows, the table {n_rows:,}; give one a pair")
    if given[names[0]].shape[1] != given[names[1]].shape[1]:
        shapes = " and ".join(str(list(given[name].shape)) for name in names)
        raise InputError(f"{path}: {' and '.join(names)} have shapes {shapes}; they must be of one space")
    views, captions = (_scaled(given[name], name, path, rows, folder / f"{name}.f32") for name in names)
    return views, captions


def _scaled(given: Given, name: str, path: Path, rows: Int[np.ndarray, " n"], out: Path) -> np.ndarray:
    shape = (len(rows), given.shape[1])
    with atomic_path(out) as part, part.open("wb") as handle:
        for start in range(0, given.shape[0], _BLOCK_ROWS):
            end = min(start + _BLOCK_ROWS, given.shape[0])
            wanted = rows[np.searchsorted(rows, start) : np.searchsorted(rows, end)]
            block = np.asarray(given.rows(start, end), dtype=np.float32)[wanted - start]
            lengths = np.linalg.norm(block, axis=1, keepdims=True)
            bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0))[:, 0])
            if bad.size:
                raise InputError(f"{path}: row {wanted[bad[0]]} of {name} is zero or not finite; compute it anew")
            handle.write((block / lengths).tobytes())
    return np.memmap(out, dtype=np.float32, mode="c", shape=shape)
