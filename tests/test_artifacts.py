"""Nothing is half-written, nothing damaged is read: every failing call, every byte, every look-alike."""

from __future__ import annotations

import errno
import json
import os
import pickle
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failing_disk import FailingDisk, disk_of
from threatclip.artifacts import (
    MANIFEST,
    atomic_folder,
    atomic_path,
    check_safetensors_header,
    read_json,
    read_tensors,
    sha256_file,
    verify_manifest,
    write_bytes,
    write_json,
    write_tensors,
    write_text,
)
from threatclip.errors import DamagedArtifactError, InputError, StorageError, ThreatclipError

OLD, NEW = b"old " * 500, b"new! " * 700


def visible(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write_folder(path: Path, content: bytes) -> None:
    with atomic_folder(path, manifest={"kind": "test"}) as part:
        (part / "deep").mkdir()
        (part / "deep" / "a.bin").write_bytes(content)
        write_json(part / "b.json", {"n": len(content)})


WRITERS: dict[str, tuple[Callable[[Path, bytes], None], Callable[[Path], bytes]]] = {
    "bytes": (write_bytes, Path.read_bytes),
    "text": (lambda path, content: write_text(path, content.decode()), Path.read_bytes),
    "json": (lambda path, content: write_json(path, content.decode()), lambda path: read_json(path).encode()),
    "tensors": (
        lambda path, content: write_tensors(path, {"a": np.frombuffer(content, np.uint8)}),
        lambda path: read_tensors(path)["a"].tobytes(),
    ),
    "folder": (
        write_folder,
        lambda path: (verify_manifest(path), (path / "deep" / "a.bin").read_bytes())[1],
    ),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("replacing", [False, True], ids=["first", "replacing"])
@pytest.mark.parametrize("writer", WRITERS)
def test_failure_of_every_call_leaves_old_or_new_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, replacing: bool, code: int
) -> None:
    write, read = WRITERS[writer]

    def attempt(fail_at: int | None) -> tuple[list[str], Path, StorageError | None]:
        path = tmp_path / str(fail_at) / "x"
        if replacing:
            write(path, OLD)
        with monkeypatch.context() as patch:
            disk = FailingDisk(patch, fail_at=fail_at, code=code)
            try:
                write(path, NEW)
            except StorageError as error:
                return disk.calls, path, error
        return disk.calls, path, None

    calls, path, failure = attempt(None)
    assert failure is None
    assert {"open", "write", "fsync", "replace"} <= set(calls)
    published = max(number for number, name in enumerate(calls, start=1) if name == "replace")
    synced = published + 2  # opening and syncing the folder that holds it; what follows only tidies
    for fail_at in range(1, synced + 1):
        _, path, failure = attempt(fail_at)
        assert failure is not None, (fail_at, calls)
        assert str(path.parent) in str(failure)
        left = visible(path.parent) if path.parent.exists() else []
        assert not [name for name in left if ".part" in name or ".old" in name]
        if fail_at > published:
            assert read(path) == NEW
        elif replacing:
            assert read(path) == OLD
        else:
            assert left == []


@pytest.mark.parametrize("writer", WRITERS)
def test_full_disk_at_any_byte(tmp_path: Path, writer: str) -> None:
    write, read = WRITERS[writer]
    path = tmp_path / "x"
    write(path, OLD)
    before = visible(tmp_path)
    for n_bytes in (0, 1, 100, 1000, len(NEW) - 1):
        with disk_of(n_bytes), pytest.raises(StorageError, match=r"cannot write .*x"):
            write(path, NEW)
        assert visible(tmp_path) == before
        assert read(path) == OLD
    with disk_of(10 * len(NEW)):
        write(path, NEW)
    assert read(path) == NEW


def test_read_only_folder_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("permissions do not bind root")
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(StorageError, match="locked"):
        write_bytes(tmp_path / "locked" / "x", NEW)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    write_bytes(tmp_path / "x", OLD)
    with pytest.raises(StorageError, match="x/y"):
        write_bytes(tmp_path / "x" / "y", NEW)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="folder"):
        write_bytes(tmp_path / "folder", NEW)
    assert visible(tmp_path) == ["folder", "x"]


@pytest.mark.parametrize("error", [ValueError("bug"), KeyboardInterrupt(), InputError("bad row")], ids=repr)
def test_the_bodys_own_error_passes_and_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    for manager in (atomic_path(tmp_path / "x"), atomic_folder(tmp_path / "f", manifest={})):
        with pytest.raises(type(error)), manager as part:  # noqa: PT012
            (part / "half" if part.is_dir() else part).write_bytes(b"half")
            raise error
    assert visible(tmp_path) == []


