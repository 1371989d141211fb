"""Checkpoints: whole or absent, the newest valid one wins, damage is told and never used."""

from __future__ import annotations

import errno
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from failing_disk import FailingDisk, disk_of
from threatclip.artifacts import MANIFEST, write_manifest
from threatclip.errors import DamagedArtifactError, StorageError
from threatclip.training.checkpoint import (
    Checkpoint,
    checkpoint_path,
    latest_valid,
    load_checkpoint,
    remove_leftovers,
    save_checkpoint,
)


def checkpoint(step: int) -> Checkpoint:
    tied = torch.full((3, 2), float(step))
    return Checkpoint(
        step=step,
        identity={"seed": 5, "multipliers": {"text": 0.1}, "ema": None},
        module={
            "a": tied,
            "b": tied,
            "mask": torch.full((2,), float("-inf")),
            "turned": torch.arange(6.0).view(2, 3).T,
        },
        optimizer={"step/a": torch.tensor(3.0), "exp_avg/a": torch.ones(3, 2).bfloat16()},
        average={"a": torch.zeros(3, 2)},
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_round_trip_is_bit_exact_without_pickle(tmp_path: Path) -> None:
    saved = checkpoint(12)
    path = save_checkpoint(tmp_path, saved, keep=2)
    assert path == checkpoint_path(tmp_path, 12)
    loaded = load_checkpoint(path)
    assert (loaded.step, loaded.identity) == (saved.step, saved.identity)
    for part in ("module", "optimizer", "average"):
        theirs, ours = getattr(loaded, part), getattr(saved, part)
        assert theirs.keys() == ours.keys()
        for name, value in ours.items():
            assert theirs[name].dtype == value.dtype
            assert torch.equal(theirs[name], value)
    assert names(path) == [
        "average.safetensors",
        MANIFEST,
        "module.safetensors",
        "optimizer.safetensors",
        "state.json",
    ]


def test_keeps_the_newest_and_drops_what_another_course_wrote(tmp_path: Path) -> None:
    for step in (2, 4, 6, 8):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    assert names(tmp_path) == ["step-00000006", "step-00000008"]
    (tmp_path / "step-00000008" / MANIFEST).unlink()
    save_checkpoint(tmp_path, checkpoint(7), keep=2)
    assert names(tmp_path) == ["step-00000006", "step-00000007"]
    save_checkpoint(tmp_path, checkpoint(7), keep=1)
    assert names(tmp_path) == ["step-00000007"]


def test_numbers_beyond_eight_digits_sort_by_value(tmp_path: Path) -> None:
    for step in (99_999_999, 100_000_000):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    assert latest_valid(tmp_path).step == 100_000_000


@pytest.mark.parametrize(
    "name",
    ["average.safetensors", MANIFEST, "module.safetensors", "optimizer.safetensors", "state.json"],
)
def test_every_torn_file_is_seen_and_passed_over(tmp_path: Path, name: str) -> None:
    for step in (2, 4):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    victim = tmp_path / "step-00000004" / name
    content = victim.read_bytes()
    offsets = sorted({len(content) * number // 16 for number in range(16)})
    damaged: list[bytes | None] = [None, content + b"\0" if name != MANIFEST else b"", pickle.dumps({"step": 4})]
    damaged += [content[:offset] for offset in offsets]
    damaged += [content[:offset] + bytes([content[offset] ^ 0x10]) + content[offset + 1 :] for offset in offsets]
    for torn in damaged:
        victim.unlink(missing_ok=True)
        if torn is not None:
            victim.write_bytes(torn)
        latest = latest_valid(tmp_path)
        assert latest.step == 2, torn
        assert len(latest.skipped) == 1
        assert latest.skipped[0].startswith("passed over step-00000004: ")
        assert "\n" not in latest.skipped[0]
    victim.write_bytes(content)
    assert latest_valid(tmp_path).step == 4


def test_a_manifest_made_to_fit_does_not_make_a_checkpoint(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, checkpoint(4), keep=2)
    manifest = json.loads((path / MANIFEST).read_text())
    for state in ({}, {"step": "x", "identity": {}}, {"step": 4, "identity": 3}, [], None):
        (path / "state.json").write_text(json.dumps(state))
        write_manifest(path, extra=manifest)
        with pytest.raises(DamagedArtifactError, match=r"state\.json"):
            load_checkpoint(path)
    shutil.copy(path / "module.safetensors", path / "state.json")
    write_manifest(path, extra=manifest)
    assert latest_valid(tmp_path).path is None
    write_manifest(path, extra={**manifest, "version": 2})
    with pytest.raises(DamagedArtifactError, match="not a checkpoint of this version"):
        load_checkpoint(path)


def test_nothing_there_is_no_checkpoint(tmp_path: Path) -> None:
    assert latest_valid(tmp_path / "absent").path is None
    remove_leftovers(tmp_path / "absent")
    (tmp_path / "step-4").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "step-00000009").touch()
    assert latest_valid(tmp_path).path is None
    assert latest_valid(tmp_path).skipped == ()


def test_leftovers_of_a_killed_writer_are_neither_read_nor_kept(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(4), keep=2)
    shutil.copytree(tmp_path / "step-00000004", tmp_path / ".step-00000006.abc.part")
    shutil.copytree(tmp_path / "step-00000004", tmp_path / ".step-00000006.abc.old")
    (tmp_path / ".gitignore").touch()
    assert latest_valid(tmp_path).step == 4
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".gitignore", "step-00000004"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_failure_of_every_call_leaves_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def attempt(fail_at: int | None) -> tuple[list[str], Path, StorageError | None]:
        folder = tmp_path / str(fail_at)
        save_checkpoint(folder, checkpoint(2), keep=1)
        with monkeypatch.context() as patch:
            disk = FailingDisk(patch, fail_at=fail_at, code=code)
            try:
                save_checkpoint(folder, checkpoint(4), keep=1)
            except StorageError as error:
                return disk.calls, folder, error
        return disk.calls, folder, None

    calls, _, failure = attempt(None)
    assert failure is None
    published = max(number for number, name in enumerate(calls, start=1) if name == "replace")
    for fail_at in range(1, published + 3):
        _, folder, failure = attempt(fail_at)
        assert failure is not None, (fail_at, calls)
        assert "step-00000004" in str(failure)
        latest = latest_valid(folder)
        assert latest.step == (4 if fail_at > published else 2)
        assert not latest.skipped
        assert not [name for name in names(folder) if name.startswith(".")]


def test_full_disk_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(2), keep=1)
    for n_bytes in (0, 10, 200, 400):
        with disk_of(n_bytes), pytest.raises(StorageError, match="step-00000004"):
            save_checkpoint(tmp_path, checkpoint(4), keep=1)
        assert names(tmp_path) == ["step-00000002"]
        assert latest_valid(tmp_path).step == 2
