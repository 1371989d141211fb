"""Pictures as CLIP reads them: pixel for pixel those of transformers' processor, for any size, and no bombs."""

from __future__ import annotations

import io
import resource
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from clip_cases import picture
from threatclip.encoders import clip_pictures
from threatclip.encoders.clip_pictures import (
    ClipReading,
    fit_pixels,
    processor_settings,
    read_pictures,
    reading_from_json,
)
from threatclip.errors import ImageFaultError, InputError

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
READING = ClipReading(side=24, edge=24, mean=MEAN, std=STD)


def peer_pixels(pixels: np.ndarray, reading: ClipReading) -> np.ndarray:
    """Return the processor's own uint8 pixels: its steps without rescaling and normalizing."""
    processor = CLIPImageProcessorPil(**{**processor_settings(reading), "do_rescale": False, "do_normalize": False})
    return np.asarray(processor(images=Image.fromarray(pixels), return_tensors="np")["pixel_values"][0])


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 200),
    height=st.integers(1, 150),
    side=st.sampled_from([8, 24, 33]),
    more=st.sampled_from([0, 5]),
    resample=st.sampled_from([0, 1, 2, 3, 4, 5]),
    resize=st.sampled_from(["shortest", "squash"]),
    seed=st.integers(0, 99),
)
def test_pixels_are_those_of_transformers(
    width: int, height: int, side: int, more: int, resample: int, resize: str, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    edge = side if resize == "squash" else side + more
    reading = ClipReading(side=side, edge=edge, resize=resize, resample=resample, mean=MEAN, std=STD)  # type: ignore[arg-type]
    found, wanted = fit_pixels(pixels, reading).transpose(2, 0, 1), peer_pixels(pixels, reading)
    assert found.shape == (3, side, side)
    np.testing.assert_array_equal(found, wanted)


def test_the_crop_of_a_strip_is_about_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 90, 3), dtype=np.uint8)
    whole = fit_pixels(pixels, READING).astype(int)
    monkeypatch.setattr(clip_pictures, "_MOST_PIXELS", 0)
    assert np.abs(fit_pixels(pixels, READING).astype(int) - whole).mean() < 2


@pytest.mark.parametrize("size", [(1, 16_384), (16_384, 1), (3, 9_000)])
def test_a_strip_costs_no_gigabytes(size: tuple[int, int]) -> None:
    reading = ClipReading(side=336, edge=336, mean=MEAN, std=STD)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fit_pixels(np.zeros((size[1], size[0], 3), np.uint8), reading).shape == (336, 336, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; whole, it would be 5.5 GB


def test_torchvision_rounds_an_odd_margin_to_even() -> None:
    pixels = np.arange(24 * 27 * 3, dtype=np.uint16).astype(np.uint8).reshape(24, 27, 3)
    floor, rounded = fit_pixels(pixels, READING), fit_pixels(pixels, replace(READING, crop="round"))
    np.testing.assert_array_equal(floor, pixels[:, 1:25])
    np.testing.assert_array_equal(rounded, pixels[:, 2:26])


def test_threads_change_no_pixel_and_an_empty_view_is_gray() -> None:
    views = [picture((40 + number, 50), seed=number) for number in range(20)]
    views[7] = b""
    alone, together = read_pictures(views, READING, workers=1), read_pictures(views, READING, workers=3)
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    assert set(alone[7].ravel().tolist()) == {128}
    assert all(row.dtype == np.uint8 and row.flags.c_contiguous for row in alone)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_broken_picture_is_named(workers: int) -> None:
    views = [picture((40, 50), seed=number) for number in range(12)]
    views[9] = views[9][:200]
    with pytest.raises(ImageFaultError, match="picture 9 of 12"):
        read_pictures(views, READING, workers=workers)


def test_a_turned_picture_is_read_upright() -> None:
    stream = io.BytesIO()
    turned = Image.open(io.BytesIO(picture((40, 50))))
    exif = Image.Exif()
    exif[0x0112] = 3
    turned.rotate(180).save(stream, "PNG", exif=exif)
    np.testing.assert_array_equal(
        read_pictures([stream.getvalue()], READING)[0], read_pictures([picture((40, 50))], READING)[0]
    )


def test_the_settings_round_trip() -> None:
    assert reading_from_json(READING.to_json()) == READING
    with pytest.raises(InputError, match="cannot crop as torchvision"):
        processor_settings(replace(READING, crop="round"))


@pytest.mark.parametrize(
    "change",
    [{"side": 4}, {"side": 2000, "edge": 2000}, {"edge": 20}, {"resample": 9}, {"crop": "up"}, {"resize": "longest"}],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(READING, **change)  # type: ignore[arg-type]
