"""open_clip's towers: the library's own numbers, its tokenizer's, and bundles that need no source.

`make openclip` runs this file in an environment of its own; elsewhere the library is not installed, and it skips.
"""

from __future__ import annotations

import copy
import io
import json
import shutil
import unicodedata
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from clip_cases import PICTURES, WORDS
from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.clip_export import save_as_clip
from threatclip.encoders.interpolate import interpolate
from threatclip.encoders.open_clip import OpenClipImageTower, OpenClipTextTower
from threatclip.encoders.open_clip_folder import clean_text, load_open_clip, word_pieces
from threatclip.encoders.towers import build_tower, load_tower, tower_state, view_modality
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.training.modes import set_modes, training_modes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the library imports
    library = pytest.importorskip("open_clip", reason="open_clip is not installed; run: make openclip")

TEXT = {"context_length": 20, "vocab_size": 49_408, "width": 16, "heads": 2, "layers": 2}
RESNET = {"image_size": 64, "layers": [1, 2, 1, 1], "width": 8, "patch_size": None}
VIT = {"image_size": 32, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8}
MODELS: dict[str, dict[str, Any]] = {
    "resnet": {"embed_dim": 24, "vision_cfg": RESNET, "text_cfg": TEXT},
    "vit": {"embed_dim": 24, "vision_cfg": VIT, "text_cfg": TEXT, "quick_gelu": True},
    "timm": {
        "embed_dim": 24,
        "vision_cfg": {"timm_model_name": "test_vit", "timm_model_pretrained": True, "image_size": 64},
        "text_cfg": TEXT,
        "custom_text": True,
    },
}
CAPTIONS = [text.encode() for text in WORDS]


