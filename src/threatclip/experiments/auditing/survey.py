"""The first pass over a table: which rows can be judged, and their vectors, block by block into files that survive.

A killed survey goes on after its last whole block: what stands in the files beyond it is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from threatclip.artifacts import read_json, storage_errors, write_json
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.auditing.encoders import PairEncoder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.pairs.columns import pairs_of
from threatclip.pairs.images import image_fault
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.table import PairTable

BLOCK_ROWS = 1024
JUDGED, NO_CAPTION, NO_VIEW, BROKEN = range(4)
STATES = ("judged", "no caption", "no view", "broken picture")
NOTHING = np.empty((0, 0), dtype=np.float32)

_STATES, _VIEWS, _CAPTIONS, _DONE = "states.u8", "views.f32", "captions.f32", "survey.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What a pass over a table found.

    Attributes:
        states: of every row of the table: a place in STATES.
        rows: row numbers of the judged ones, n of them.
        views: unit vectors of their views, mapped from disk; [0, 0] without an encoder.
        captions: the same of their captions.
    """

    states: UInt8[np.ndarray, " rows"]
    rows: Int[np.ndarray, " n"]
    views: Float[np.ndarray, "n d"]
    captions: Float[np.ndarray, "n d"]


def survey_table(
    table: PairTable, folder: Path, *, encoder: PairEncoder | None, stage: str, on_progress: OnProgress
) -> Survey:
    """Read a table once, and encode it where there is an encoder; a pass that was done before is not done again.

    Args:
        table: any pair table.
        folder: where the files of the pass lie; made for this table and this encoder.
        encoder: gives the vectors.
        stage: what the pass is called in progress.
        on_progress: told of every block.

    Raises:
        StorageError: the disk refused.
        DamagedArtifactError: the table, or the files of an earlier pass, are not what was written.
    """
    done = _resumed(table, folder, encoder)
    on_progress(Progress(stage=stage, done=done, total=len(table)))
    start = 0
    for batch in table.iter_batches(batch_size=BLOCK_ROWS):
        start += batch.num_rows
        if start <= done:
            continue
        pairs = list(pairs_of(batch))
        states = _states(pairs, table.modality)
        judged = [pair for pair, state in zip(pairs, states, strict=True) if state == JUDGED]
        blocks = {_STATES: np.array(states, np.uint8)}
        if encoder is not None and judged:
            blocks[_VIEWS] = encoder.views([pair.view for pair in judged]).astype(np.float32)
            blocks[_CAPTIONS] = encoder.captions([pair.caption or "" for pair in judged]).astype(np.float32)
        _append(folder, blocks)
        write_json(folder / _DONE, {"rows": start})
        on_progress(Progress(stage=stage, done=start, total=len(table)))
    return _opened(table, folder, encoder)


def _states(pairs: Sequence[Pair], modality: Modality) -> list[int]:
    check: Callable[[bytes], str | None] = image_fault if modality == "image" else lambda _: None
    states, faults = [], dict[bytes, int]()
    for pair in pairs:
        if not pair.view:
            states.append(NO_VIEW)
            continue
        if pair.view not in faults:  # the captions of one picture follow each other
            faults[pair.view] = JUDGED if check(pair.view) is None else BROKEN
        state = faults[pair.view]
        states.append(NO_CAPTION if state == JUDGED and not (pair.caption or "").strip() else state)
    return states


def _append(folder: Path, blocks: dict[str, np.ndarray]) -> None:
    for name, block in blocks.items():
        path = folder / name
        with storage_errors(path), path.open("ab") as handle:
            handle.write(np.ascontiguousarray(block).tobytes())
            handle.flush()
            os.fsync(handle.fileno())


def _resumed(table: PairTable, folder: Path, encoder: PairEncoder | None) -> int:
    """Cut the files back to the last whole block and return how many rows of the table they hold."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / _DONE
    found = read_json(path) if path.is_file() else {"rows": 0}
    done = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(done, int) or isinstance(done, bool) or not 0 <= done <= len(table):
        raise DamagedArtifactError(f"{path} is not of this table; remove the folder {folder}")
    _cut(folder / _STATES, done)
    judged = int((np.fromfile(folder / _STATES, np.uint8) == JUDGED).sum())
    for name in (_VIEWS, _CAPTIONS) if encoder is not None else ():
        _cut(folder / name, judged * 4 * encoder.dim)  # type: ignore[union-attr]
    return done


def _cut(path: Path, size: int) -> None:
    with storage_errors(path):
        path.touch()
        found = path.stat().st_size
        if found > size:
            os.truncate(path, size)
    if found < size:
        raise DamagedArtifactError(f"{path} is shorter than its audit wrote it; remove the folder {path.parent}")


def _opened(table: PairTable, folder: Path, encoder: PairEncoder | None) -> Survey:
    states = np.fromfile(folder / _STATES, np.uint8)
    if len(states) != len(table):
        raise DamagedArtifactError(f"{folder / _STATES} is not of {table.path}; remove the folder {folder}")
    rows = np.flatnonzero(states == JUDGED)
    if encoder is None or not len(rows):
        return Survey(states=states, rows=rows, views=NOTHING, captions=NOTHING)
    shape = (len(rows), encoder.dim)
    views, captions = (
        np.memmap(folder / name, dtype=np.float32, mode="c", shape=shape) for name in (_VIEWS, _CAPTIONS)
    )
    return Survey(states=states, rows=rows, views=views, captions=captions)
