"""Second looks of pictures: each operation against Pillow, the policies as published, and that they repeat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from threatclip.defenses.repairs.looks import _AUTOAUGMENT, PicturePolicy, check_policy, draw_looks, look
from threatclip.defenses.repairs.picture_operations import OPERATIONS
from threatclip.errors import RecipeError

NUMBER = {name: number for number, name in enumerate(OPERATIONS, start=1)}
Oracle = Callable[[Image.Image], Image.Image]


def pictures(n: int = 4, *, seed: int = 0, side: int = 24) -> np.ndarray:
    """Return pictures that are smooth in places and noisy in others, dim or bright."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, size=(n, 3, side // 4, side // 4)).repeat(4, axis=2).repeat(4, axis=3)
    noise = draw.integers(-30, 30, size=(n, 3, side, side))
    return (small * draw.uniform(0.3, 1, size=(n, 3, 1, 1)) + noise).clip(0, 255).astype(np.uint8)


def applied(pixels: np.ndarray, name: str, strength: float, x: float = 0.5, y: float = 0.5) -> np.ndarray:
    drawn = torch.tensor([NUMBER[name], strength, x, y]).expand(len(pixels), 1, 4)
    return (look(torch.from_numpy(pixels), drawn) * 255).round().numpy().astype(np.uint8)


def by_pillow(pixels: np.ndarray, oracle: Oracle) -> np.ndarray:
    return np.stack([np.asarray(oracle(Image.fromarray(p.transpose(1, 2, 0)))).transpose(2, 0, 1) for p in pixels])


ORACLES: dict[str, tuple[float, Oracle, int]] = {
    "invert": (0, ImageOps.invert, 0),
    "posterize": (4, lambda p: ImageOps.posterize(p, 4), 0),
    "solarize": (113.3, lambda p: ImageOps.solarize(p, 113.3), 0),
    "equalize": (0, ImageOps.equalize, 0),
    "autocontrast": (0, ImageOps.autocontrast, 1),
    "brightness": (1.4, lambda p: ImageEnhance.Brightness(p).enhance(1.4), 1),
    "color": (0.3, lambda p: ImageEnhance.Color(p).enhance(0.3), 2),
    "contrast": (1.7, lambda p: ImageEnhance.Contrast(p).enhance(1.7), 2),
    "sharpness": (0.2, lambda p: ImageEnhance.Sharpness(p).enhance(0.2), 1),
    "rotate": (90, lambda p: p.rotate(90), 0),
    "translate_x": (0.25, lambda p: p.transform(p.size, Image.Transform.AFFINE, (1, 0, p.width / 4, 0, 1, 0)), 0),
    "translate_y": (-0.25, lambda p: p.transform(p.size, Image.Transform.AFFINE, (1, 0, 0, 0, 1, -p.height / 4)), 0),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(3))
def test_an_operation_is_that_of_pillow(name: str, seed: int) -> None:
    strength, oracle, tolerance = ORACLES[name]
    pixels = pictures(seed=seed)
    found, wanted = applied(pixels, name, strength).astype(int), by_pillow(pixels, oracle).astype(int)
    assert np.abs(found - wanted).max() <= tolerance
    assert (found != pixels).any()


@pytest.mark.parametrize("name", ["shear_x", "shear_y"])
def test_a_shear_slides_edges_and_leaves_the_middle(name: str) -> None:
    pixels = np.zeros((1, 3, 16, 16), dtype=np.uint8)
    along = (slice(None), slice(None), slice(None), slice(7, 9))
    pixels[along if name == "shear_x" else (*along[:2], along[3], along[2])] = 255
    found = applied(pixels, name, 0.5)[0, 0].astype(float)
    found = found if name == "shear_x" else found.T
    centers = (found * np.arange(16)).sum(axis=1) / found.sum(axis=1)
    assert centers[8] == pytest.approx(7.5, abs=0.3)
    assert abs(centers[15] - centers[0]) == pytest.approx(0.5 * 15, abs=0.2)


def test_a_flat_picture_is_neither_stretched_nor_equalized() -> None:
    flat = np.full((2, 3, 8, 8), 77, dtype=np.uint8)
    assert (applied(flat, "autocontrast", 0) == 77).all()
    assert (applied(flat, "equalize", 0) == 77).all()


def test_cutout_covers_a_square_in_gray() -> None:
    found = applied(np.zeros((1, 3, 16, 16), dtype=np.uint8), "cutout", 0.25, x=0.25, y=0.5)[0, 0]
    assert (found > 0).sum() == 16
    assert set(np.unique(found)) <= {0, 127, 128}
    assert (found[6:10, 2:6] > 0).all()


def test_the_policy_is_the_published_one() -> None:
    assert _AUTOAUGMENT.shape == (25, 2, 4)
    names = ["", *OPERATIONS]
    first = [(names[int(step[0])], *np.round(step[1:], 4)) for step in _AUTOAUGMENT[0]]
    assert first == [("posterize", 0.4, 4.0, 0.0), ("rotate", 0.6, 0.0, 30.0)]
    solarized = _AUTOAUGMENT[1, 0]
    assert names[int(solarized[0])] == "solarize"
    assert solarized[2] == pytest.approx(255 * 4 / 9)
    drawn = draw_looks("autoaugment", 50_000, np.random.default_rng(0))
    expected = sum(step[1] for policy in _AUTOAUGMENT for step in policy) / 25
    assert (drawn[:, :, 0] > 0).sum(axis=1).mean() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("policy", ["autoaugment", "strong", "cutout"])
def test_a_look_is_a_pure_function_of_its_own_row(policy: PicturePolicy) -> None:
    pixels = torch.from_numpy(pictures(32, side=16))
    drawn = torch.from_numpy(draw_looks(policy, 32, np.random.default_rng(0)))
    whole = look(pixels, drawn)
    assert torch.equal(whole, look(pixels, drawn))
    parts = torch.cat([look(pixels[rows], drawn[rows]) for rows in (slice(0, 5), slice(5, 32))])
    assert torch.allclose(whole, parts, atol=1.5 / 255)  # a sum over pixels may round the other way
    assert (whole != pixels.float() / 255).flatten(1).any(dim=1).float().mean() > 0.6
    again = draw_looks(policy, 32, np.random.default_rng(0))
    assert np.array_equal(drawn.numpy(), again)
    assert not np.array_equal(again, draw_looks(policy, 32, np.random.default_rng(1)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), policy=st.sampled_from(["autoaugment", "strong", "cutout"]))
def test_a_look_stays_a_picture(seed: int, policy: PicturePolicy) -> None:
    pixels = torch.from_numpy(pictures(8, seed=seed, side=12))
    before = pixels.clone()
    found = look(pixels, torch.from_numpy(draw_looks(policy, 8, np.random.default_rng(seed))))
    assert found.shape == pixels.shape
    assert torch.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert torch.equal(pixels, before)


def test_nothing_drawn_changes_nothing() -> None:
    pixels = torch.from_numpy(pictures())
    assert torch.equal(look(pixels, torch.zeros(len(pixels), 3, 4)), pixels.float() / 255)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(RecipeError, match="autoaugment, strong, cutout"):
        check_policy("random")