def test_an_error_about_another_file_is_not_called_a_failed_write(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "out" / "x"):
        (tmp_path / "in" / "absent.csv").read_bytes()
    import gzip

    with pytest.raises(gzip.BadGzipFile), atomic_path(tmp_path / "out" / "x"):
        gzip.decompress(b"this is not gzip")
    assert visible(tmp_path) == ["out"]


def test_written_files_are_readable_by_others(tmp_path: Path) -> None:
    write_bytes(tmp_path / "x", NEW)
    write_folder(tmp_path / "f", NEW)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o755


def test_a_foreign_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not ours"):
        write_folder(tmp_path / "f", NEW)
    assert visible(tmp_path) == ["f", "f/thesis.txt"]


def test_text_and_json_edges(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "a\ud800b\x00é")
    assert (tmp_path / "t").read_bytes() == "a?b\x00é".encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "n", float("nan"))
    assert visible(tmp_path) == ["t"]


@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_json_reader_gives_a_value_or_our_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    try:
        value = read_json(path)
    except DamagedArtifactError:
        return
    json.dumps(value)


def test_json_reader_survives_depth_and_names_absent_files(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_bytes(b"[" * 100_000)
    with pytest.raises(DamagedArtifactError, match=r"deep\.json"):
        read_json(tmp_path / "deep.json")
    with pytest.raises(InputError, match=r"absent\.json"):
        read_json(tmp_path / "absent.json")
    with pytest.raises(InputError, match=r"deep\.json/x"):
        read_json(tmp_path / "deep.json" / "x")
    with pytest.raises(StorageError, match="cannot read"):
        read_json(tmp_path)


# --- manifests


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    with atomic_folder(tmp_path / "bundle", manifest={"kind": "test"}) as part:
        write_tensors(part / "weights.safetensors", {"w": np.arange(6, dtype=np.float32)})
        write_json(part / "config.json", {"dim": 6})
        (part / "empty.txt").write_bytes(b"")
    return tmp_path / "bundle"


def test_whole_bundle_verifies(bundle: Path) -> None:
    manifest = verify_manifest(bundle)
    assert manifest["kind"] == "test"
    assert set(manifest["files"]) == {"weights.safetensors", "config.json", "empty.txt"}
    assert manifest["files"]["config.json"]["sha256"] == sha256_file(bundle / "config.json")


def test_one_flipped_bit_anywhere_is_seen(bundle: Path) -> None:
    whole = json.dumps(verify_manifest(bundle))
    for path in sorted(bundle.iterdir()):
        content = path.read_bytes()
        for offset in range(len(content)):
            path.write_bytes(content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1 :])
            try:
                manifest = verify_manifest(bundle)
            except DamagedArtifactError:
                continue
            # a flip in the manifest's own words may go unseen only if what it says of the files still holds
            assert path.name == MANIFEST
            assert manifest["files"] == json.loads(whole)["files"]
        path.write_bytes(content)
    verify_manifest(bundle)


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json", "empty.txt"])
def test_removed_truncated_or_added_files_are_seen(bundle: Path, name: str) -> None:
    content = (bundle / name).read_bytes()
    (bundle / name).unlink()
    with pytest.raises(DamagedArtifactError, match=f"{name} is missing"):
        verify_manifest(bundle)
    for offset in range(0, len(content), max(len(content) // 16, 1)):
        (bundle / name).write_bytes(content[:offset])
        with pytest.raises(DamagedArtifactError, match=f"{name} was changed"):
            verify_manifest(bundle)
    (bundle / name).write_bytes(content)
    (bundle / "extra.pkl").write_bytes(pickle.dumps(1))
    with pytest.raises(DamagedArtifactError, match=r"extra\.pkl is not in the manifest"):
        verify_manifest(bundle)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"files": []}',
        b'{"files": {"config.json": 3}}',
        b'{"files": {"config.json": {}}}',
        b'{"files": {"config.json": {"bytes": "x", "sha256": null}}}',
        b'{"files": {"../../secret": {"bytes": 1, "sha256": "0"}}}',
        b'{"files": {"/etc/hostname": {"bytes": 1, "sha256": "0"}}}',
        b"\xff\xfe",
    ],
)
def test_malformed_manifest_is_damage_not_a_bug(bundle: Path, manifest: bytes) -> None:
    (bundle / MANIFEST).write_bytes(manifest)
    with pytest.raises(DamagedArtifactError):
        verify_manifest(bundle)


