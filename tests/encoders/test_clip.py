"""CLIP's towers: transformers' own numbers, whatever the folder's layout; one end mark; freezing; nothing lost."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from clip_cases import DIM, END, PICTURES, POSITIONS, SIDE, WORDS, configs, edit_json, peer_outputs, picture, save_clip
from clip_cases import to_old_layout as old_layout
from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders import hub
from threatclip.encoders.clip import ClipImageTower, ClipTextNetwork, ClipTextTower, build_clip_image, build_clip_text
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import encode
from threatclip.encoders.towers import build_tower, load_tower, tower_config, tower_state, view_modality
from threatclip.errors import DamagedArtifactError, ImageFaultError, InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CAPTIONS = [text.encode() for text in WORDS]


def check_equal(folder: Path) -> DualEncoder:
    """Compare vectors of both towers and logits with transformers' own forward on the same files."""
    dual = dual_from_clip(str(folder))
    peer = peer_outputs(folder, PICTURES, WORDS)
    with torch.no_grad():
        views = dual.view_tower(**dual.view_tower.collate(PICTURES))
        captions = dual.text_tower(**dual.text_tower.collate(CAPTIONS))
        logits = views @ captions.T / dual.temperature
    torch.testing.assert_close(views, peer.image_embeds, atol=1e-6, rtol=0)
    torch.testing.assert_close(captions, peer.text_embeds, atol=1e-6, rtol=0)
    torch.testing.assert_close(logits, peer.logits_per_image, atol=1e-5, rtol=0)
    assert float(views.std(dim=0).mean()) > 0.01  # the pictures are told apart, and so are the texts
    assert float(captions.std(dim=0).mean()) > 0.01
    return dual


def test_pictures_texts_and_logits_equal_transformers(tiny_clip: Path) -> None:
    dual = check_equal(tiny_clip)
    assert (dual.dim, dual.view_tower.dim) == (DIM, DIM)
    assert dual.log_scale.item() == 3.0
    assert not dual.training


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_layout_of_2021_gives_the_same_numbers(clip_copy: Path, activation: str, dtype: type) -> None:
    old_layout(clip_copy)
    edit_json(clip_copy / "config.json", text_config__hidden_act=activation, text_config_dict__hidden_act=activation)
    weights = read_tensors(clip_copy / "model.safetensors")
    floats = {name: array.astype(dtype) if array.dtype.kind == "f" else array for name, array in weights.items()}
    write_tensors(clip_copy / "model.safetensors", floats)
    check_equal(clip_copy)


def test_another_crop_norm_and_filter_are_kept(clip_copy: Path) -> None:
    edit_json(
        clip_copy / "processor_config.json",
        image_processor__size={"shortest_edge": 40},
        image_processor__image_mean=[0.1, 0.5, 0.9],
        image_processor__image_std=[0.5, 0.2, 1.5],
        image_processor__resample=2,
    )
    check_equal(clip_copy)


@pytest.mark.parametrize(
    "change",
    [
        {"do_rescale": False, "image_mean": [100.0, 120.0, 90.0], "image_std": [60.0, 50.0, 70.0]},
        {"do_normalize": False},
        {"do_center_crop": False, "size": {"height": SIDE, "width": SIDE}},
        {"rescale_factor": 1 / 127.5},
    ],
)
def test_unusual_processors_are_reproduced(clip_copy: Path, change: dict[str, object]) -> None:
    edit_json(clip_copy / "processor_config.json", **{f"image_processor__{name}": v for name, v in change.items()})
    check_equal(clip_copy)


def test_a_projection_of_the_parts_is_not_that_of_the_model(clip_copy: Path) -> None:
    edit_json(clip_copy / "config.json", text_config__projection_dim=7, vision_config__projection_dim=9)
    check_equal(clip_copy)  # as transformers does: the model's own projection_dim counts


def test_sharded_weights_are_read(tiny_clip: Path, clip_copy: Path) -> None:
    weights = read_tensors(clip_copy / "model.safetensors")
    names = sorted(weights)
    shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for name, part in shards.items():
        write_tensors(clip_copy / name, {key: weights[key] for key in part})
    where = {key: name for name, part in shards.items() for key in part}
    index = clip_copy / "model.safetensors.index.json"
    index.write_text("{}")
    edit_json(index, metadata={"total_size": 0}, weight_map=where)
    (clip_copy / "model.safetensors").unlink()
    np.testing.assert_array_equal(read_with(clip_copy), read_with(tiny_clip))


def read_with(folder: Path) -> np.ndarray:
    return encode(build_clip_text(ClipTextTower(source=str(folder))), CAPTIONS)


