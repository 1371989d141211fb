"""What is judged and what is trusted: views from a table, a folder or a file, and trusted pairs of the same kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from threatclip.errors import InputError
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.images import LIMITS
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.lines import LINE_LIMIT_BYTES
from threatclip.pairs.sources.picture_files import SUFFIXES
from threatclip.pairs.table import PairTable

TABLE_SUFFIX = ".parquet"
_CHUNK_ROWS, _CHUNK_BYTES = 4_096, 2**26


def trusted_pairs(path: Path, bundle: DualBundle) -> list[Pair]:
    """Return the pairs of a trusted table that have a view, one a view.

    Raises:
        InputError: no such table, or of another modality than the model reads.
        DamagedArtifactError: the table is not whole.
    """
    table = PairTable.open(path)
    _check_modality(path, table.modality, bundle.modality)
    found: dict[bytes, Pair] = {}
    for pair in table.iter_pairs():
        if pair.view:
            found.setdefault(pair.view, pair)
    return list(found.values())


def view_chunks(path: Path, modality: Modality) -> Iterator[list[tuple[str, bytes]]]:
    """Yield ids and views, some thousands at a time: rows of a pair table, files of a folder, or one file.

    A post without a picture has no view and is left out. In a folder of pictures only picture files are read.

    Raises:
        InputError: nothing there, nothing in it, another modality, or a file that is too large.
        DamagedArtifactError: the table is not whole.
    """
    chunk: list[tuple[str, bytes]] = []
    n_bytes, empty = 0, True
    for name, view in _views(path, modality):
        empty = False
        chunk.append((name, view))
        n_bytes += len(view)
        if len(chunk) == _CHUNK_ROWS or n_bytes >= _CHUNK_BYTES:
            yield chunk
            chunk, n_bytes = [], 0
    if empty:
        raise InputError(f"{path} holds no {modality}; name a pair table, a file, or a folder of files")
    if chunk:
        yield chunk


def _views(path: Path, modality: Modality) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from _files(path, modality)
    elif path.suffix == TABLE_SUFFIX:
        table = PairTable.open(path)
        _check_modality(path, table.modality, modality)
        yield from ((pair.id, pair.view) for pair in table.iter_pairs() if pair.view)
    else:
        yield str(path), _content(path, modality)


def _files(folder: Path, modality: Modality) -> Iterator[tuple[str, bytes]]:
    names = sorted(
        os.path.join(root, name) for root, _, files in os.walk(folder) for name in files if not name.startswith(".")
    )
    for name in names:
        file = Path(name)
        if file.is_file() and (modality != "image" or file.suffix.lower() in SUFFIXES):
            yield str(file.relative_to(folder)), _content(file, modality)


def _content(file: Path, modality: Modality) -> bytes:
    most = LIMITS.max_bytes if modality == "image" else LINE_LIMIT_BYTES
    if file.exists() and not file.is_file():  # a pipe or a device would never end
        raise InputError(f"{file} is no file; name a pair table, a file, or a folder of files")
    try:
        with file.open("rb") as stream:
            view = stream.read(most + 1)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    if len(view) > most:
        raise InputError(f"{file} is larger than {most:,} bytes; no {modality} is")
    if not view:
        raise InputError(f"{file} is empty")
    return view


def _check_modality(path: Path, found: str, wanted: str) -> None:
    if found != wanted:
        raise InputError(f"{path} holds {found} pairs; the model reads {wanted}s")
