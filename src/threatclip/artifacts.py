"""Files that must never be half-written: atomic writes, hash manifests, bundles.

A *bundle* is one folder whose `manifest.json` names every file with its size and SHA-256. Nothing loads before its
bytes match; nothing is unpickled; weights are safetensors with finite values and no duplicate names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.errors import DamagedArtifactError, InputError, StorageError

MANIFEST = "manifest.json"
_HEADER_LIMIT_BYTES = 16 * 2**20


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write under this block into one StorageError that names `path`.

    An error that is not the disk's (a damaged gzip, say) or that names a file elsewhere passes: it is not about `path`.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or not _concerns(error.filename, path):
            raise
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another place"
        ) from error


@contextlib.contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to read under this block into an InputError or StorageError on `path`."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"no file {path}; was its folder written by threatclip?") from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}; mend its permissions") from error


def _concerns(filename: object, path: Path) -> bool:
    if not isinstance(filename, str | bytes | os.PathLike):
        return True  # a failed write, fsync or close names no file
    named, own = Path(os.fsdecode(filename)).absolute(), path.absolute()
    return named.is_relative_to(own.parent) or own.is_relative_to(named)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed over `path`, else removed.

    Raises:
        StorageError: the disk refused; `path` is then as it was before, or whole and new if only the sync of its
            folder failed.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            sync_file(part)
            part.chmod(0o644)
            os.replace(part, path)
            sync_file(path.parent)
        finally:
            part.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Flush a file's (or folder's) bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all."""
    with atomic_path(path) as part:
        part.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text to `path` whole or not at all; lone surrogates are written as `?`."""
    write_bytes(path, content.encode("utf-8", "replace"))


def json_text(value: object) -> str:
    """Return `value` as indented JSON with sorted keys and a line feed behind it; NaN is refused."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_json(path: Path, value: object) -> None:
    """Write `json_text` of a value, whole or not at all."""
    write_text(path, json_text(value))


def read_json(path: Path) -> Any:
    """Read one JSON file of ours.

    Raises:
        InputError: the file is absent.
        StorageError: it cannot be read.
        DamagedArtifactError: it is not JSON.
    """
    with reading_errors(path):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedArtifactError(f"{path} is not JSON ({error}); restore it or write it anew") from error


def sha256_file(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_manifest(folder: Path, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write `manifest.json` over every file under `folder` (name, size in bytes, SHA-256)."""
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {**(extra or {}), "files": files})


def verify_manifest(folder: Path) -> dict[str, Any]:
    """Check every file of `folder` against its manifest and return the manifest.

    Raises:
        InputError: `folder` has no manifest.
        StorageError: a file cannot be read.
        DamagedArtifactError: a file is missing, changed, or not listed.
    """
    manifest: dict[str, Any] = read_json(folder / MANIFEST)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise DamagedArtifactError(f"{folder / MANIFEST} lists no files; restore the folder from a good copy")
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    for name in sorted(set(files) | present):
        path = folder / name
        if name not in files:
            raise DamagedArtifactError(f"{path} is not in the manifest; remove it or restore the folder")
        if name not in present:
            raise DamagedArtifactError(f"{path} is missing; restore the folder from a good copy")
        with reading_errors(path):
            found = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        if files[name] != found:
            raise DamagedArtifactError(f"{path} was changed after it was written; restore the folder from a good copy")
    return manifest


@contextlib.contextmanager
def atomic_folder(path: Path, *, manifest: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a temporary folder; on success it gets a manifest, is synced and takes the place of `path`.

    A folder cannot be renamed over another: a kill between the two renames leaves the old one as `.NAME.*.old`.

    Raises:
        InputError: `path` exists and is not a folder that an earlier call wrote.
        StorageError: the disk refused; `path` is then as it was before, or whole and new if only the sync of its
            folder failed.
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise InputError(f"{path} exists and is not ours to replace; choose another place or remove it")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        old = part.with_suffix(".old")
        try:
            yield part
            write_manifest(part, extra=manifest)
            for item in part.rglob("*"):
                sync_file(item)
            sync_file(part)
            part.chmod(0o755)
            if path.exists():
                os.replace(path, old)
            os.replace(part, path)
            sync_file(path.parent)
        finally:
            if old.exists() and not path.exists():
                os.replace(old, path)
            shutil.rmtree(part, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as safetensors, whole or not at all."""
    from safetensors.numpy import save

    write_bytes(path, save({name: np.asarray(array, order="C") for name, array in tensors.items()}))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read a safetensors file of finite values.

    Raises:
        InputError: the file is absent.
        StorageError: it cannot be read.
        DamagedArtifactError: not safetensors (a pickle, say), a duplicate name, a value that is not finite, or a type
            that numpy has not (bfloat16), which `write_tensors` never wrote.
    """
    check_safetensors_header(path)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors: dict[str, np.ndarray] = load_file(path)
    except (SafetensorError, TypeError, AttributeError) as error:
        raise DamagedArtifactError(f"{path} is not a whole safetensors file ({error}); restore it") from error
    for name, array in tensors.items():
        if array.dtype.isbuiltin != 1:  # other packages teach numpy types of their own when they are imported
            raise DamagedArtifactError(f"{path} holds {array.dtype} in {name!r}, which is never written; restore it")
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise DamagedArtifactError(f"{path} holds values that are not finite in {name!r}; train it anew")
    return tensors


def check_safetensors_header(path: Path) -> None:
    """Refuse, before any parser sees it, a file that is not safetensors or names a tensor twice.

    Raises:
        InputError: the file is absent.
        StorageError: it cannot be read.
        DamagedArtifactError: see above.
    """
    with reading_errors(path), path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header = handle.read(length) if 2 <= length <= _HEADER_LIMIT_BYTES else b""
    if not header.startswith(b"{"):
        raise DamagedArtifactError(
            f"{path} is not safetensors (a pickle is never read); convert it with a trusted tool"
        )
    try:
        pairs = json.loads(header, object_pairs_hook=lambda items: items)
    except (ValueError, RecursionError) as error:
        raise DamagedArtifactError(f"{path} has a broken safetensors header ({error}); restore it") from error
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise DamagedArtifactError(f"{path} names a tensor twice; it was not written by safetensors")
