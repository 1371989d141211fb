"""Files of vectors: two formats, rows in order, length 1; nothing is unpickled and no shape is believed."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from threatclip.artifacts import write_tensors
from threatclip.errors import DamagedArtifactError, InputError, ThreatclipError
from threatclip.experiments.auditing.given_vectors import PAIR_NAMES, given_vectors, unit_rows

ROWS = np.array([0, 2, 3])


def written(folder: Path, ending: str, arrays: dict[str, np.ndarray]) -> Path:
    path = folder / f"vectors{ending}"
    if ending == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
    else:
        write_tensors(path, arrays)
    return path


def read(path: Path, folder: Path, n_rows: int = 4) -> tuple[np.ndarray, np.ndarray]:
    with given_vectors(path) as given:
        return unit_rows(given, PAIR_NAMES, path=path, n_rows=n_rows, rows=ROWS, folder=folder)


def arrays(kind: Any = np.float32) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {name: draw.normal(size=(4, 3)).astype(kind) for name in PAIR_NAMES}


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_rows_come_in_order_and_of_length_one(tmp_path: Path, ending: str, kind: Any) -> None:
    given = arrays(kind)
    found = read(written(tmp_path, ending, given), tmp_path)
    for own, name in zip(found, PAIR_NAMES, strict=True):
        wanted = given[name][ROWS].astype(np.float64)
        np.testing.assert_allclose(own, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=2e-6)
        assert own.dtype == np.float32


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"captions": np.ones((3, 3), np.float32)}, "captions has 3 rows, the table 4"),
        ({"captions": np.ones((4, 2), np.float32)}, "must be of one space"),
        ({"views": np.zeros((4, 3), np.float32)}, "row 0 of views is zero or not finite"),
        ({"views": np.ones(4, np.float32)}, "views has shape"),
        ({"views": np.ones((4, 3), np.int64)}, "want floats"),
    ],
)
def test_arrays_that_are_no_vectors_are_refused(
    tmp_path: Path, ending: str, change: dict[str, np.ndarray], says: str
) -> None:
    path = written(tmp_path, ending, {**arrays(), **change})
    with pytest.raises(InputError, match=says):
        read(path, tmp_path)


def test_a_vector_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    given = arrays()
    given["captions"][3, 1] = np.nan
    with pytest.raises(InputError, match="row 3 of captions is zero or not finite"):
        read(written(tmp_path, ".npz", given), tmp_path)


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_missing_array_is_named(tmp_path: Path, ending: str) -> None:
    with pytest.raises(InputError, match="holds no array 'captions'"):
        read(written(tmp_path, ending, {"views": np.ones((4, 3), np.float32)}), tmp_path)


class Bomb:
    """What must not be unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("unpickled",))


def test_pickles_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (4, 3)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("views.npy", stream.getvalue() + pickle.dumps(Bomb()))
    with pytest.raises(ThreatclipError):
        read(path, tmp_path)
    (tmp_path / "vectors.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DamagedArtifactError, match="not safetensors"):
        read(tmp_path / "vectors.safetensors", tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"garbage", b"\x93NUMPY\x01\x00"])
@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_broken_files_are_one_error(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"vectors{ending}"
    path.write_bytes(content)
    with pytest.raises(ThreatclipError):
        read(path, tmp_path)


def test_an_array_larger_than_its_header_says_is_refused(tmp_path: Path) -> None:
    path, stream = tmp_path / "vectors.npz", io.BytesIO()
    np.lib.format.write_array(stream, np.ones((4, 3), np.float32))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("views.npy", stream.getvalue() + bytes(2**20))
    with pytest.raises(DamagedArtifactError, match="larger than its shape"):
        read(path, tmp_path)


def test_other_names_and_absent_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither \.safetensors nor \.npz"):
        read(tmp_path / "vectors.pt", tmp_path)
    for ending in (".npz", ".safetensors"):
        with pytest.raises(InputError, match="no file"):
            read(tmp_path / f"absent{ending}", tmp_path)
