"""The cache of features: it saves work, and never changes, mixes up or prevents a result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders import feature_cache
from threatclip.encoders.feature_cache import cache_folder, cached_features
from threatclip.encoders.pretrained import PretrainedNetwork, PretrainedTower
from threatclip.encoders.towers import build_tower

WIDTH = 6
VIEWS = [f"text {number}".encode() for number in range(100)]


@dataclass
class Reader:
    """Computes features that depend on the text alone, and remembers what it was asked for."""

    asked: list[list[bytes]] = field(default_factory=list)
    shift: float = 0.0

    def __call__(self, views: Sequence[bytes]) -> np.ndarray:
        self.asked.append(list(views))
        return expected(views) + np.float32(self.shift)


def expected(views: Sequence[bytes]) -> np.ndarray:
    rows = [np.frombuffer(view.ljust(WIDTH, b"."), np.uint8)[-WIDTH:] for view in views]
    return np.array(rows, dtype=np.float32).reshape(len(views), WIDTH)


@pytest.fixture
def tower(tiny_bert: Path) -> PretrainedNetwork:
    return make(tiny_bert)


def make(folder: Path, **values: Any) -> PretrainedNetwork:
    made = build_tower(PretrainedTower(source=str(folder), **values), seed=0)
    assert isinstance(made, PretrainedNetwork)
    return made


def read(tower: PretrainedNetwork, views: Sequence[bytes], reader: Reader) -> np.ndarray:
    found = cached_features(tower, views, width=WIDTH, compute=reader)
    np.testing.assert_array_equal(found, expected(views) + np.float32(reader.shift))
    assert found.dtype == np.float32
    return found


def files() -> list[Path]:
    return sorted(path for path in cache_folder().rglob("*") if path.is_file())


def test_what_was_read_once_is_not_read_again(tower: PretrainedNetwork) -> None:
    reader = Reader()
    read(tower, VIEWS, reader)
    assert reader.asked == [VIEWS]
    read(tower, VIEWS[::-1], reader)
    read(tower, VIEWS[10:80] + VIEWS[10:80], reader)
    assert reader.asked == [VIEWS]
    assert len(files()) == 1


def test_only_what_is_missing_is_read_and_equal_texts_once(tower: PretrainedNetwork) -> None:
    reader = Reader()
    read(tower, VIEWS[:70], reader)
    mixed = [VIEWS[80], *VIEWS[20:90], VIEWS[80], VIEWS[3]]
    read(tower, mixed, reader)
    assert reader.asked[1] == [VIEWS[80], *VIEWS[70:80], *VIEWS[81:90]]
    read(tower, VIEWS[:90], reader)
    assert len(reader.asked) == 2
    kept = read_tensors(files()[0])
    assert kept["keys"].shape == (90, 32)
    assert kept["features"].shape == (90, WIDTH)


def test_few_texts_are_computed_without_a_look(tower: PretrainedNetwork) -> None:
    reader = Reader()
    for views in ([], VIEWS[:1], VIEWS[:63]):
        read(tower, views, reader)
    assert len(reader.asked) == 3
    assert not files()


def test_two_transformers_never_share(tiny_bert: Path, tower: PretrainedNetwork) -> None:
    read(tower, VIEWS, Reader())
    retrained = make(tiny_bert)
    with torch.no_grad():
        next(retrained.transformer.parameters())[0, 0] += 1e-3
    others = [retrained, make(tiny_bert, max_tokens=7), make(tiny_bert, max_chars=9)]
    for number, other in enumerate(others, start=1):
        reader = Reader(shift=number)
        read(other, VIEWS, reader)
        assert reader.asked == [VIEWS]
        assert len(files()) == 1 + number
    again = Reader()
    read(make(tiny_bert), VIEWS, again)  # the same one, built anew, shares
    assert not again.asked
    # what comes behind the features is not theirs
    projected = Reader()
    read(make(tiny_bert, dim=5, projection="linear"), VIEWS, projected)
    assert not projected.asked


def test_a_torn_or_foreign_file_is_as_good_as_none(tower: PretrainedNetwork) -> None:
    read(tower, VIEWS, Reader())
    (path,) = files()
    whole = path.read_bytes()
    keys, features = read_tensors(path)["keys"], read_tensors(path)["features"]
    damages: list[bytes] = [b"", whole[:7], whole[:-1], whole[: len(whole) // 2], b"\x80\x04K\x01.", b"\x00" * 5000]
    for content in damages:
        path.write_bytes(content)
        assert_mended(tower, path)
    for tensors in (
        {"keys": keys},
        {"features": features},
        {"keys": keys, "features": features[:, :-1].copy()},
        {"keys": keys[:-1], "features": features},
        {"keys": keys[:, :-1].copy(), "features": features},
        {"keys": keys.astype(np.int64), "features": features},
        {"keys": keys, "features": features.astype(np.float64)},
        {"keys": keys, "features": features * np.float32(np.nan)},
        {"keys": np.uint8(1), "features": np.float32(1)},
    ):
        write_tensors(path, {name: np.asarray(value) for name, value in tensors.items()})
        assert_mended(tower, path)


def assert_mended(tower: PretrainedNetwork, path: Path) -> None:
    reader = Reader()
    read(tower, VIEWS, reader)
    assert reader.asked == [VIEWS]
    assert len(read_tensors(path)["features"]) == len(VIEWS)
    read(tower, VIEWS, reader)
    assert len(reader.asked) == 1


def test_a_folder_that_cannot_be_written_or_read_stops_nothing(
    tower: PretrainedNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file where the folder should be")
    monkeypatch.setenv("THREATCLIP_CACHE", str(taken))
    reader = Reader()
    read(tower, VIEWS, reader)
    read(tower, VIEWS, reader)
    assert reader.asked == [VIEWS, VIEWS]
    monkeypatch.setenv("THREATCLIP_CACHE", str(tmp_path / "cache"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", refuse)
        read(tower, VIEWS, reader)
    assert len(reader.asked) == 3
    assert not files()
    read(tower, VIEWS, reader)
    (path,) = files()
    path.unlink()
    path.mkdir()
    read(tower, VIEWS, reader)
    assert len(reader.asked) == 5


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tower: PretrainedNetwork) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("THREATCLIP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "threatclip"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "threatclip"

    def homeless(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    reader = Reader()
    read(tower, VIEWS, reader)
    assert reader.asked == [VIEWS]


def test_what_another_run_stored_meanwhile_is_kept(tower: PretrainedNetwork) -> None:
    mine, other = VIEWS[:70], VIEWS[30:]
    inner = Reader()

    def slowly(views: Sequence[bytes]) -> np.ndarray:
        read(tower, other, inner)  # somebody else comes and goes while we compute
        return expected(views)

    np.testing.assert_array_equal(cached_features(tower, mine, width=WIDTH, compute=slowly), expected(mine))
    assert inner.asked == [other]
    after = Reader()
    read(tower, VIEWS, after)
    assert not after.asked


def test_the_oldest_go_first(tower: PretrainedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cache, "_MAX_ROWS", 80)
    read(tower, VIEWS[:70], Reader())
    read(tower, VIEWS[:100], Reader())
    assert len(read_tensors(files()[0])["features"]) == 80
    reader = Reader()
    read(tower, VIEWS[20:], reader)
    assert not reader.asked
