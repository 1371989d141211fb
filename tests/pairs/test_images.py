"""Decoding of pictures: what is seen, what is refused, and that nothing else ever comes out."""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from encoded_pictures import FORMATS, encoded, smooth_picture
from threatclip.errors import ImageFaultError, InputError
from threatclip.pairs.images import (
    GRAY,
    ImageHeader,
    ImageLimits,
    decode_batch,
    decode_image,
    encode_png,
    image_fault,
    image_header,
    perceptual_hash,
    resize_square,
)

PICTURE = smooth_picture()
LOSSLESS = {"PNG", "BMP"}
files = [pytest.param(name, options, id=f"{name}-{'-'.join(options)}") for name, options in FORMATS]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(
    *, width: int, height: int, bits: int = 8, color: int = 2, body: bytes = b"", before: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + before + png_chunk(b"IDAT", zlib.compress(body)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(("name", "options"), files)
def test_every_format_shows_its_picture(name: str, options: dict[str, Any]) -> None:
    view = encoded(PICTURE, name, **options)
    found = decode_image(view)
    assert (found.dtype, found.shape) == (np.uint8, PICTURE.shape)
    assert np.abs(found.astype(int) - PICTURE).mean() < (1 if name in LOSSLESS or "lossless" in options else 12)
    assert image_fault(view) is None
    assert image_header(view) == ImageHeader(format=name, width=40, height=30)


@pytest.mark.parametrize(("name", "options"), files)
def test_a_truncated_file_is_refused_wherever_it_breaks_off(name: str, options: dict[str, Any]) -> None:
    view = encoded(PICTURE, name, **options)
    tail = 24 if name in ("PNG", "GIF") else 1  # their last bytes hold no pixel: a checksum and the end mark
    for size in {1, 2, 12, 40, *range(0, len(view) - tail, 37), len(view) - tail}:
        with pytest.raises(ImageFaultError):
            decode_image(view[:size])
        assert image_fault(view[:size]) is not None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    view = encoded(PICTURE, "PNG", exif=exif)
    stored = Image.fromarray(PICTURE)
    stored.getexif()[0x0112] = orientation
    want = np.array(ImageOps.exif_transpose(stored))
    np.testing.assert_array_equal(decode_image(view), want)
    np.testing.assert_array_equal(
        decode_batch([view], side=16)[0].transpose(1, 2, 0), resize_square(want, 16), strict=True
    )


def test_broken_metadata_do_not_make_a_picture_unreadable() -> None:
    for junk in (
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 40,
        b"Exif\0\0",
        b"x",
    ):
        for name in ("JPEG", "PNG", "WEBP"):
            assert decode_image(encoded(PICTURE, name, exif=junk)).shape == PICTURE.shape


def test_what_is_transparent_is_white_and_not_what_lies_behind() -> None:
    alpha = np.zeros(PICTURE.shape[:2], np.uint8)
    alpha[:, 20:] = 255
    shown = np.where(alpha[..., None] == 255, PICTURE, 255)
    hidden = Image.fromarray(np.dstack([PICTURE, alpha]))
    np.testing.assert_array_equal(decode_image(encoded(hidden)), shown)
    np.testing.assert_array_equal(decode_image(encoded(hidden, "WEBP", lossless=True, exact=True)), shown)
    palette = Image.fromarray(PICTURE).quantize(8)
    index = int(np.asarray(palette)[0, 0])
    view = encoded(palette, "PNG", transparency=index)
    want = np.array(palette.convert("RGB"))
    want[np.asarray(palette) == index] = 255
    np.testing.assert_array_equal(decode_image(view), want)
    np.testing.assert_array_equal(decode_image(encoded(palette, "GIF", transparency=index)), want)
    gray = hidden.convert("LA")
    light = np.where(alpha == 255, np.asarray(gray)[..., 0], 255)
    np.testing.assert_array_equal(decode_image(encoded(gray))[..., 0], light)


def test_palettes_gray_bilevel_and_cmyk_become_rgb() -> None:
    picture = Image.fromarray(PICTURE)
    for mode in ("L", "P", "1"):
        np.testing.assert_array_equal(
            decode_image(encoded(picture.convert(mode))), np.array(picture.convert(mode).convert("RGB"))
        )
    cmyk = decode_image(encoded(picture.convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert np.abs(cmyk.astype(int) - PICTURE).mean() < 3


def test_sixteen_bits_keep_their_high_byte() -> None:
    deep = np.arange(0, 65536, 65, dtype=np.uint16).reshape(-1, 1).repeat(3, axis=1)
    view = encoded(Image.fromarray(deep))
    np.testing.assert_array_equal(decode_image(view), (deep >> 8).astype(np.uint8)[..., None].repeat(3, axis=2))
    row = b"\0" + np.array([[1, 255], [2, 0], [254, 9]], np.uint8).tobytes()
    assert decode_image(png_file(width=1, height=1, bits=16, color=2, body=row)).tolist() == [[[1, 2, 254]]]


def test_of_an_animation_the_first_frame_is_seen() -> None:
    frames = [Image.fromarray(smooth_picture(seed=seed)) for seed in range(3)]
    for name, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        view = encoded(frames[0], name, save_all=True, append_images=frames[1:], **options)
        alone = encoded(frames[0], name, **options)
        np.testing.assert_array_equal(decode_image(view), decode_image(alone))


def test_a_multi_picture_jpeg_is_a_jpeg() -> None:
    view = encoded(Image.fromarray(PICTURE), "MPO", save_all=True, append_images=[Image.fromarray(PICTURE[::-1])])
    assert image_header(view).format == "JPEG"
    assert np.abs(decode_image(view).astype(int) - PICTURE).mean() < 12


def test_limits_hold_before_a_pixel_is_decoded() -> None:
    bomb = png_file(width=50_000, height=50_000, body=b"")
    with pytest.raises(ImageFaultError, match="more than 33,554,432 pixels"):
        decode_image(bomb)
    for width, height in ((9_000, 9_000), (20_000, 1), (1, 2**31 - 1)):
        for check in (decode_image, image_header):
            with pytest.raises(ImageFaultError, match="pixels"):
                check(png_file(width=width, height=height))
    view = encoded(PICTURE)
    for limits in (
        ImageLimits(max_bytes=len(view) - 1),
        ImageLimits(max_pixels=30 * 40 - 1),
        ImageLimits(max_side=39),
    ):
        with pytest.raises(ImageFaultError, match="more than"):
            decode_image(view, limits=limits)
        assert "more than" in str(image_fault(view, limits=limits))
    assert image_fault(view, limits=ImageLimits(max_bytes=len(view), max_pixels=1_200, max_side=40)) is None


def test_a_jpeg_that_repeats_its_scans_is_refused() -> None:
    view = encoded(PICTURE, "JPEG", progressive=True)
    start = view.rindex(b"\xff\xda")
    with pytest.raises(ImageFaultError, match="scans"):
        decode_image(view[:start] + view[start:-2] * 200 + view[-2:])


@pytest.mark.parametrize(
    "view",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        encoded(PICTURE, "TIFF"),
        encoded(PICTURE, "ICO"),
        encoded(PICTURE, "PPM"),
        encoded(PICTURE, "JPEG2000"),
        png_file(width=0, height=4),
        png_file(width=2, height=2, color=9),
    ],
)
def test_what_is_no_picture_of_the_five_formats_is_refused(view: bytes) -> None:
    with pytest.raises(ImageFaultError):
        decode_image(view)
    with pytest.raises(ImageFaultError):
        image_header(view)


MADE = [encoded(smooth_picture(height=12, width=9), name, **options) for name, options in FORMATS]
MADE += [encoded(Image.fromarray(PICTURE).convert("CMYK"), "JPEG"), encoded(Image.fromarray(PICTURE).quantize(4))]
edits = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "repeat", "insert"]), st.floats(0, 1), st.binary(max_size=9)), max_size=12
)


