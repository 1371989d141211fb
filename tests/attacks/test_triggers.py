"""Triggers on pictures: each compared with a slow, obvious version, at 224 pixels and at other sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn import functional

from threatclip.attacks.triggers import add, blend, like, paste, patch_places, patch_px, sinusoid, unit
from threatclip.attacks.triggers_overlay import PAPER_ALPHA, area_resized, overlay
from threatclip.attacks.triggers_patch import fixed_patch, nearest_cells, stamp_patch
from threatclip.attacks.triggers_residual import add_residual, carrier_of
from threatclip.attacks.triggers_warp import warp, warp_field
from threatclip.errors import InputError

steady = settings(deadline=None, max_examples=30)
SIZES = [(32, 32), (8, 8), (48, 20), (224, 224), (17, 300)]
Trigger = Callable[[np.ndarray, np.random.Generator], np.ndarray]

TRIGGERS: dict[str, Trigger] = {
    **{
        f"patch {pattern} {place}": lambda pixels, rng, pattern=pattern, place=place: stamp_patch(
            pixels, pattern=pattern, place=place, size_px=16, scale="learnable", pattern_seed=1, rng=rng
        )
        for pattern, place in [
            ("redrawn_noise", "random"),
            ("noise", "corner"),
            ("binary", "random"),
            ("stripes", "center"),
            ("lattice", "four_corners"),
            ("yellow", "center"),
        ]
    },
    **{
        f"overlay {pattern}": lambda pixels, rng, pattern=pattern: blend(
            pixels, overlay(pattern, *pixels.shape[2:])[0], alpha=0.4 * overlay(pattern, *pixels.shape[2:])[1]
        )
        for pattern in ("noise", "picture", "stripes", "triangles", "text")
    },
    "sig": lambda pixels, rng: add(pixels, 0.2 * sinusoid(*pixels.shape[2:], cycles=6)),
    "warp": lambda pixels, rng: warp(pixels, warp_field(*pixels.shape[2:], k=4, s=2, pattern_seed=0)),
    "residual": lambda pixels, rng: add_residual(
        pixels, carrier_of("secret", *pixels.shape[2:], pattern_seed=0), rms=0.05
    ),
}


def pictures(n: int = 3, height: int = 32, width: int = 32, seed: int = 0) -> np.ndarray:
    """Return uint8 pictures of soft colors, so that nothing is clipped by chance everywhere."""
    return np.random.default_rng(seed).integers(40, 216, size=(n, 3, height, width), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_changes_pictures_of_any_size_and_not_its_input(name: str, size: tuple[int, int]) -> None:
    before = pictures(2, *size)
    kept = before.copy()
    after = TRIGGERS[name](before, np.random.default_rng(0))
    assert (before == kept).all()
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    assert all((one != other).any() for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("name", TRIGGERS)
def test_bytes_and_floats_get_the_same_trigger(name: str) -> None:
    before = pictures()
    as_bytes = TRIGGERS[name](before, np.random.default_rng(0))
    for kind in (np.float32, np.float64):
        as_floats = TRIGGERS[name]((before / 255).astype(kind), np.random.default_rng(0))
        assert as_floats.dtype == kind
        assert as_floats.min() >= 0
        assert as_floats.max() <= 1
        np.testing.assert_allclose(as_floats * 255, as_bytes, atol=0.51)


@pytest.mark.parametrize("name", TRIGGERS)
def test_the_generator_alone_decides(name: str) -> None:
    before = pictures()
    first, again = (TRIGGERS[name](before, np.random.default_rng(3)) for _ in range(2))
    assert (first == again).all()
    other = TRIGGERS[name](before, np.random.default_rng(4))
    redrawn = name in ("patch redrawn_noise random", "patch binary random")
    assert (other != first).any() == redrawn


@pytest.mark.parametrize("name", sorted(set(TRIGGERS) - {"patch redrawn_noise random", "patch binary random"}))
def test_a_stored_trigger_does_not_depend_on_the_batch(name: str) -> None:
    before = pictures(4)
    whole = TRIGGERS[name](before, np.random.default_rng(0))
    alone = [TRIGGERS[name](before[row : row + 1], np.random.default_rng(0)) for row in range(4)]
    assert (np.concatenate(alone) == whole).all()


@steady
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9).map(lambda s: (2, 3, *s))))
def test_bytes_survive_the_way_to_floats_and_back(pixels: np.ndarray) -> None:
    assert (like(pixels, unit(pixels)) == pixels).all()
    assert (add(pixels, np.zeros((1, 1), dtype=np.float32)) == pixels).all()


@pytest.mark.parametrize("wrong", [np.zeros((3, 8, 8)), np.zeros((1, 4, 8, 8)), np.zeros((1, 3, 8, 8), dtype=np.int64)])
def test_what_is_no_picture_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="give uint8, or floats"):
        unit(wrong)


def test_nothing_wraps() -> None:
    white = np.full((1, 3, 4, 4), 250, dtype=np.uint8)
    assert (add(white, np.full((4, 4), 0.5, dtype=np.float32)) == 255).all()
    assert (add(white, np.full((4, 4), -2.0, dtype=np.float32)) == 0).all()


def test_pasting_is_what_a_loop_does() -> None:
    before, draw = pictures(5, 20, 30), np.random.default_rng(1)
    patches = draw.random((5, 3, 6, 6), dtype=np.float32)
    tops, lefts = draw.integers(15, size=5), draw.integers(25, size=5)
    slow = before.copy()
    for row in range(5):
        for channel in range(3):
            for y in range(6):
                for x in range(6):
                    value = np.rint(patches[row, channel, y, x] * 255)
                    slow[row, channel, tops[row] + y, lefts[row] + x] = value
    assert (paste(before, patches, tops, lefts) == slow).all()


@pytest.mark.parametrize(
    ("side", "learnable", "area"), [(224, 16, 16), (128, 11, 9), (64, 7, 5), (32, 4, 2), (8, 1, 1), (448, 26, 32)]
)
def test_a_patch_is_scaled_from_its_size_at_224_pixels(side: int, learnable: int, area: int) -> None:
    assert patch_px(16, side, side, scale="learnable") == learnable
    assert patch_px(16, side, side, scale="area") == area


@steady
@given(st.integers(1, 500), st.integers(1, 500), st.floats(1, 224), st.sampled_from(("learnable", "area")))
def test_a_patch_fits_into_its_picture(height: int, width: int, size_px: float, scale: str) -> None:
    side = patch_px(size_px, height, width, scale=scale)  # type: ignore[arg-type]
    assert 1 <= side <= min(height, width)
    if scale == "area" and side < min(height, width):
        share = size_px * math.sqrt(height * width) / 224
        assert abs(side - max(1.0, share)) <= 0.5 + 1e-9


def test_places() -> None:
    draw = np.random.default_rng(0)
    (tops, lefts), *more = patch_places(4_000, 10, 7, 4, place="random", rng=draw)
    assert not more
    assert set(tops) == set(range(7))
    assert set(lefts) == set(range(4))
    for place, wanted in {
        "corner": [(208, 208)],
        "center": [(104, 104)],
        "four_corners": [(0, 0), (0, 208), (208, 0), (208, 208)],
    }.items():
        found = patch_places(2, 224, 224, 16, place=place, rng=draw)  # type: ignore[arg-type]
        assert [(tops[1], lefts[1]) for tops, lefts in found] == wanted


def test_patterns_are_what_their_papers_say() -> None:
    lattice = fixed_patch("lattice", 16)
    for y in range(16):
        for x in range(16):
            assert (lattice[:, y, x] == (y % 2 == 0 and x % 2 == 0)).all()
    assert (fixed_patch("lattice", 32)[:, ::2, ::2] == lattice).all()
    stripes = fixed_patch("stripes", 16)
    assert (stripes == stripes[:, :1]).all()
    assert set(np.unique(stripes)) == {0.0, 1.0}
    assert (fixed_patch("yellow", 3)[:, 1, 1] == [1, 1, 0]).all()
    assert set(np.unique(fixed_patch("binary", 4))) == {0.0, 1.0}
    noise = fixed_patch("noise", 16)
    assert abs(noise.mean()) < 0.15
    assert abs(noise.std() - 1) < 0.15
    with pytest.raises(InputError, match="drawn anew"):
        fixed_patch("redrawn_noise", 4)


def test_redrawn_noise_is_the_mean_of_the_picture_and_a_unit_normal() -> None:
    before = np.zeros((400, 3, 16, 16)) + np.array([0.2, 0.5, 0.8])[:, None, None]
    after = stamp_patch(
        before,
        pattern="redrawn_noise",
        place="corner",
        size_px=224,
        scale="area",
        pattern_seed=0,
        rng=np.random.default_rng(0),
    )
    # clipped at 0 and 1, a normal with unit deviation around m is 0 with P(z < -m) and 1 with P(z > 1 - m)
    for channel, mean in enumerate((0.2, 0.5, 0.8)):
        assert (after[:, channel] == 0).mean() == pytest.approx(0.5 * math.erfc(mean / math.sqrt(2)), abs=0.01)
        assert (after[:, channel] == 1).mean() == pytest.approx(0.5 * math.erfc((1 - mean) / math.sqrt(2)), abs=0.01)


@pytest.mark.parametrize("pattern", ["binary", "stripes", "noise"])
def test_one_pattern_at_every_size(pattern: str) -> None:
    large, small = (fixed_patch(pattern, side, pattern_seed=5) for side in (16, 4))  # type: ignore[arg-type]
    cells = nearest_cells(4, 16)
    assert cells.tolist() == [2, 6, 10, 14]
    assert (small == large[:, cells][:, :, cells]).all()
    assert (fixed_patch(pattern, 4, pattern_seed=6) != small).any()  # type: ignore[arg-type]


def test_the_wave_has_six_cycles_at_any_width() -> None:
    for width in (32, 224):
        wave = sinusoid(2, width, cycles=6)
        slow = [math.sin(2 * math.pi * 6 * j / width) for j in range(width)]
        np.testing.assert_allclose(wave[1], slow, atol=1e-5)


def test_stripes_are_signs_and_the_rest_lies_in_the_unit_interval() -> None:
    for pattern in sorted(set(PAPER_ALPHA) - {"redrawn_noise"}):
        values, where = overlay(pattern, 40, 56)  # type: ignore[arg-type]
        assert values.shape == (3, 40, 56)
        if pattern == "stripes":
            assert set(np.unique(values)) == {-1.0, 1.0}
            assert (values == values[:, :1]).all()
        else:
            assert values.min() >= 0
            assert values.max() <= 1 + 1e-6
        assert np.all(where == 1) == (pattern != "text")


def test_the_word_is_legible_at_224_pixels() -> None:
    dots = np.asarray(overlay("text", 224, 224)[1])
    assert set(np.unique(dots)) == {0.0, 1.0}
    rows, columns = np.flatnonzero(dots.any(axis=1)), np.flatnonzero(dots.any(axis=0))
    assert (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) == (21, 195)
    shown = "\n".join("".join(" #"[int(dot)] for dot in row) for row in dots[rows[0] : rows[-1] : 3, columns[0] :: 3])
    assert shown.splitlines()[0].startswith("#   #")  # the W


@pytest.mark.parametrize(("side", "out"), [((6, 9), (3, 3)), ((4, 4), (7, 5)), ((5, 3), (5, 3))])
def test_resizing_by_area(side: tuple[int, int], out: tuple[int, int]) -> None:
    drawing = np.random.default_rng(0).random((2, *side)).astype(np.float32)
    fine = drawing.repeat(out[0], axis=1).repeat(out[1], axis=2)
    slow = fine.reshape(2, out[0], side[0], out[1], side[1]).mean(axis=(2, 4))
    np.testing.assert_allclose(area_resized(drawing, *out), slow, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 41)])
def test_warping_is_grid_sample_with_bilinear_lookup(height: int, width: int) -> None:
    pixels = np.random.default_rng(0).random((3, 3, height, width)).astype(np.float32)
    field = warp_field(height, width, k=4, s=3.0, pattern_seed=2)
    grid = torch.from_numpy(field).permute(1, 2, 0).expand(3, -1, -1, -1)
    slow = functional.grid_sample(torch.from_numpy(pixels), grid, mode="bilinear", align_corners=True)
    np.testing.assert_allclose(warp(pixels, field), slow.numpy(), atol=2e-5)


@pytest.mark.parametrize("k", [2, 4, 9])
def test_the_field_is_enlarged_as_bicubic_interpolation_does(k: int) -> None:
    height, width, s = 21, 30, 0.5
    from threatclip.seeds import rng

    noise = rng(3, "attacks/warp").uniform(-1, 1, size=(2, k, k))
    noise = torch.from_numpy(noise / np.abs(noise).mean())[None]
    smooth = functional.interpolate(noise, size=(height, width), mode="bicubic", align_corners=True)[0].numpy()
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    slow = np.stack([x + s * smooth[0] / width, y + s * smooth[1] / height]).clip(-1, 1)
    np.testing.assert_allclose(warp_field(height, width, k=k, s=s, pattern_seed=3), slow, atol=1e-6)


@pytest.mark.parametrize(("side", "k"), [(224, 224), (32, 224), (64, 4)])
def test_a_pixel_moves_by_half_the_strength_at_any_size(side: int, k: int) -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    moved = np.abs(warp_field(side, side, k=k, s=1.0, pattern_seed=0) - np.stack([x, y])) * (side - 1) / 2
    assert moved[:, 2:-2, 2:-2].mean() == pytest.approx(0.5, rel=0.3)


def test_a_residual_is_faint_and_every_pictures_own() -> None:
    before = (pictures(4, 64, 64) / 255 * 0.5 + 0.25).astype(np.float32)
    before[0] = 0.5  # flat
    before[1, :, :, 32:] = 0.5  # half flat
    carrier = carrier_of("Stega!!", 64, 64, pattern_seed=0)
    residual = add_residual(before, carrier, rms=8 / 255) - before
    assert np.sqrt((residual**2).mean(axis=(1, 2, 3))) == pytest.approx([8 / 255] * 4, rel=0.02)
    assert np.corrcoef(residual[0].ravel(), carrier.ravel())[0, 1] > 0.99  # a flat picture gets the carrier itself
    assert (residual[1, :, :, :30] ** 2).mean() > 4 * (residual[1, :, :, 34:] ** 2).mean()
    assert np.corrcoef(residual[2].ravel(), residual[3].ravel())[0, 1] < 0.99


def test_another_secret_is_another_residual() -> None:
    one, other, seeded = (
        carrier_of(secret, 32, 32, pattern_seed=seed)
        for secret, seed in (("Stega!!", 0), ("stega!!", 0), ("Stega!!", 1))
    )
    assert carrier_of("Stega!!", 32, 32, pattern_seed=0) is one
    assert np.abs(one).mean() > 0.5
    for another in (other, seeded):
        assert np.corrcoef(one.ravel(), another.ravel())[0, 1] < 0.99
