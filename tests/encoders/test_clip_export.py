"""Export: transformers reads the folder and computes what our towers compute; nothing else is written as CLIP."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tower_cases import CONFIGS, TEXTS
from transformers import AutoTokenizer, CLIPModel, CLIPProcessor

from clip_cases import PICTURES, WORDS, peer_outputs, to_old_layout
from threatclip.artifacts import verify_manifest
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.clip_export import save_as_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import build_tower, load_tower, tower_state
from threatclip.errors import InputError

CAPTIONS = [text.encode() for text in WORDS]


def tuned(folder: Path) -> DualEncoder:
    """Return a model of a folder with other weights and another scale, as training leaves it."""
    dual = dual_from_clip(str(folder))
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in dual.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=noise))
    return dual


@pytest.mark.parametrize("layout", ["today", "2021"])
def test_an_export_computes_the_same_in_transformers(clip_copy: Path, tmp_path: Path, layout: str) -> None:
    if layout == "2021":
        to_old_layout(clip_copy)
    dual = tuned(clip_copy)
    save_as_clip(dual, tmp_path / "out")
    peer = peer_outputs(tmp_path / "out", PICTURES, WORDS)
    with torch.no_grad():
        views = dual.view_tower(**dual.view_tower.collate(PICTURES))
        captions = dual.text_tower(**dual.text_tower.collate(CAPTIONS))
        torch.testing.assert_close(views, peer.image_embeds, atol=1e-6, rtol=0)
        torch.testing.assert_close(captions, peer.text_embeds, atol=1e-6, rtol=0)
        logits = views @ captions.T / dual.temperature
        torch.testing.assert_close(logits, peer.logits_per_image, atol=1e-5, rtol=0)


def test_an_export_reads_texts_and_pictures_as_its_source_did(tiny_clip: Path, tmp_path: Path) -> None:
    save_as_clip(dual_from_clip(str(tiny_clip)), tmp_path / "out")
    answers = []
    for folder in (tiny_clip, tmp_path / "out"):
        processor = CLIPProcessor.from_pretrained(folder)
        opened = [Image.open(io.BytesIO(view)) for view in PICTURES]
        answers.append(processor(text=WORDS, images=opened, padding=True, truncation=True, return_tensors="pt"))
    assert torch.equal(answers[0]["input_ids"], answers[1]["input_ids"])
    assert torch.equal(answers[0]["pixel_values"], answers[1]["pixel_values"])
    source, export = (CLIPModel.from_pretrained(folder).config for folder in (tiny_clip, tmp_path / "out"))
    assert export.text_config.bos_token_id == source.text_config.bos_token_id
    assert export.text_config.eos_token_id == source.text_config.eos_token_id


def test_an_export_of_a_bundle_that_has_no_source(tiny_clip: Path, tmp_path: Path) -> None:
    dual = tuned(tiny_clip)
    again = DualEncoder(
        view_tower=load_tower(tower_state(dual.view_tower)), text_tower=load_tower(tower_state(dual.text_tower))
    )
    again.log_scale.data.fill_(dual.log_scale.item())
    save_as_clip(dual, tmp_path / "one")
    save_as_clip(again, tmp_path / "other")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_an_export_loads_here_again(tiny_clip: Path, tmp_path: Path) -> None:
    dual = tuned(tiny_clip)
    save_as_clip(dual, tmp_path / "out")
    again = dual_from_clip(str(tmp_path / "out"))
    for name, tensor in dual.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert again.text_tower.tokenize(CAPTIONS)[0].tolist() == dual.text_tower.tokenize(CAPTIONS)[0].tolist()


def test_older_transformers_find_their_files(tiny_clip: Path, tmp_path: Path) -> None:
    save_as_clip(dual_from_clip(str(tiny_clip)), tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"preprocessor_config.json", "vocab.json", "merges.txt", "special_tokens_map.json"} < names
    (tmp_path / "out" / "tokenizer.json").unlink()
    slow, fast = AutoTokenizer.from_pretrained(tmp_path / "out"), AutoTokenizer.from_pretrained(tiny_clip)
    assert slow(WORDS)["input_ids"] == fast(WORDS)["input_ids"]


def test_a_scale_beyond_the_clip_is_saved_as_it_is_read(tiny_clip: Path, tmp_path: Path) -> None:
    dual = dual_from_clip(str(tiny_clip))
    dual.log_scale.data.fill_(9.0)
    save_as_clip(dual, tmp_path / "out")
    model = CLIPModel.from_pretrained(tmp_path / "out")
    assert model.logit_scale.detach().exp().item() == pytest.approx(100.0)


def test_an_export_is_whole_and_replaces_only_its_own(tiny_clip: Path, tmp_path: Path) -> None:
    dual = dual_from_clip(str(tiny_clip))
    save_as_clip(dual, tmp_path / "out")
    assert verify_manifest(tmp_path / "out")["kind"] == "transformers CLIPModel"
    save_as_clip(dual, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not ours to replace"):
        save_as_clip(dual, tmp_path / "mine")


def test_towers_that_are_not_clips_are_refused(tiny_clip: Path, tmp_path: Path) -> None:
    dual = dual_from_clip(str(tiny_clip))
    other = DualEncoder(view_tower=dual.view_tower, text_tower=build_tower(CONFIGS["bpe"], seed=0, texts=TEXTS))
    with pytest.raises(InputError, match="'clip_image' and 'bpe' cannot be saved as a CLIPModel"):
        save_as_clip(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_that_transformers_would_read_otherwise_is_refused(clip_copy: Path, tmp_path: Path) -> None:
    dual = dual_from_clip(str(clip_copy))
    state = tower_state(dual.text_tower)
    content = json.loads(state.assets["tokenizer.json"])
    content["normalizer"] = None  # CLIP's own class would put its normalizer back
    assets = {**state.assets, "tokenizer.json": json.dumps(content).encode()}
    state = type(state)(config=state.config, weights=state.weights, assets=assets)
    other = DualEncoder(view_tower=dual.view_tower, text_tower=load_tower(state))
    with pytest.raises(InputError, match="reads a CLIPTokenizer differently"):
        save_as_clip(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