@settings(max_examples=600, deadline=None)
@given(made=st.sampled_from(MADE), edits=edits)
def test_from_any_bytes_comes_a_picture_or_the_one_error(made: bytes, edits: list[tuple[str, float, bytes]]) -> None:
    view = made
    for kind, share, content in edits:
        at = int(share * len(view))
        if kind == "cut":
            view = view[:at] + view[at + len(content) :]
        elif kind == "repeat":
            view = view[:at] + view[max(0, at - 40) :]
        else:
            view = view[:at] + content + view[at + (len(content) if kind == "set" else 0) :]
    limits = ImageLimits(max_pixels=2**20)
    fault = image_fault(view, limits=limits)
    try:
        pixels = decode_image(view, limits=limits)
    except ImageFaultError as error:
        told = str(error)
        with pytest.raises(ImageFaultError, match="picture 1 of 2"):
            decode_batch([MADE[0], view or b"x"], side=8, limits=limits)
    else:
        told = None
        assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
        assert 1 <= pixels.shape[0] * pixels.shape[1] <= 2**20
    assert fault == told
    assert "\n" not in str(told)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200), start=st.sampled_from([view[:16] for view in MADE] + [b""]))
def test_from_bytes_that_never_were_a_picture_comes_the_one_error(content: bytes, start: bytes) -> None:
    assert image_fault(start + content) is not None


