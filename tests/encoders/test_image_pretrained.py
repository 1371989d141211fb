"""The pretrained image tower: transformers' own numbers, what trains of it, and the folders that it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_cases import VIEWS, MakeImage
from safetensors.numpy import load_file, save_file
from torch import nn
from transformers import AutoModel, MobileNetV2Config, MobileNetV2Model, SwinConfig, SwinModel

from clip_cases import edit_json
from threatclip.encoders import hub
from threatclip.encoders.hub_image import picture_layers
from threatclip.encoders.image_pretrained import PretrainedImageNetwork, PretrainedImageTower
from threatclip.encoders.still import StillBatchNorm2d
from threatclip.encoders.towers import build_tower
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.training.modes import set_modes, training_modes

REAL = "weights/mobilenet_v2_imagenet_hf"


def make(folder: Path, **settings: Any) -> PretrainedImageNetwork:
    tower = build_tower(PretrainedImageTower(source=str(folder), **settings), seed=0)
    assert isinstance(tower, PretrainedImageNetwork)
    return tower


def peer_features(folder: Path, pixels: torch.Tensor) -> torch.Tensor:
    """Return what transformers computes of uint8 [n, 3, h, w], normalized by hand as the folder says."""
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    mean, std = (torch.tensor(settings[name])[:, None, None] for name in ("image_mean", "image_std"))
    model, report = AutoModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    with torch.no_grad():
        output = model.eval()(pixel_values=(pixels.float() / 255 - mean) / std)
    without_pooler = any("pooler" in name for name in report["missing_keys"])
    return output.last_hidden_state[:, 0] if without_pooler else output.pooler_output


@pytest.mark.parametrize("name", ["mobilenet", "vit-folder"])
@pytest.mark.parametrize("mode", [False, True])
def test_features_are_those_of_transformers(name: str, mode: bool, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name).train(mode)
    pixels = tower.collate(VIEWS)["pixels"]
    expected = peer_features(Path(tower.config.source), pixels)
    torch.testing.assert_close(tower.features(pixels), expected, atol=1e-5, rtol=1e-5)


def test_a_real_folder_gives_the_features_of_transformers(data_dir: Path) -> None:
    tower = make(data_dir / REAL, side=96).eval()
    assert (tower.dim, tower.reading.side, tower.reading.mean) == (1280, 224, (0.5, 0.5, 0.5))
    assert len(picture_layers(tower.model)) == 18
    pixels = tower.collate(VIEWS)["pixels"]
    expected = peer_features(data_dir / REAL, pixels)
    with torch.no_grad():
        found = tower.features(pixels)
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-5)


@pytest.mark.parametrize("side", [32, 48, 40])
def test_a_transformer_reads_other_sides_than_its_own(side: int, make_image_tower: MakeImage) -> None:
    tower = make_image_tower("vit-folder", side=side)
    vectors = tower(**tower.collate(VIEWS))
    assert vectors.shape == (len(VIEWS), 16)


def test_a_side_that_the_model_cannot_read_is_refused(tmp_path: Path, tiny_vit: Path) -> None:
    with pytest.raises(InputError, match="side = 3000"):
        make(tiny_vit, side=3000)
    swin = SwinConfig(embed_dim=8, depths=[1, 1], num_heads=[1, 1], image_size=32, patch_size=4, window_size=4)
    SwinModel(swin).save_pretrained(tmp_path / "swin")
    (tmp_path / "swin" / "preprocessor_config.json").write_bytes((tiny_vit / "preprocessor_config.json").read_bytes())
    tower = make(tmp_path / "swin").eval()
    assert tower.reading.pooling == "pooler"
    pixels = tower.collate(VIEWS)["pixels"]
    torch.testing.assert_close(tower.features(pixels), peer_features(tmp_path / "swin", pixels), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_layers", [0, 1, 5, 18])
def test_only_the_last_layers_train(n_layers: int, make_image_tower: MakeImage) -> None:
    tower = make_image_tower("mobilenet", n_trainable_layers=n_layers)
    assert isinstance(tower, PretrainedImageNetwork)
    layers = picture_layers(tower.model)
    assert len(layers) == 18
    for number, layer in enumerate(layers):
        assert {p.requires_grad for p in layer.parameters()} == {number >= 18 - n_layers}
    assert sum(p.numel() for layer in layers for p in layer.parameters()) == sum(
        p.numel() for p in tower.model.parameters()
    )


def test_more_layers_than_there_are_is_refused(tiny_mobilenet: Path, tiny_vit: Path) -> None:
    with pytest.raises(InputError, match=r"n_trainable_layers = 19 but .* has 18"):
        make(tiny_mobilenet, n_trainable_layers=19)
    with pytest.raises(InputError, match="has 5"):  # embeddings, three layers, last norm
        make(tiny_vit, n_trainable_layers=6)


@pytest.mark.parametrize("how", ["train", "set_modes", "by hand"])
def test_batch_norms_never_learn_from_a_batch(how: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower("mobilenet", n_trainable_layers=18)
    assert isinstance(tower, PretrainedImageNetwork)
    pixels = tower.collate(VIEWS)["pixels"]
    still = tower(pixels)
    before = {name: value.clone() for name, value in tower.named_buffers()}
    assert any(name.endswith("running_mean") for name in before)
    match how:
        case "train":
            tower.train()
        case "set_modes":
            set_modes(training_modes(tower))
        case _:
            for module in tower.modules():
                module.training = True
    norms = [module for module in tower.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 52
    assert all(type(norm) is StillBatchNorm2d and not norm.training for norm in norms)
    assert torch.equal(tower(pixels), still)
    assert all(torch.equal(value, before[name]) for name, value in tower.named_buffers())
    assert all(norm.weight.requires_grad and norm.bias.requires_grad for norm in norms)


def test_names_and_values_of_the_weights_are_the_folder_s(tiny_mobilenet: Path) -> None:
    model = AutoModel.from_pretrained(tiny_mobilenet, dtype=torch.float32)
    own = make(tiny_mobilenet).model.state_dict()
    assert {name: value.shape for name, value in model.state_dict().items()} == {n: v.shape for n, v in own.items()}
    assert all(torch.equal(value, own[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "mean", "std"),
    [
        ({}, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)),
        ({"do_normalize": False}, (0, 0, 0), (1, 1, 1)),
        ({"rescale_factor": 2 / 255}, (0.2, 0.25, 0.3), (0.1, 0.125, 0.15)),
        ({"do_rescale": False, "image_mean": [102.0, 127.5, 153.0], "image_std": [51.0] * 3}, None, (0.2, 0.2, 0.2)),
    ],
)
def test_rescaling_and_normalizing_follow_the_folder(
    changes: dict[str, Any], mean: tuple[float, ...] | None, std: tuple[float, ...], mobilenet_copy: Path
) -> None:
    edit_json(mobilenet_copy / "preprocessor_config.json", **changes)
    reading = make(mobilenet_copy).reading
    assert reading.mean == pytest.approx(mean or (0.4, 0.5, 0.6))
    assert reading.std == pytest.approx(std)


def test_a_model_that_wants_blue_first_gets_it(mobilenet_copy: Path) -> None:
    same = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    edit_json(mobilenet_copy / "preprocessor_config.json", **same)
    plain = make(mobilenet_copy).eval()
    edit_json(mobilenet_copy / "preprocessor_config.json", do_flip_channel_order=True)
    flipped = make(mobilenet_copy).eval()
    pixels = plain.collate(VIEWS)["pixels"]
    assert torch.equal(flipped(pixels.flip(1)), plain(pixels))
    assert not torch.equal(flipped(pixels), plain(pixels))


@pytest.mark.parametrize("size", [32, {"height": 32, "width": 32}, {"shortest_edge": 32}])
def test_the_side_is_the_folder_s_unless_told(size: object, mobilenet_copy: Path) -> None:
    edit_json(mobilenet_copy / "preprocessor_config.json", do_center_crop=False, size=size)
    assert make(mobilenet_copy).side == 32
    assert make(mobilenet_copy, side=64).side == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_mean": None}, "image_mean"),
        ({"image_mean": [0.5]}, "read"),
        ({"image_mean": [0.5, 0.5, float("inf")]}, "mean"),
        ({"image_std": [0.5, 0.5, 0.0]}, "std"),
        ({"image_std": "wide"}, "read"),
        ({"rescale_factor": 0}, "ZeroDivisionError"),
        ({"rescale_offset": True}, "rescale_offset"),
        ({"crop_size": [1, 2]}, "read"),
        ({"crop_size": {"height": 100_000}}, "side = 100000"),
        ({"auto_map": {"AutoImageProcessor": "own.Code"}}, "code to run"),
    ],
)
def test_settings_that_do_not_say_how_to_read_are_refused(
    changes: dict[str, Any], message: str, mobilenet_copy: Path
) -> None:
    edit_json(mobilenet_copy / "preprocessor_config.json", **changes)
    with pytest.raises(InputError, match=message):
        make(mobilenet_copy)


def test_a_folder_without_settings_of_pictures_is_refused(mobilenet_copy: Path) -> None:
    (mobilenet_copy / "preprocessor_config.json").write_text("[1]")
    with pytest.raises(InputError, match="not a JSON object"):
        make(mobilenet_copy)
    (mobilenet_copy / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match=r"no preprocessor_config\.json"):
        make(mobilenet_copy)


def test_a_model_of_texts_is_refused(tiny_bert: Path, tiny_clip: Path, mobilenet_copy: Path, tmp_path: Path) -> None:
    for folder in (tiny_bert, tiny_clip):
        for file in (*folder.glob("config.json"), *folder.glob("*.safetensors")):
            (mobilenet_copy / file.name).write_bytes(file.read_bytes())
        with pytest.raises(InputError, match=r"not pictures alone|cannot be read"):
            make(mobilenet_copy)


def test_pickles_and_code_and_missing_weights_are_refused(mobilenet_copy: Path) -> None:
    weights = mobilenet_copy / "model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if "layer.3" in name and name.endswith("convolution.weight"))
    save_file({key: value for key, value in tensors.items() if key != name}, weights)
    with pytest.raises(InputError, match="lacks weights"):
        make(mobilenet_copy)
    save_file({**tensors, name: np.zeros((1, 2, 3, 3), dtype=np.float32)}, weights)
    with pytest.raises(InputError, match=r"wrong shapes|cannot be read"):
        make(mobilenet_copy)
    save_file({**tensors, name: np.full_like(tensors[name], np.nan)}, weights)
    with pytest.raises(DamagedArtifactError, match="not finite"):
        make(mobilenet_copy)
    weights.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(DamagedArtifactError, match="not safetensors"):
        make(mobilenet_copy)
    weights.rename(mobilenet_copy / "pytorch_model.bin")
    with pytest.raises(InputError, match="never read"):
        make(mobilenet_copy)


def test_a_writer_that_does_not_count_batches_is_understood(mobilenet_copy: Path) -> None:
    before = make(mobilenet_copy).model.state_dict()
    weights = mobilenet_copy / "model.safetensors"
    save_file({k: v for k, v in load_file(weights).items() if not k.endswith("num_batches_tracked")}, weights)
    after = make(mobilenet_copy).model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("source", "revision", "message"),
    [
        ("/nowhere/at/all", None, "no model folder"),
        ("owner/name", None, "needs revision"),
        ("owner/name", "main", "needs revision"),
    ],
)
def test_a_hub_id_needs_its_commit(source: str, revision: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_tower(PretrainedImageTower(source=source, revision=revision), seed=0)


def test_a_hub_id_is_read_from_the_cache_when_offline(
    tiny_mobilenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    monkeypatch.setattr(hub, "_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    config = PretrainedImageTower(source="somebody/tiny", revision=revision)
    with pytest.raises(InputError, match="from the hub or its cache"):
        build_tower(config, seed=0)
    shutil.copytree(tiny_mobilenet, tmp_path / "models--somebody--tiny" / "snapshots" / revision)
    cached, local = build_tower(config, seed=0).eval(), make(tiny_mobilenet).eval()
    assert torch.equal(cached(**cached.collate(VIEWS)), local(**local.collate(VIEWS)))


def test_a_mobilenet_with_another_padding_and_activation_is_the_same_model(tmp_path: Path, tiny_vit: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shape = {"depth_multiplier": 0.1, "min_depth": 4, "depth_divisible_by": 4, "output_stride": 8}
        config = MobileNetV2Config(tf_padding=False, hidden_act="silu", image_size=32, **shape)
        model = MobileNetV2Model(config).eval()
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        model.save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "preprocessor_config.json").write_bytes((tiny_vit / "preprocessor_config.json").read_bytes())
    tower = make(tmp_path / "model").eval()
    pixels = tower.collate(VIEWS)["pixels"]
    expected = peer_features(tmp_path / "model", pixels)
    assert expected.std() > 1e-3
    torch.testing.assert_close(tower.features(pixels), expected, atol=1e-5, rtol=1e-4)
