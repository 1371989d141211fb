"""Captions of labeled pictures: true of the pixels, seeded, fast, and more than the class."""

from __future__ import annotations

import colorsys
import io
from collections import Counter
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from threatclip.errors import InputError
from threatclip.pairs.image_captions import (
    CIFAR10_NOUNS,
    COLOR_WORDS,
    LIGHT_LIMITS,
    TEMPLATES,
    caption_pictures,
    class_prompts,
    light_terciles,
    measure_pictures,
)
from threatclip.seeds import rng

SWATCHES = {
    "black": (10, 10, 10),
    "gray": (128, 128, 128),
    "white": (250, 250, 250),
    "red": (220, 20, 30),
    "yellow": (240, 220, 40),
    "green": (40, 150, 50),
    "blue": (40, 80, 220),
    "brown": (120, 75, 35),
}


def framed(center: str, border: str, *, side: int = 32) -> np.ndarray:
    """Return one picture `[1, 3, side, side]`: a square of one color on another."""
    picture = np.empty((1, 3, side, side), np.uint8)
    picture[:] = np.array(SWATCHES[border], np.uint8)[:, None, None]
    at = slice(side // 4, side - side // 4)
    picture[0, :, at, at] = np.array(SWATCHES[center], np.uint8)[:, None, None]
    return picture


def slow_commonest(colors: list[tuple[int, int, int]]) -> int:
    """Name each pixel by itself through a picture of that pixel alone; return the commonest name."""
    names = []
    for color in colors:
        alone = np.empty((1, 3, 8, 8), np.uint8)
        alone[:] = np.array(color, np.uint8)[:, None, None]
        names.append(int(measure_pictures(alone).center[0]))
    return max(range(len(COLOR_WORDS)), key=lambda name: (names.count(name), -name))


@pytest.mark.parametrize("center", COLOR_WORDS)
@pytest.mark.parametrize("border", COLOR_WORDS)
def test_colors_are_read_off_middle_and_border(center: str, border: str) -> None:
    found = measure_pictures(framed(center, border, side=48))
    assert (COLOR_WORDS[found.center[0]], COLOR_WORDS[found.border[0]]) == (center, border)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_commonest_color_is_that_of_counting_pixels(seed: int) -> None:
    picture = rng(seed, "test/pixels").integers(0, 256, (1, 3, 8, 8), dtype=np.uint8)
    found = measure_pictures(picture)
    middle = [tuple(picture[0, :, y, x].tolist()) for y in range(2, 6) for x in range(2, 6)]
    ring = [tuple(picture[0, :, y, x].tolist()) for y in range(8) for x in range(8) if {y, x} & {0, 7}]
    assert found.center[0] == slow_commonest(middle)
    assert found.border[0] == slow_commonest(ring)


@given(color=st.tuples(*[st.integers(0, 255)] * 3))
def test_gray_colors_are_called_so_and_hues_keep_their_side(color: tuple[int, int, int]) -> None:
    picture = np.empty((1, 3, 8, 8), np.uint8)
    picture[:] = np.array(color, np.uint8)[:, None, None]
    name = COLOR_WORDS[measure_pictures(picture).center[0]]
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in color))
    if max(color) - min(color) <= 4:
        assert name in ("black", "gray", "white")
    if value > 0.3 and saturation > 0.3:
        assert name not in ("black", "gray", "white")
        if 0.25 < hue < 0.42:
            assert name == "green"
        if 0.5 < hue < 0.8:
            assert name == "blue"


def test_light_is_the_mean_luma_against_two_limits() -> None:
    levels = np.arange(0, 256, dtype=np.uint8)
    pictures = np.broadcast_to(levels[:, None, None, None], (256, 3, 8, 8))
    light = measure_pictures(pictures).light
    assert [int(value) for value in light] == [
        (v / 255 >= LIGHT_LIMITS[1]) - (v / 255 <= LIGHT_LIMITS[0]) for v in range(256)
    ]
    low, high = light_terciles(pictures)
    cut = measure_pictures(pictures, light_limits=(low, high)).light
    assert Counter(cut.tolist()) == {-1: 86, 0: 84, 1: 86}


def test_what_a_caption_says_is_true() -> None:
    colors = [(center, border) for center in COLOR_WORDS for border in COLOR_WORDS]
    pixels = np.concatenate([framed(*pair) for pair in colors])
    labels = [list(CIFAR10_NOUNS)[row % 10] for row in range(len(colors))]
    light = measure_pictures(pixels).light
    for seed in range(5):
        captions = caption_pictures(pixels, labels, rng=rng(seed, "captions"), drop_rate=0)
        for caption, label, (center, border), bright in zip(captions, labels, colors, light, strict=True):
            words = caption.split()
            noun = next(word for word in words if word in CIFAR10_NOUNS[label])
            before = words[words.index(noun) - 1]
            assert before in ("a", "an", center)
            if "background" in words:
                assert words[words.index("background") - 1] == border
            if "scene" in words:
                assert words[words.index("scene") - 1] == ("bright" if bright > 0 else "dark")
                assert bright


