"""Encoding of pictures: the tower's own rows, decoded ahead, in a precision that is exact enough."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from image_cases import CONFIGS, VIEWS, MakeImage
from torch import nn
from tower_cases import Make

from clip_cases import picture
from threatclip.encoders import encode as encode_module
from threatclip.encoders.encode import encode, prepare_encoder
from threatclip.encoders.fast_image import fast_image_tower
from threatclip.errors import ImageFaultError, InputError

EVERY = pytest.mark.parametrize("name", CONFIGS)
MANY = [picture((20 + number % 7, 24), seed=number) for number in range(40)]


@EVERY
def test_encode_equals_the_tower_row_by_row(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    with torch.no_grad():
        slow = np.concatenate([tower(**tower.collate([view])).numpy() for view in VIEWS])
    for budget in (1, 30, 2048):
        fast = encode(tower, VIEWS, token_budget=budget, precision="fp32")
        assert fast.dtype == np.float32
        np.testing.assert_allclose(fast, slow, atol=2e-5)


@EVERY
def test_pixels_are_encoded_as_their_pictures_are(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    pixels = tower.collate(VIEWS)["pixels"].numpy()
    encoder = prepare_encoder(tower, precision="fp32")
    np.testing.assert_array_equal(encoder.pixels(pixels), encode(tower, VIEWS, precision="fp32"))
    larger = np.repeat(np.repeat(pixels, 2, axis=2), 2, axis=3)
    with torch.no_grad():
        resized = tower(torch.from_numpy(larger)).numpy()
    np.testing.assert_allclose(encoder.pixels(larger), resized, atol=2e-5)


@EVERY
def test_half_precision_stays_near_and_leaves_the_tower_alone(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    exact = encode(tower, VIEWS, precision="fp32")
    before = {key: value.clone() for key, value in tower.state_dict().items()}
    for precision in ("bf16", "fp16"):
        rough = encode(tower, VIEWS, precision=precision)  # type: ignore[arg-type]
        assert (rough * exact).sum(axis=1).min() > 0.97
        np.testing.assert_allclose(np.linalg.norm(rough, axis=1), 1, atol=1e-5)
    after = tower.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert all(value.dtype == after[key].dtype for key, value in before.items())


@EVERY
def test_features_project_to_the_vectors(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    encoder = prepare_encoder(tower, precision="fp32")
    with torch.no_grad():
        projected = tower.project(torch.from_numpy(encoder(VIEWS, output="features"))).numpy()
    np.testing.assert_allclose(projected, encoder(VIEWS), atol=1e-5)


@EVERY
def test_a_tower_in_training_is_read_as_in_evaluation_and_stays_in_training(
    name: str, make_image_tower: MakeImage
) -> None:
    tower = make_image_tower(name)
    still = encode(tower, VIEWS)
    modes = [module.training for module in tower.train().modules()]
    np.testing.assert_array_equal(encode(tower, VIEWS), still)
    assert modes == [module.training for module in tower.modules()]
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("n_bytes", [1, 2 * 3 * 32**2, 7 * 3 * 32**2, 2**24])
def test_windows_do_not_show_in_the_result(
    n_bytes: int, make_image_tower: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = make_image_tower("resnet")
    whole = encode(tower, MANY)
    monkeypatch.setattr(encode_module, "_WINDOW_BYTES", n_bytes)
    seen: list[tuple[int, int]] = []
    parts = encode(tower, MANY, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    assert seen[-1] == (len(MANY), len(MANY))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_the_next_pictures_are_decoded_while_the_last_are_computed(
    make_image_tower: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = make_image_tower("resnet")
    monkeypatch.setattr(encode_module, "_WINDOW_BYTES", 10 * 3 * 32**2)
    ahead = threading.Event()
    calls: list[int] = []

    def tokenize(views: Sequence[bytes]) -> list[np.ndarray]:
        calls.append(len(views))
        if len(calls) == 2:
            ahead.set()
        return [np.zeros((3, 32, 32), np.uint8)] * len(views)

    monkeypatch.setattr(tower, "tokenize", tokenize)

    def wait(done: int, total: int) -> None:
        if done == 10:
            assert ahead.wait(timeout=30), "the second window was not begun before the first was done"

    encode(tower, MANY, token_budget=10**6, progress=wait)
    assert calls == [10, 10, 10, 10]


def test_a_view_that_is_no_picture_ends_the_encoding(
    make_image_tower: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_module, "_WINDOW_BYTES", 10 * 3 * 32**2)
    with pytest.raises(ImageFaultError, match="counted from row 10: picture 5 of 10"):
        encode(make_image_tower("resnet"), [*MANY[:15], b"no picture", *MANY[16:]])


@EVERY
def test_no_rows_give_no_vectors(name: str, make_image_tower: MakeImage) -> None:
    tower = make_image_tower(name)
    assert encode(tower, []).shape == (0, tower.dim)
    assert prepare_encoder(tower, precision="fp32").pixels(np.zeros((0, 3, 5, 5), np.uint8)).shape == (0, tower.dim)


def test_the_probe_chooses_among_precisions_that_are_exact_enough(
    make_image_tower: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = make_image_tower("vit")
    assert prepare_encoder(tower, probe=MANY).reason == "40 rows are too few to probe"
    monkeypatch.setattr(encode_module, "_WORTH_PROBING_PICTURES", 40)
    encoder = prepare_encoder(tower, probe=MANY)
    assert [trial.precision for trial in encoder.trials] == ["fp32", "bf16", "fp16"]
    chosen = next(trial for trial in encoder.trials if trial.precision == encoder.precision)
    assert chosen.least_cosine >= encode_module.LEAST_COSINE


def test_norms_of_a_fast_residual_network_are_gone(make_image_tower: MakeImage) -> None:
    tower = make_image_tower("resnet").train()
    fast = fast_image_tower(tower, dtype=torch.bfloat16)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in tower.modules())
    assert not fast.training
    assert tower.training


def test_a_tower_of_texts_reads_no_pixels(make_tower: Make) -> None:
    encoder = prepare_encoder(make_tower("byte"))
    with pytest.raises(InputError, match="byte tower reads no pictures"):
        encoder.pixels(np.zeros((1, 3, 8, 8), np.uint8))
