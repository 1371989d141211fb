"""A dual encoder on disk: it answers alike after loading, and what was changed is never loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pair_cases import picture_pairs, tiny_dual
from threatclip.artifacts import write_manifest
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.contrastive.bundle import KIND, DualBundle

PROMPTS = {"red": ("a red band", "red"), "blue": ("a blue band",)}


@pytest.fixture
def saved(tmp_path: Path) -> tuple[DualBundle, Path]:
    dual = tiny_dual(["a red band at the top", "blue, bottom"]).eval()
    with_scale = DualBundle(dual=dual, modality="image", prompts=PROMPTS)
    dual.log_scale.data.fill_(3.25)
    with_scale.save(tmp_path / "bundle", card="# a card")
    return with_scale, tmp_path / "bundle"


def test_a_loaded_bundle_answers_alike(saved: tuple[DualBundle, Path]) -> None:
    bundle, folder = saved
    again = DualBundle.load(folder.parent)  # the run folder stands for its bundle
    views = [pair.view for pair in picture_pairs(5, captions=1)]
    np.testing.assert_array_equal(again.view_vectors(views), bundle.view_vectors(views))
    np.testing.assert_array_equal(again.text_vectors(["red", "at night"]), bundle.text_vectors(["red", "at night"]))
    assert again.dual.log_scale.item() == 3.25
    assert (again.modality, dict(again.prompts)) == ("image", PROMPTS)
    assert len(again.model) == 64
    assert not again.dual.training
    classes, prototypes = again.prototypes()
    assert classes == ("red", "blue")
    np.testing.assert_allclose(np.linalg.norm(prototypes, axis=1), 1, atol=1e-6)


def test_prompts_are_needed_for_prototypes(saved: tuple[DualBundle, Path]) -> None:
    bundle, _ = saved
    with pytest.raises(InputError, match="no class prompts"):
        bundle.prototypes({})


def test_a_changed_byte_is_refused(saved: tuple[DualBundle, Path]) -> None:
    _, folder = saved
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "manifest.json":
            whole = path.read_bytes()
            path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
            with pytest.raises(DamagedArtifactError):
                DualBundle.load(folder)
            path.write_bytes(whole)
    DualBundle.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"modality": "sound"},
        {"view_tower": {"kind": "resnet", "side": 32}},
        {"view_tower": {"kind": "no such"}},
        {"prompts": None},
        {"learn_temperature": None, "text_tower": {}},
    ],
)
def test_parts_that_do_not_fit_are_refused_even_with_right_hashes(
    saved: tuple[DualBundle, Path], change: dict[str, object]
) -> None:
    _, folder = saved
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    write_manifest(folder, extra={"kind": KIND})
    with pytest.raises(DamagedArtifactError):
        DualBundle.load(folder)


def test_a_bundle_of_another_kind_is_named(saved: tuple[DualBundle, Path]) -> None:
    _, folder = saved
    write_manifest(folder, extra={"kind": "payload-weakness"})
    with pytest.raises(InputError, match="payload-weakness"):
        DualBundle.load(folder)
    with pytest.raises(InputError, match="no bundle"):
        DualBundle.load(folder.parent.parent / "nowhere")