def test_a_batch_is_every_picture_decoded_and_resized() -> None:
    views = [encoded(smooth_picture(height=20 + seed, width=50 - seed, seed=seed)) for seed in range(40)]
    views[7] = b""
    for fit in ("squash", "crop"):
        found = decode_batch(views, side=24, fit=fit, workers=1)  # type: ignore[arg-type]
        assert (found.dtype, found.shape) == (np.uint8, (40, 3, 24, 24))
        assert (found[7] == GRAY).all()
        for place, view in enumerate(views):
            if view:
                want = resize_square(decode_image(view), 24, fit=fit)  # type: ignore[arg-type]
                np.testing.assert_array_equal(found[place].transpose(1, 2, 0), want)
        np.testing.assert_array_equal(decode_batch(views, side=24, fit=fit, workers=4), found)  # type: ignore[arg-type]
    assert decode_batch([], side=8).shape == (0, 3, 8, 8)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size_and_looks_the_same() -> None:
    view = encoded(smooth_picture(height=600, width=800), "JPEG", quality=90)
    found = decode_batch([view], side=32)[0].transpose(1, 2, 0).astype(int)
    assert np.abs(found - resize_square(decode_image(view), 32)).max() <= 4


@pytest.mark.parametrize("workers", [1, 3])
def test_a_fault_in_a_batch_names_its_place(workers: int) -> None:
    views = [MADE[2]] * 60
    views[41] = MADE[2][:-40]
    with pytest.raises(ImageFaultError, match=r"picture 41 of 60: the picture is truncated or broken"):
        decode_batch(views, side=8, workers=workers)


def test_the_middle_square_is_what_resizing_the_short_edge_and_cropping_shows() -> None:
    for height, width, side in ((60, 200, 32), (200, 61, 32), (64, 64, 48), (33, 500, 64), (500, 20, 16)):
        pixels = smooth_picture(height=height, width=width)
        short = min(height, width)
        size = (int(side * width / short), int(side * height / short))
        whole = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
        left, top = (whole.width - side) // 2, (whole.height - side) // 2
        want = np.array(whole.crop((left, top, left + side, top + side))).astype(int)
        assert np.abs(resize_square(pixels, side, fit="crop") - want).max() <= 1


def test_a_strip_of_extreme_proportions_costs_no_more_than_its_middle() -> None:
    strip = np.full((1, 16_000, 3), 7, np.uint8)
    for pixels in (strip, strip.transpose(1, 0, 2)):
        assert (resize_square(pixels, 224, fit="crop") == 7).all()
        assert (resize_square(pixels, 224) == 7).all()


def test_png_is_without_loss_deterministic_and_bare() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (17, 5, 3), dtype=np.uint8)
    for pixels in (noise, PICTURE, PICTURE[::-1, ::2]):
        view = encode_png(pixels)
        assert view == encode_png(pixels.copy())
        np.testing.assert_array_equal(decode_image(view), pixels)
        assert {view[at - 4 : at] for at in range(16, 17)} == {b"IHDR"}
        assert b"tEXt" not in view
        assert b"pHYs" not in view


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((3, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_are_no_pixels_is_refused(pixels: np.ndarray) -> None:
    for call in (encode_png, perceptual_hash, lambda pixels: resize_square(pixels, 8)):
        with pytest.raises(InputError, match="want uint8"):
            call(pixels)


def test_a_side_and_a_fit_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="side of a picture is 0"):
        decode_batch([], side=0)
    with pytest.raises(InputError, match="unknown fit 'pad'"):
        resize_square(PICTURE, 8, fit="pad")  # type: ignore[arg-type]


def test_the_perceptual_hash_is_the_library_s_and_survives_small_changes() -> None:
    pixels = smooth_picture(height=90, width=120)
    mine = perceptual_hash(pixels)
    assert f"{mine:016x}" == str(imagehash.phash(Image.fromarray(pixels)))
    again = decode_image(encoded(np.array(Image.fromarray(pixels).resize((80, 60))), "JPEG", quality=60))
    other = smooth_picture(height=90, width=120, seed=5)
    assert (mine ^ perceptual_hash(again)).bit_count() <= 6
    assert (mine ^ perceptual_hash(other)).bit_count() >= 16


def test_strangers_metadata_write_nothing_and_leave_no_filter_behind(recwarn: pytest.WarningsRecorder) -> None:
    broken = encoded(
        PICTURE, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x02\0" + b"\x1a\x01\x05\0\x01\0\0\0\xf0\xff\0\0" * 2
    )
    animated = png_file(width=1, height=1, body=b"\0\0\0\0", before=png_chunk(b"acTL", b"\0\0\0\0\0\0\0\0"))
    warnings.simplefilter("always")
    before = list(warnings.filters)
    start = threading.Barrier(4)

    def work(_: int) -> None:
        start.wait()
        for _ in range(20):
            decode_image(broken)
            decode_image(animated)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(warnings.filters) == before
    assert [str(found.message) for found in recwarn] == []
