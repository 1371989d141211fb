"""`threatclip export-clip`: a trained CLIP leaves for transformers; whatever is not CLIP stays, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from commands import Command

from clip_cases import PICTURES, WORDS, peer_outputs, save_clip
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import build_tower
from threatclip.experiments.contrastive.bundle import DualBundle


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder whose bundle is a CLIP model, its source gone."""
    save_clip(tmp_path / "model")
    dual = dual_from_clip(str(tmp_path / "model"))
    DualBundle(dual=dual, modality="image").save(tmp_path / "run" / "bundle", card="a model")
    (tmp_path / "model").rename(tmp_path / "elsewhere")
    return tmp_path / "run"


def test_transformers_computes_what_the_bundle_computes(run: Path, tmp_path: Path, threatclip: Command) -> None:
    done = threatclip("export-clip", run, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.errors
    bundle = DualBundle.load(run)
    assert done.json == {
        "run": str(run),
        "output": str(tmp_path / "out"),
        "model": bundle.model,
        "n_parameters": sum(parameter.numel() for parameter in bundle.dual.parameters()),
    }
    peer = peer_outputs(tmp_path / "out", PICTURES, WORDS)
    torch.testing.assert_close(torch.from_numpy(bundle.view_vectors(PICTURES)), peer.image_embeds, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.from_numpy(bundle.text_vectors(WORDS)), peer.text_embeds, atol=1e-5, rtol=0)
    assert threatclip("verify", tmp_path / "out").out.startswith(f"{tmp_path / 'out'}: transformers CLIPModel is whole")


def test_it_says_what_it_wrote_and_writes_it_again(run: Path, tmp_path: Path, threatclip: Command) -> None:
    for _ in range(2):
        done = threatclip("export-clip", run / "bundle", "-o", tmp_path / "out")
        assert (done.code, done.errors) == (0, [])
        assert "parameters, as transformers' CLIPModel" in done.out


def test_a_model_of_another_architecture_is_refused(tmp_path: Path, threatclip: Command) -> None:
    tower = build_tower(ByteTower(dim=8, max_bytes=16, embedding=4, widths=(8,)), seed=0)
    bundle = DualBundle(dual=DualEncoder(view_tower=tower, text_tower=tower), modality="payload")
    bundle.save(tmp_path / "run" / "bundle", card="a model")
    done = threatclip("export-clip", tmp_path / "run", "-o", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert "only 'clip_image' with 'clip_text' can" in done.error
    assert not (tmp_path / "out").exists()


def test_a_changed_bundle_and_a_missing_one_are_told_apart(run: Path, tmp_path: Path, threatclip: Command) -> None:
    with (run / "bundle" / "assets" / "text" / "tokenizer.json").open("ab") as handle:
        handle.write(b" ")
    assert threatclip("export-clip", run, "-o", tmp_path / "out").code == 3
    assert threatclip("export-clip", tmp_path / "nothing", "-o", tmp_path / "out").code == 2