def test_missing_manifest_is_input(bundle: Path, tmp_path: Path) -> None:
    (bundle / MANIFEST).unlink()
    for folder in (bundle, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=MANIFEST):
            verify_manifest(folder)


# --- tensors


def safetensors_file(path: Path, header: bytes, body: bytes = b"") -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + body)
    return path


def test_tensors_round_trip_bit_exact(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        "f32": rng.normal(size=(3, 4)).astype(np.float32),
        "f16": rng.normal(size=5).astype(np.float16),
        "f64": np.asarray(1e300),
        "turned": rng.normal(size=(3, 4)).T,
        "i64": np.array([-(2**62)]),
        "u8": np.zeros((0, 7), np.uint8),
        "bool": np.array([True, False]),
    }
    write_tensors(tmp_path / "w", tensors)
    read = read_tensors(tmp_path / "w")
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array, strict=True)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, dtype: type, value: float) -> None:
    write_tensors(tmp_path / "w", {"fine": np.ones(3, np.float32), "all_bad": np.full((2, 2), value, dtype)})
    with pytest.raises(DamagedArtifactError, match="all_bad"):
        read_tensors(tmp_path / "w")
    one_bad = np.ones((2, 2), dtype)
    one_bad[1, 1] = value
    write_tensors(tmp_path / "w", {"one_bad": one_bad})
    with pytest.raises(DamagedArtifactError, match="one_bad"):
        read_tensors(tmp_path / "w")


A = b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"{" + A + b"," + A + b"}", bytes(4)),
        (b"{" + A + b',"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        (b'{"__metadata__":{},"__metadata__":{"x":"y"},' + A + b"}", bytes(4)),
        (b'{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        (b"{" + A + b',"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        (b"{" + A + b',"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}', bytes(12)),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', bytes(4)),
        (b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', bytes(4)),
        (b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}', bytes(4)),
        (b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', bytes(4)),
        (b'{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}', bytes(4)),
        (b'{"a":{"dtype":"OBJECT","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        (b"{" + A + b"}", bytes(3)),
        (b"{" + A + b"}", bytes(5)),
        (b"{" + A, bytes(4)),
        (b"{" * 100_000, b""),
        (b'{"a":3}', bytes(4)),
        (b"[]", b""),
        (b"", b""),
        (b"\xff\xfe{}", b""),
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, header: bytes, body: bytes) -> None:
    path = safetensors_file(tmp_path / "w", header, body)
    with pytest.raises(DamagedArtifactError, match=r"w |w\b"):
        read_tensors(path)


def test_header_longer_than_the_file_or_the_limit_is_refused_without_allocating(tmp_path: Path) -> None:
    for claimed in (2**40, 2**63, 2**64 - 1, 100):
        (tmp_path / "w").write_bytes(struct.pack("<Q", claimed) + b"{}")
        with pytest.raises(DamagedArtifactError):
            read_tensors(tmp_path / "w")


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dress", ["plain", "zip", "npy", "safetensors prefix"])
def test_pickle_dressed_as_weights_is_never_run(tmp_path: Path, protocol: int, dress: str) -> None:
    canary = tmp_path / "canary"
    attack = pickle.dumps(Canary(canary), protocol)
    path = tmp_path / "weights.safetensors"
    if dress == "zip":
        import zipfile

        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", attack)
    elif dress == "npy":
        array = np.empty(1, dtype=object)
        array[0] = Canary(canary)
        with path.open("wb") as handle:
            np.save(handle, array, allow_pickle=True)
    elif dress == "safetensors prefix":
        safetensors_file(path, attack)
    else:
        path.write_bytes(attack)
    for read in (read_tensors, check_safetensors_header):
        with pytest.raises(DamagedArtifactError, match=r"weights\.safetensors"):
            read(path)
    assert not canary.exists()


def test_every_truncation_and_flip_of_weights_is_refused_or_reads_as_tensors(tmp_path: Path) -> None:
    path = tmp_path / "w"
    write_tensors(path, {"a": np.arange(8, dtype=np.float32), "b": np.ones((2, 3))})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedArtifactError):
            read_tensors(path)
    for offset in range(len(content)):
        for bit in (1, 128):
            path.write_bytes(content[:offset] + bytes([content[offset] ^ bit]) + content[offset + 1 :])
            try:
                tensors = read_tensors(path)  # a flipped value or name is the manifest's to find, not the format's
            except ThreatclipError:
                continue
            assert all(np.isfinite(array).all() for array in tensors.values())


def test_absent_weights_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.safetensors"):
        read_tensors(tmp_path / "absent.safetensors")
    with pytest.raises(StorageError, match="cannot read"):
        read_tensors(tmp_path)
