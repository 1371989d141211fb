"""One battery of small checks over every kind of image tower."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_cases import CONFIGS, FROZEN, VIEWS, MakeImage

from clip_cases import picture
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.image import ResnetTower, VitTower
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.pixels import normalized
from threatclip.encoders.towers import (
    TowerState,
    build_tower,
    load_tower,
    load_weights,
    module_weights,
    tower_config,
    tower_state,
    view_modality,
)
from threatclip.errors import DamagedArtifactError, ImageFaultError, InputError

EVERY = pytest.mark.parametrize("name", CONFIGS)
HOSTILE = [b"no picture", b"\x00" * 50, b"\x89PNG\r\n\x1a\n" + b"\x00" * 99, picture((30, 30))[:-40], b"\xff\xd8\xff"]


@EVERY
def test_rows_are_unit_vectors_of_the_promised_dimension(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    batch = tower.collate(VIEWS)
    assert batch["pixels"].dtype == torch.uint8
    assert batch["pixels"].shape == (len(VIEWS), 3, tower.side, tower.side)
    vectors = tower(**batch)
    assert vectors.shape == (len(VIEWS), tower.dim)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(VIEWS)), atol=1e-5, rtol=0)
    assert (vectors @ vectors.T).fill_diagonal_(0).max() < 1 - 1e-6, "every picture looks the same"


@EVERY
def test_a_row_never_depends_on_its_batch(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    together = tower(**tower.collate(VIEWS))
    alone = torch.cat([tower(**tower.collate([view])) for view in VIEWS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@EVERY
def test_what_is_no_picture_is_refused_with_its_place(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    for view in HOSTILE:
        with pytest.raises(ImageFaultError, match="picture 1 of 3"):
            tower.tokenize([VIEWS[0], view, VIEWS[1]])


@EVERY
def test_no_picture_is_gray_and_no_rows_are_no_failure(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    gray = torch.full((1, 3, tower.side, tower.side), 128, dtype=torch.uint8)
    assert torch.equal(tower.collate([b""])["pixels"], gray)
    assert tower.tokenize([]) == []
    assert len(tower.pad([])["pixels"]) == 0


@EVERY
def test_floats_in_0_to_1_are_read_as_bytes_are_and_carry_a_gradient(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    pixels = tower.collate(VIEWS)["pixels"]
    floats = (pixels.float() / 255).requires_grad_()
    vectors = tower(floats)
    torch.testing.assert_close(vectors, tower(pixels), atol=1e-5, rtol=0)
    vectors[:, 0].sum().backward()
    assert floats.grad is not None
    assert torch.isfinite(floats.grad).all()
    assert (floats.grad.abs().amax(dim=(1, 2, 3)) > 0).all()


@EVERY
def test_any_height_and_width_is_resized_with_a_gradient(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    for height, width in ((11, 90), (64, 64), (33, 32)):
        floats = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)).requires_grad_()
        tower(floats)[:, 0].sum().backward()
        assert floats.grad is not None
        assert (floats.grad.abs().amax(dim=(1, 2, 3)) > 0).all()


@EVERY
def test_what_is_not_pixels_is_refused(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    for shape, dtype in (((2, 3, 8), torch.float32), ((2, 8, 8, 3), torch.uint8), ((2, 3, 8, 8), torch.int64)):
        with pytest.raises(InputError, match=r"\[n, 3, h, w\]"):
            tower(torch.zeros(shape, dtype=dtype))


@EVERY
def test_the_seed_decides_every_weight_and_leaves_the_global_generator_alone(
    name: str, make_image_tower: MakeImage
) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = (make_image_tower(name, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    vectors = [tower(**tower.collate(VIEWS)) for tower in (one, same, other)]
    assert torch.equal(vectors[0], vectors[1])
    drawn = name not in {"mobilenet", "vit-folder", "clip"}  # these start as the model itself
    assert torch.equal(vectors[0], vectors[2]) != drawn


@EVERY
def test_state_round_trip_is_exact_and_plain(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    state = tower_state(tower)
    assert tower_config(json.loads(json.dumps(state.config))) == tower.config
    again = load_tower(state)
    assert torch.equal(again(**again.collate(VIEWS)), tower(**tower.collate(VIEWS)))
    assert again.assets() == tower.assets()
    assert not again.training


@EVERY
def test_a_rebuilt_tower_does_not_need_its_source(name: str, make_image_tower: MakeImage) -> None:
    state = tower_state(make_image_tower(name))
    config = {**state.config, "source": "nobody/nowhere"} if "source" in state.config else state.config
    load_tower(replace(state, config=config))


@EVERY
@pytest.mark.parametrize("spoil", ["missing", "unexpected", "shape"])
def test_weights_load_strictly(name: str, spoil: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    weights = module_weights(tower)
    first = sorted(weights)[0]
    match spoil:
        case "missing":
            del weights[first]
        case "unexpected":
            weights["another.weight"] = np.zeros(3, dtype=np.float32)
        case "shape":
            weights[first] = np.zeros((1, 2, 3), dtype=np.float32)
    before = module_weights(tower)
    with pytest.raises(DamagedArtifactError, match=r"weight"):
        load_weights(tower, weights)
    after = module_weights(tower)
    assert all(np.array_equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", ["mobilenet", "vit-folder"])
@pytest.mark.parametrize("spoil", [b"", b"{}", b"[]", b"\x80\x04pickle", b'{"auto_map": 1, "model_type": "vit"}'])
def test_damaged_assets_are_refused(name: str, spoil: bytes, make_image_tower: MakeImage) -> None:
    state = tower_state(make_image_tower(name))
    assert len(state.assets) == 2
    for asset in state.assets:
        with pytest.raises(DamagedArtifactError, match="restore"):
            load_tower(TowerState(config=state.config, weights=state.weights, assets={**state.assets, asset: spoil}))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("resnet", {"width": 1024, "stages": 3, "side": 128, "blocks": 200}),
        ("vit", {"width": 8192, "layers": 200}),
        ("mobilenet-linear", {"dim": 8192}),
        ("mobilenet", {"depth_multiplier": 200.0}),
    ],
)
def test_a_stranger_s_shape_takes_no_memory(
    name: str, changes: dict[str, float], make_image_tower: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tower_state(make_image_tower(name))
    if name == "mobilenet":
        shape = {**json.loads(state.assets["vision.json"]), **changes}
        hostile = replace(state, assets={**state.assets, "vision.json": json.dumps(shape).encode()})
    else:
        hostile = replace(state, config={**state.config, **changes})
    most: list[int] = []
    plain = torch.nn.Module.register_parameter

    def watched(module: torch.nn.Module, key: str, parameter: torch.nn.Parameter | None) -> None:
        if parameter is not None and not parameter.is_meta:
            most.append(parameter.numel())
        plain(module, key, parameter)

    monkeypatch.setattr(torch.nn.Module, "register_parameter", watched)
    with pytest.raises(DamagedArtifactError, match="weight"):
        load_tower(hostile)
    assert not most


@EVERY
def test_training_moves_every_trainable_weight_and_no_frozen_one(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name).train()
    target = torch.nn.functional.normalize(torch.randn(len(VIEWS), tower.dim, generator=torch.Generator()), dim=1)
    vectors = tower(**tower.collate(VIEWS))
    if name in FROZEN:
        assert not vectors.requires_grad
        return
    (vectors - target).square().sum().backward()
    for parameter_name, parameter in tower.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, parameter_name
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in tower.parameters())


@EVERY
def test_bf16_autocast_trains_near_fp32(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    batch = tower.collate(VIEWS)
    with torch.autocast("cpu", torch.bfloat16):
        rough = tower(**batch)
    assert rough.dtype == torch.float32
    assert (rough * tower(**batch)).sum(dim=1).min() > 0.97
    if rough.requires_grad:
        rough.sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in tower.parameters() if p.grad is not None)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(1, 3), height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 9))
def test_pixels_are_normalized_as_the_oracle_says(n: int, height: int, width: int, seed: int) -> None:
    mean, std = (0.1, 0.5, 0.9), (0.5, 1.0, 2.0)
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 3, height, width), dtype=np.uint8)
    slow = (pixels / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    if height == width:
        found = normalized(torch.from_numpy(pixels), side=height, mean=mean, std=std)
        np.testing.assert_allclose(found.numpy(), slow, atol=1e-5)
        assert found.is_contiguous(memory_format=torch.channels_last)
    resized = normalized(torch.from_numpy(pixels), side=8, mean=mean, std=std)
    assert resized.shape == (n, 3, 8, 8)
    assert slow.min() - 1e-5 <= resized.min()
    assert resized.max() <= slow.max() + 1e-5


def test_what_a_tower_reads_is_told_by_its_settings_too() -> None:
    assert {view_modality(config) for config in CONFIGS.values()} == {"image"}
    assert view_modality(build_tower(CONFIGS["resnet"], seed=0)) == "image"
    assert view_modality(ByteTower()) == view_modality(build_tower(ByteTower(), seed=0)) == "text"


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (ResnetTower(side=32, width=16, blocks=1, dim=128), 0.32),
        (ResnetTower(side=32, width=24, blocks=1, dim=128), 0.70),
        (ResnetTower(side=32, width=32, blocks=1, dim=128), 1.24),
        (ResnetTower(width=16, dim=128), 0.70),
        (ResnetTower(width=32, dim=128), 2.80),
    ],
)
def test_sizes_are_those_of_the_published_pilot(config: ResnetTower, parameters: float) -> None:
    found = sum(parameter.numel() for parameter in build_tower(config, seed=0).parameters())
    assert found / 1e6 == pytest.approx(parameters, abs=0.012)


def test_the_stem_halves_large_pictures_only() -> None:
    assert [ResnetTower(side=side).stem_step for side in (32, 63, 64, 128)] == [1, 1, 2, 2]
    assert ResnetTower(side=128, stem_stride=4).stem_step == 4


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"kind": "resnet", "side": 4}, "side = 4 pixels"),
        ({"kind": "resnet", "side": 5000}, "choose 8 to 1024"),
        ({"kind": "resnet", "side": 16, "stages": 5}, "too small"),
        ({"kind": "resnet", "width": 0}, "width = 0"),
        ({"kind": "resnet", "width": 2000}, "channels"),
        ({"kind": "resnet", "stages": 0}, "stages = 0"),
        ({"kind": "resnet", "blocks": 0}, "blocks = 0"),
        ({"kind": "resnet", "blocks": 10_000}, "blocks = 10000"),
        ({"kind": "resnet", "dim": 0}, "dim = 0"),
        ({"kind": "resnet", "dropout": 1.5}, "dropout = 1.5"),
        ({"kind": "resnet", "dropout": float("nan")}, "dropout = nan"),
        ({"kind": "resnet", "stem_stride": 3}, "stem_stride = 3"),
        ({"kind": "resnet", "fit": "stretch"}, "fit = 'stretch'"),
        ({"kind": "vit", "heads": 0}, "heads = 0"),
        ({"kind": "vit", "heads": 5}, "multiple of heads = 5"),
        ({"kind": "vit", "patch": 0}, "patch = 0"),
        ({"kind": "vit", "patch": 7}, "multiple of patch = 7"),
        ({"kind": "vit", "layers": 0}, "layers = 0"),
        ({"kind": "vit", "width": 10**9}, "width = 1000000000"),
        ({"kind": "vit", "dropout": -0.1}, "dropout = -0.1"),
        ({"kind": "vit", "fit": None}, "fit = None"),
        ({"kind": "pretrained_image"}, "needs 'source'"),
        ({"kind": "pretrained_image", "source": "x", "dim": 12}, "needs projection"),
        ({"kind": "pretrained_image", "source": "x", "dim": 0, "projection": "linear"}, "dim = 0"),
        ({"kind": "pretrained_image", "source": "x", "side": 2000}, "side = 2000"),
        ({"kind": "pretrained_image", "source": "x", "n_trainable_layers": -1}, "n_trainable_layers = -1"),
        ({"kind": "pretrained_image", "source": "x", "fit": "pad"}, "fit = 'pad'"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings_: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tower_config(settings_)


def test_defaults_can_be_built() -> None:
    for config in (ResnetTower(), VitTower()):
        tower = build_tower(config, seed=0).eval()
        assert tower(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape == (1, 256)
    assert PretrainedImageTower(source="anything").projection == "none"