def test_the_same_generator_gives_the_same_captions_in_parts_or_at_once() -> None:
    pixels = rng(1, "test").integers(0, 256, (60, 3, 16, 16), dtype=np.uint8)
    labels = [list(CIFAR10_NOUNS)[row % 10] for row in range(60)]
    whole = caption_pictures(pixels, labels, rng=rng(7, "captions"))
    generator = rng(7, "captions")
    parts = [caption_pictures(pixels[at : at + 17], labels[at : at + 17], rng=generator) for at in range(0, 60, 17)]
    assert [caption for part in parts for caption in part] == whole
    assert whole != caption_pictures(pixels, labels, rng=rng(8, "captions"))


@pytest.mark.parametrize(("attribute_rate", "drop_rate"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)])
def test_the_noun_is_always_there(attribute_rate: float, drop_rate: float) -> None:
    pixels = rng(2, "test").integers(0, 256, (200, 3, 8, 8), dtype=np.uint8)
    captions = caption_pictures(
        pixels, ["ship"] * 200, rng=rng(3, "captions"), attribute_rate=attribute_rate, drop_rate=drop_rate
    )
    assert all(set(CIFAR10_NOUNS["ship"]) & set(caption.split()) for caption in captions)
    if drop_rate == 1:
        assert set(captions) <= set(CIFAR10_NOUNS["ship"])
    if attribute_rate == 0:
        assert set(captions) <= set(class_prompts("ship"))


def test_prompts_are_every_template_with_every_noun() -> None:
    assert len(TEMPLATES) == 8
    assert class_prompts("automobile")[:2] == ["a photo of an automobile", "a picture of an automobile"]
    assert len(class_prompts("automobile")) == len(set(class_prompts("automobile"))) == 16
    assert class_prompts("fire", nouns={"fire": ("fire",)})[0] == "a photo of a fire"


def test_wrong_pixels_and_unknown_classes_are_refused() -> None:
    good = np.zeros((2, 3, 8, 8), np.uint8)
    with pytest.raises(InputError, match="labels for 2 pictures"):
        caption_pictures(good, ["cat"], rng=rng(0, "c"))
    with pytest.raises(InputError, match="'whale'"):
        caption_pictures(good, ["cat", "whale"], rng=rng(0, "c"))
    with pytest.raises(InputError, match="'whale'"):
        class_prompts("whale")
    for bad in (good.astype(np.float32), good[:, :1], good[0], good[:, :, :4]):
        with pytest.raises(InputError, match="uint8"):
            measure_pictures(bad)
    assert caption_pictures(good[:0], [], rng=rng(0, "c")) == []


def test_fifty_thousand_pictures_are_captioned_in_seconds() -> None:
    pixels = np.tile(rng(4, "test").integers(0, 256, (500, 3, 32, 32), dtype=np.uint8), (20, 1, 1, 1))
    start = process_time()
    captions = caption_pictures(pixels, ["dog"] * len(pixels), rng=rng(5, "captions"))
    assert process_time() - start < 10  # a fifth of them; 0.12 s measured
    assert len(captions) == len(pixels)


@pytest.mark.data
def test_captions_of_real_pictures_differ_and_say_more_than_the_class(data_dir: Path) -> None:
    table = pq.read_table(data_dir / "images" / "cifar10_jpeg_10k2k.parquet")
    table = table.take(list(range(0, len(table), 6)))  # it is sorted by class
    pictures = [np.asarray(Image.open(io.BytesIO(content))) for content in table["jpeg"].to_pylist()]
    pixels, labels = np.stack(pictures).transpose(0, 3, 1, 2), table["class_name"].to_pylist()
    captions = caption_pictures(pixels, labels, rng=rng(0, "captions"))
    assert len(set(captions)) > 0.75 * len(captions)
    assert 40 <= len(set(" ".join(captions).split())) <= 60
    found = measure_pictures(pixels)
    assert {word for of in (found.center, found.border) for word in of.tolist()} == set(range(8))
    assert max(np.bincount(found.border)) < 0.4 * len(captions)
    assert light_terciles(pixels) == pytest.approx(LIGHT_LIMITS, abs=0.02)