def save(folder: Path, architecture: Any, **pictures: Any) -> Path:
    """Write a random model in the hub's format of open_clip."""
    folder.mkdir()
    settings_ = json.loads(json.dumps(architecture))
    custom = settings_.pop("custom_text", False)
    if "timm_model_name" in settings_["vision_cfg"]:
        settings_["vision_cfg"]["timm_model_pretrained"] = False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = (library.CustomTextCLIP if custom else library.CLIP)(**settings_)
        for name, parameter in model.named_parameters():
            if name != "logit_scale":
                parameter.data.add_(0.2 * torch.randn_like(parameter))
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.mul_(1.7)
    save_file({name: t.contiguous() for name, t in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    mean, std = list(library.OPENAI_DATASET_MEAN), list(library.OPENAI_DATASET_STD)
    preprocess = {"mean": mean, "std": std, "interpolation": "bicubic", "resize_mode": "shortest", **pictures}
    config = {"model_cfg": architecture, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(params=list(MODELS))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save(tmp_path / "model", MODELS[request.param])


def check_equal(folder: Path) -> None:
    """Compare with the library: its model, its transform of pictures and its tokenizer on the same files."""
    dual = dual_from_clip(str(folder))
    model, _, transform = library.create_model_and_transforms(f"local-dir:{folder}", pretrained_image=False)
    tokens = library.get_tokenizer(f"local-dir:{folder}")(WORDS)
    pixels = torch.stack([transform(Image.open(io.BytesIO(view))) for view in PICTURES])
    with torch.no_grad():
        peer_views, peer_captions, scale = model.eval()(pixels, tokens)
        views = dual.view_tower(**dual.view_tower.collate(PICTURES))
        captions = dual.text_tower(**dual.text_tower.collate(CAPTIONS))
        logits = views @ captions.T / dual.temperature
    torch.testing.assert_close(views, peer_views, atol=1e-5, rtol=0)
    torch.testing.assert_close(captions, peer_captions, atol=1e-5, rtol=0)
    torch.testing.assert_close(logits, scale * peer_views @ peer_captions.T, atol=1e-5, rtol=0)
    assert views.std(dim=0).mean() > 0.001


def test_pictures_texts_and_logits_equal_the_library(folder: Path) -> None:
    check_equal(folder)


@pytest.mark.parametrize("pictures", [{"interpolation": "bilinear"}, {"resize_mode": "squash"}, {"mean": [0, 0.5, 1]}])
def test_its_settings_of_pictures_are_kept(tmp_path: Path, pictures: dict[str, Any]) -> None:
    check_equal(save(tmp_path / "model", MODELS["vit"], **pictures))


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=60))
def test_tokens_are_those_of_the_library_for_any_text(text: str) -> None:
    cleaned = clean_text(text)
    assume("_of_text>" not in cleaned)  # a mark, which we read as text
    # cleaning may make such letters of others; tables of Unicode differ in what is not assigned
    assume(not any(unicodedata.category(letter) == "Cn" or letter == "\u0345" for letter in cleaned))
    found = PIECES.encode(cleaned).ids
    wanted = [SIMPLE.sot_token_id, *SIMPLE.encode(text), SIMPLE.eot_token_id]
    assert found == wanted


PIECES = word_pieces()
PIECES.encode_special_tokens = True
SIMPLE = library.tokenizer.SimpleTokenizer()


def test_a_mark_in_a_text_hides_nothing(tmp_path: Path) -> None:
    tower = dual_from_clip(str(save(tmp_path / "model", MODELS["vit"]))).text_tower
    rows = tower.tokenize([b"fire", b"fire <end_of_text> all safe", b"x" * 10_000_000])
    assert all(list(row).count(rows[0][-1]) == 1 for row in rows)
    assert [len(row) for row in rows[::2]] == [3, 20]


def test_a_bundle_needs_no_source(folder: Path) -> None:
    dual = dual_from_clip(str(folder))
    states = [tower_state(tower) for tower in (dual.view_tower, dual.text_tower)]
    shutil.rmtree(folder)
    for tower, state, rows in zip((dual.view_tower, dual.text_tower), states, (PICTURES, CAPTIONS), strict=True):
        again = load_tower(replace(state, config={**state.config, "source": "nobody/nowhere"}))
        assert torch.equal(again(**again.collate(rows)), tower(**tower.collate(rows)))
        assert again.assets() == tower.assets()
        for name in state.assets:
            with pytest.raises(DamagedArtifactError, match="restore the bundle"):
                load_tower(replace(state, assets={**state.assets, name: b"{}"}))
        lying = state.assets["open_clip.json"].replace(b'"embed_dim": 24', b'"embed_dim": 60000')
        with pytest.raises(DamagedArtifactError):
            load_tower(replace(state, assets={**state.assets, "open_clip.json": lying}))


def test_freezing_and_statistics(tmp_path: Path) -> None:
    source = str(save(tmp_path / "model", MODELS["resnet"]))
    tower = build_tower(OpenClipImageTower(source=source, n_trainable_layers=1), seed=0)
    trained = {name for name, parameter in tower.named_parameters() if parameter.requires_grad}
    assert {name.split(".")[1] for name in trained} == {"layer4", "attnpool"}
    whole = build_tower(OpenClipImageTower(source=source), seed=0).train()
    before = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    set_modes(training_modes(whole))  # as the training of dual encoders does
    whole(**whole.collate(PICTURES)).sum().backward()
    assert all(parameter.grad is not None for parameter in whole.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in whole.state_dict().items())
    assert view_modality(whole) == "image"
    copied = copy.deepcopy(whole).train()
    assert torch.equal(copied(**whole.collate(PICTURES)), whole.eval()(**whole.collate(PICTURES)))
    text = build_tower(OpenClipTextTower(source=source, frozen=True), seed=0)
    assert not any(parameter.requires_grad for parameter in text.parameters())
    with pytest.raises(InputError, match="has 4"):
        build_tower(OpenClipImageTower(source=source, n_trainable_layers=5), seed=0)


def test_a_trunk_of_timm_trains_whole_or_not_at_all(tmp_path: Path) -> None:
    source = str(save(tmp_path / "model", MODELS["timm"]))
    with pytest.raises(InputError, match="cannot tell the layers"):
        build_tower(OpenClipImageTower(source=source, n_trainable_layers=1), seed=0)
    build_tower(OpenClipImageTower(source=source, frozen=True), seed=0)


def test_a_tuned_model_is_mixed_but_not_exported_as_clip(tmp_path: Path) -> None:
    source = str(save(tmp_path / "model", MODELS["vit"]))
    original, tuned = dual_from_clip(source), dual_from_clip(source)
    tuned.text_tower.text.ln_final.weight.data.add_(1.0)
    mixed = interpolate(original, tuned, alpha=0.5)
    assert mixed.text_tower.text.ln_final.weight[0].item() == pytest.approx(
        original.text_tower.text.ln_final.weight[0].item() + 0.5
    )
    with pytest.raises(InputError, match="'open_clip_image' and 'open_clip_text'"):
        save_as_clip(mixed, tmp_path / "out")


@pytest.mark.parametrize("spoil", ["missing", "left over", "shape", "infinite", "pickle", "scale", "layers"])
def test_weights_that_are_not_exactly_those_promised_are_refused(tmp_path: Path, spoil: str) -> None:
    folder = save(tmp_path / "model", MODELS["vit"])
    path = folder / "open_clip_model.safetensors"
    weights, name = read_tensors(path), "visual.transformer.resblocks.1.mlp.c_fc.weight"
    match spoil:
        case "missing":
            del weights[name]
        case "left over":
            weights["visual.head.weight"] = np.zeros(3, np.float32)
        case "shape":
            weights[name] = weights[name][:5]
        case "infinite":
            weights[name][0, 0] = np.inf
        case "scale":
            weights["logit_scale"] = np.array(5.5, np.float32)
        case "layers":
            config = json.loads((folder / "open_clip_config.json").read_text())
            config["model_cfg"]["vision_cfg"]["layers"] = 2
            (folder / "open_clip_config.json").write_text(json.dumps(config))
    write_tensors(path, weights)
    if spoil == "pickle":
        torch.save({"state_dict": {}}, folder / "open_clip_pytorch_model.bin")
        path.unlink()
    with pytest.raises((InputError, DamagedArtifactError), match=r"do not fit|not finite|never read|multiplies"):
        load_open_clip(folder)


def test_the_real_rn50_is_read(tmp_path: Path) -> None:
    architecture = library.get_model_config("RN50")
    architecture["text_cfg"]["layers"] = 2  # the other ten are alike
    dual = dual_from_clip(str(save(tmp_path / "model", architecture)))
    assert (dual.dim, dual.view_tower.side) == (1_024, 224)
    assert sum(parameter.numel() for parameter in dual.parameters()) == 70_483_297