@pytest.fixture(scope="module")
def tokenizers(tiny_clip: Path) -> tuple[ClipTextNetwork, Any]:
    return build_clip_text(ClipTextTower(source=str(tiny_clip))), AutoTokenizer.from_pretrained(tiny_clip)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_tokens_are_those_of_transformers_for_any_text(tokenizers: tuple[ClipTextNetwork, Any], text: str) -> None:
    assume("<|" not in text)  # a mark, which we read as text
    tower, peer = tokenizers
    assert tower.tokenize([text.encode()])[0].tolist() == peer(text, truncation=True)["input_ids"]


@pytest.mark.parametrize("end_id", [None, 2])
def test_a_mark_in_a_text_hides_nothing(tmp_path: Path, end_id: int | None) -> None:
    save_clip(tmp_path / "model", **({} if end_id is None else {"eos_token_id": end_id}))
    tower = build_clip_text(ClipTextTower(source=str(tmp_path / "model"))).eval()
    rows = tower.tokenize([b"fire", f"fire {END} all safe".encode(), b"\xff\xfe fire"])
    assert all(list(row).count(rows[0][-1]) == 1 for row in rows)
    first, second, third = tower(**tower.pad(rows)).detach()
    assert float(first @ second) < 0.999
    assert torch.isfinite(third).all()


def test_long_texts_are_cut_and_keep_their_end_mark(tiny_clip: Path) -> None:
    config = ClipTextTower(source=str(tiny_clip))
    tower = build_clip_text(config).eval()
    whole, cut = tower.tokenize([b"word " * 4_000_000, b"fire"])
    assert len(whole) == POSITIONS
    assert whole[-1] == cut[-1]
    short = build_clip_text(replace(config, max_tokens=6)).eval()
    assert [len(row) for row in short.tokenize([b"word " * 9, b"ab"])] == [6, 4]
    assert (
        load_tower(tower_state(short)).tokenize([b"word " * 9])[0].tolist()
        == short.tokenize([b"word " * 9])[0].tolist()
    )
    with pytest.raises(InputError, match=f"it has {POSITIONS} positions"):
        build_clip_text(replace(config, max_tokens=POSITIONS + 1))


def test_float_pixels_carry_a_gradient_and_equal_bytes(tiny_clip: Path) -> None:
    tower = build_clip_image(ClipImageTower(source=str(tiny_clip), frozen=True)).eval()
    pixels = tower.collate(PICTURES)["pixels"]
    floats = (pixels.float() / 255).requires_grad_()
    torch.testing.assert_close(tower(floats), tower(pixels), atol=1e-5, rtol=0)
    tower(floats)[:, 0].sum().backward()
    assert floats.grad is not None
    assert float(floats.grad.abs().sum()) > 0


def test_an_image_tower_is_a_tower_like_any_other(tiny_clip: Path) -> None:
    config = ClipImageTower(source=str(tiny_clip))
    tower = build_tower(config, seed=0).eval()
    assert view_modality(tower) == view_modality(config) == "image"
    together = tower(**tower.collate(PICTURES)).detach()
    alone = torch.cat([tower(**tower.collate([view])) for view in PICTURES])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(PICTURES)))
    torch.testing.assert_close(tower.project(tower.features(**tower.collate(PICTURES))), together)
    with torch.autocast("cpu", torch.bfloat16):
        assert (tower(**tower.collate(PICTURES)) * together).sum(dim=1).min() > 0.99
    assert tower.tokenize([b""])[0].tolist() == np.full((3, SIDE, SIDE), 128).tolist()
    with pytest.raises(ImageFaultError, match="picture 1 of 2"):
        tower.tokenize([PICTURES[0], b"GIF89a"])


def test_a_bundle_needs_no_source(clip_copy: Path) -> None:
    towers = [build_tower(config, seed=0).eval() for config in configs(clip_copy)]
    states = [tower_state(tower) for tower in towers]
    shutil.rmtree(clip_copy)
    for tower, state, rows in zip(towers, states, (PICTURES, CAPTIONS), strict=True):
        assert tower_config(state.config) == tower.config
        again = load_tower(replace(state, config={**state.config, "source": "nobody/nowhere"}))
        assert torch.equal(again(**again.collate(rows)), tower(**tower.collate(rows)))
        assert again.assets() == tower.assets()


