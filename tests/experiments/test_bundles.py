"""The files that every kind of bundle has: what is written is read, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from threatclip import __version__
from threatclip.artifacts import MANIFEST, read_json, sha256_file
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.bundles import opened_bundle, prefixed, under, write_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bundle(
        tmp_path / "run" / "bundle",
        kind="tried",
        config={"size": 3},
        tensors=prefixed("head", {"weight": np.arange(3.0), "head.bias": np.ones(1)}),
        assets={"view/words.json": b"[]", "flat.bin": b"\0"},
        card="# a card",
        texts={"known.json": '["a"]'},
    )
    return tmp_path / "run" / "bundle"


def test_what_was_written_is_read_from_the_bundle_and_from_its_run(folder: Path) -> None:
    for place in (folder, folder.parent):
        with opened_bundle(place, kind="tried") as files:
            assert files.folder == folder
            assert files.config == {"kind": "tried", "version": __version__, "size": 3}
            assert files.read("known.json") == ["a"]
            assert files.assets("view") == {"words.json": b"[]"}
            assert files.assets("absent") == {}
            assert sorted(files.under("head")) == ["head.bias", "weight"]
            np.testing.assert_array_equal(files.under("head")["weight"], np.arange(3.0))
            assert files.model == sha256_file(folder / MANIFEST)
    assert read_json(folder / MANIFEST)["kind"] == "tried"
    assert (folder / "README.md").read_text() == "# a card"


def test_another_kind_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="of kind 'tried', not 'other'"), opened_bundle(folder, kind="other"):
        pass


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "known.json", "assets/view/words.json"])
def test_a_changed_file_is_never_read(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(DamagedArtifactError, match="was changed"), opened_bundle(folder, kind="tried"):
        pass


def test_parts_that_do_not_fit_make_a_damaged_bundle(folder: Path) -> None:
    with pytest.raises(DamagedArtifactError, match="not a whole bundle"), opened_bundle(folder, kind="tried") as files:
        files.config["absent"]
    with pytest.raises(DamagedArtifactError, match="not a whole bundle"), opened_bundle(folder, kind="tried") as files:
        files.tower("size", weights="head")
    with pytest.raises(OverflowError), opened_bundle(folder, kind="tried"):
        raise OverflowError  # a bug of ours is none of the bundle's


def test_names_behind_a_prefix_come_back_alone() -> None:
    arrays = {"a": np.zeros(1), "b.c": np.ones(2)}
    tensors = {**prefixed("x", arrays), **prefixed("xy", {"a": np.ones(3)}), "x": np.ones(4)}
    assert {name: len(array) for name, array in under("x", tensors).items()} == {"a": 1, "b.c": 2}