@pytest.mark.parametrize("spoil", [b"", b"{}", b"\x80\x04pickle", b"[1]"])
def test_damaged_assets_of_an_image_tower_are_refused(tiny_clip: Path, spoil: bytes) -> None:
    state = tower_state(build_clip_image(ClipImageTower(source=str(tiny_clip))))
    for name in state.assets:
        with pytest.raises(DamagedArtifactError, match="restore the bundle"):
            load_tower(replace(state, assets={**state.assets, name: spoil}))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("clip_image.json", b'"width": 40', b'"width": 16000'),
        ("clip_image.json", b'"layers": 3', b'"layers": 1000000'),
        ("clip_image.json", b'"patch": 8', b'"patch": 0'),
        ("clip_image.json", b'"side": 32', b'"side": 64'),
        ("pictures.json", b'"side": 32', b'"side": 1000000'),
    ],
)
def test_a_bundle_whose_shape_lies_is_refused(tiny_clip: Path, name: str, old: bytes, new: bytes) -> None:
    state = tower_state(build_clip_image(ClipImageTower(source=str(tiny_clip))))
    assert old in state.assets[name]
    with pytest.raises(DamagedArtifactError):
        load_tower(replace(state, assets={**state.assets, name: state.assets[name].replace(old, new)}))


def trained_names(tower: torch.nn.Module) -> set[str]:
    return {name for name, parameter in tower.named_parameters() if parameter.requires_grad}


def test_freezing_leaves_the_last_layers_and_what_follows_them(tiny_clip: Path) -> None:
    for config in configs(tiny_clip):
        everything = trained_names(build_tower(config, seed=0))
        assert any("position_embedding" in name for name in everything)
        last = trained_names(build_tower(replace(config, n_trainable_layers=1), seed=0))
        assert {name for name in last if ".layers." in name} == {name for name in everything if ".layers.2." in name}
        assert not any("embedding" in name or "pre_layrnorm" in name for name in last)
        assert "projection.weight" in last
        head = trained_names(build_tower(replace(config, n_trainable_layers=0), seed=0))
        assert head == {"projection.weight"}
        assert {name for name in last if ".layers." not in name and name not in head} <= {
            f"transformer.{norm}.{part}"
            for norm in ("post_layernorm", "final_layer_norm")
            for part in ("weight", "bias")
        }
        tower = build_tower(replace(config, frozen=True), seed=0).train()
        assert not trained_names(tower)
        assert tower.training
        assert not any(module.training for child in tower.children() for module in child.modules())
        with pytest.raises(InputError, match="has 3"):
            build_tower(replace(config, n_trainable_layers=4), seed=0)


@pytest.mark.parametrize(
    "change",
    [{"n_trainable_layers": -1}, {"n_trainable_layers": 2, "frozen": True}, {"max_tokens": 2}, {"max_chars": 0}],
)
def test_settings_that_contradict_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(InputError):
        ClipTextTower(source="x", **change)  # type: ignore[arg-type]


def test_dual_encoders_from_a_source_freeze_as_asked(tiny_clip: Path) -> None:
    dual = dual_from_clip(
        str(tiny_clip), n_trainable_view_layers=1, n_trainable_text_layers=0, max_tokens=9, learn_temperature=False
    )
    assert not dual.log_scale.requires_grad
    assert not any(".layers." in name for name in trained_names(dual.text_tower))
    assert any(".layers.2." in name for name in trained_names(dual.view_tower))
    assert len(dual.text_tower.tokenize([b"word " * 30])[0]) == 9


def test_continued_training_moves_both_towers(tiny_clip: Path) -> None:
    dual = dual_from_clip(str(tiny_clip), n_trainable_view_layers=1).train()
    optimizer = torch.optim.AdamW([p for p in dual.parameters() if p.requires_grad], lr=1e-3)
    pixels, tokens = dual.view_tower.collate(PICTURES[:6]), dual.text_tower.collate(CAPTIONS)
    losses = []
    for _ in range(8):
        logits = dual.view_tower(**pixels) @ dual.text_tower(**tokens).T / dual.temperature
        loss = torch.nn.functional.cross_entropy(logits, torch.arange(6))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    frozen = dict(dual_from_clip(str(tiny_clip)).view_tower.named_parameters())
    for name, parameter in dual.view_tower.named_parameters():
        assert parameter.requires_grad or torch.equal(parameter, frozen[name])


def test_a_hub_id_is_read_from_the_cache_when_offline(
    tiny_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_clip, tmp_path / "models--owner--clip" / "snapshots" / COMMIT)
    monkeypatch.setattr(hub, "_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    tower = build_clip_text(ClipTextTower(source="owner/clip", revision=COMMIT))
    np.testing.assert_array_equal(encode(tower, CAPTIONS), read_with(tiny_clip))
    with pytest.raises(InputError, match="40 hex digits"):
        dual_from_clip("owner/clip", revision="main")


def test_fast_encoding_in_bf16_stays_near(tiny_clip: Path) -> None:
    dual = dual_from_clip(str(tiny_clip))
    for tower, rows in ((dual.view_tower, [picture((40, 50), seed=9), *PICTURES]), (dual.text_tower, CAPTIONS)):
        exact, rough = encode(tower, rows, precision="fp32"), encode(tower, rows, precision="bf16")
        assert float((exact * rough).sum(axis=1).min()) > 0.999
