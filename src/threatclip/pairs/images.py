"""Pictures of strangers, decoded without trusting them: limits first, five formats only, one error for every fault.

What a picture shows is what a person sees in it: turned upright by its EXIF tag, transparent places white (most loaders
drop alpha, and with it whatever the file's author hid behind it), 16-bit samples by their high byte, the first frame
of an animation. Colors of CMYK files are converted without their profile.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from threatclip.errors import ImageFaultError, InputError

Fit = Literal["squash", "crop"]
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
GRAY = 128  # stands where a post has no picture

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_START_OF_SCAN = b"\xff\xda"
_MAX_JPEG_SCANS = 100  # a progressive file of a few kilobytes can repeat scans for minutes
_SERIAL_PICTURES = 32  # below it, threads cost more than they save


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What a picture may cost before it is decoded.

    Attributes:
        max_bytes: of the encoded file.
        max_pixels: width x height; one pixel costs up to 16 bytes while decoding.
        max_side: width and height, each in pixels.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 2**25
    max_side: int = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What the first bytes of a picture say of it; sides in pixels, before it is turned upright."""

    format: str
    width: int
    height: int


LIMITS = ImageLimits()


def decode_image(view: bytes, *, limits: ImageLimits = LIMITS) -> np.ndarray:
    """Return the picture of an encoded file as uint8 `[height, width, 3]`, RGB.

    Raises:
        ImageFaultError: empty, over a limit, of another format, truncated or broken.
    """
    return np.array(_decoded(view, limits=limits))


def image_header(view: bytes, *, limits: ImageLimits = LIMITS) -> ImageHeader:
    """Return format and size without decoding the pixels.

    Raises:
        ImageFaultError: empty, over a limit, of another format, or a broken header.
    """
    with _SILENCE, _faults():
        picture = _opened(view, limits)
        name = "JPEG" if picture.format == "MPO" else str(picture.format)
        return ImageHeader(format=name, width=picture.width, height=picture.height)


def image_fault(view: bytes, *, limits: ImageLimits = LIMITS) -> str | None:
    """Return why `view` does not decode, or None when it does; a JPEG is decoded at an eighth of its size."""
    try:
        _decoded(view, limits=limits, at_least=1)
    except ImageFaultError as error:
        return str(error)
    return None


def decode_batch(
    views: Sequence[bytes],
    *,
    side: int,
    fit: Fit = "squash",
    workers: int | None = None,
    limits: ImageLimits = LIMITS,
) -> np.ndarray:
    """Return pictures as uint8 `[n, 3, side, side]`, decoded in threads; an empty view is mid-gray.

    A JPEG of at least four times `side` is decoded at a fraction of its size: pixels then differ by rounding from
    `resize_square(decode_image(view), side)`. `workers` are threads; None means one a core. Threads change no byte.

    Raises:
        ImageFaultError: a view does not decode; names its place in `views`.
        InputError: no positive side, an unknown fit.
    """
    _check_target(side, fit)
    pixels = np.empty((len(views), 3, side, side), np.uint8)

    def fill(places: range) -> None:
        for place in places:
            if not views[place]:
                pixels[place] = GRAY
                continue
            try:
                picture = _decoded(views[place], limits=limits, at_least=2 * side)
            except ImageFaultError as error:
                raise ImageFaultError(f"picture {place} of {len(views)}: {error}") from error
            pixels[place] = np.asarray(_square(picture, side, fit)).transpose(2, 0, 1)

    n_workers = _n_cores() if workers is None else workers
    with _SILENCE:
        if n_workers <= 1 or len(views) < _SERIAL_PICTURES:
            fill(range(len(views)))
        else:
            step = max(8, len(views) // (8 * n_workers))
            with ThreadPoolExecutor(n_workers) as pool:
                list(pool.map(fill, [range(at, min(at + step, len(views))) for at in range(0, len(views), step)]))
    return pixels


def encode_png(pixels: np.ndarray) -> bytes:
    """Return uint8 `[height, width, 3]` as a PNG without loss or metadata: the same pixels give the same bytes.

    Raises:
        InputError: another type or shape, or a side of zero.
    """
    stream = io.BytesIO()
    # level 1 is twice as fast as 6 on photographs, and no larger
    _picture(pixels).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def resize_square(pixels: np.ndarray, side: int, *, fit: Fit = "squash") -> np.ndarray:
    """Return uint8 `[height, width, 3]` as `[side, side, 3]`, bicubic with antialiasing.

    "squash" takes the whole picture whatever its proportions; "crop" takes the middle square, as CLIP's own
    preprocessing does (shortest edge to `side`, then a center crop).

    Raises:
        InputError: another type or shape, no positive side, an unknown fit.
    """
    _check_target(side, fit)
    return np.array(_square(_picture(pixels), side, fit))


def perceptual_hash(pixels: np.ndarray) -> int:
    """Return the 64-bit perceptual hash (signs of the lowest 8 x 8 DCT coefficients against their median) of a picture.

    Near-duplicates differ in few bits: compare by `(a ^ b).bit_count()`.

    Raises:
        InputError: not uint8 `[height, width, 3]`, or a side of zero.
    """
    import imagehash

    bits = imagehash.phash(_picture(pixels)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _decoded(view: bytes, *, limits: ImageLimits, at_least: int | None = None) -> Image.Image:
    """Return the upright RGB picture; with `at_least` a JPEG may come smaller, with no side below that."""
    with _SILENCE, _faults():
        picture = _opened(view, limits)
        if at_least is not None and isinstance(picture, JpegImageFile) and min(picture.size) >= 2 * at_least:
            picture.draft(None, (at_least, at_least))
        picture.load()
        turn = _UPRIGHT.get(_orientation(picture))
        flat = _rgb(picture)
        return flat if turn is None else flat.transpose(turn)


def _opened(view: bytes, limits: ImageLimits) -> Image.Image:
    """Read the header and hold it to the limits; pixels are not touched."""
    if not view:
        raise ImageFaultError("the picture is empty")
    if len(view) > limits.max_bytes:
        raise ImageFaultError(f"the picture has {len(view):,} bytes, more than {limits.max_bytes:,}")
    try:
        picture = Image.open(io.BytesIO(view), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageFaultError(f"not one of {', '.join(FORMATS)}, or its header is broken") from error
    except Image.DecompressionBombError as error:
        least = min(limits.max_pixels, Image.MAX_IMAGE_PIXELS or limits.max_pixels)
        raise ImageFaultError(f"the picture has more than {least:,} pixels") from error
    width, height = picture.size
    if width < 1 or height < 1:
        raise ImageFaultError(f"the picture has {width} x {height} pixels")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        most = f"{limits.max_pixels:,} in all or {limits.max_side:,} a side"
        raise ImageFaultError(f"the picture has {width:,} x {height:,} pixels, more than {most}")
    scans = view.count(_START_OF_SCAN) if isinstance(picture, JpegImageFile) else 0
    if scans > _MAX_JPEG_SCANS:
        raise ImageFaultError(f"the JPEG has {scans:,} scans, more than {_MAX_JPEG_SCANS}")
    return picture


def _orientation(picture: Image.Image) -> int:
    try:
        value = picture.getexif().get(_ORIENTATION)
    except Exception:  # broken metadata do not make a picture unreadable: viewers show it as it lies
        return 1
    return value if isinstance(value, int) else 1


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a sample, which Pillow's own conversion clips at 255
        samples = np.asarray(picture).astype(np.int64).clip(0, 0xFFFF) >> 8
        return Image.fromarray(samples.astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        shown = Image.new("RGBA", picture.size, "white")
        shown.alpha_composite(picture.convert("RGBA"))
        return shown.convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _square(picture: Image.Image, side: int, fit: Fit) -> Image.Image:
    if picture.size == (side, side):
        return picture
    box = (0.0, 0.0, float(picture.width), float(picture.height))
    if fit == "crop":
        box = _center(picture.width, picture.height, side)
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=box)


def _center(width: int, height: int, side: int) -> tuple[float, float, float, float]:
    """Return the box of the source that a center crop after resizing the shortest edge to `side` would show.

    Resizing that box alone gives the same pixels, and a strip of 1 x 16,384 pixels no gigabytes.
    """
    short, long = min(width, height), max(width, height)
    resized = int(side * long / short)
    scale, start = long / resized, (resized - side) // 2
    first, last = start * scale, min((start + side) * scale, float(long))
    return (first, 0.0, last, float(short)) if width > height else (0.0, first, float(short), last)


def _picture(pixels: np.ndarray) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise InputError(f"pixels are {pixels.dtype} {list(pixels.shape)}; want uint8 [height, width, 3]")
    return Image.fromarray(np.ascontiguousarray(pixels))


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_target(side: int, fit: str) -> None:
    if side < 1:
        raise InputError(f"the side of a picture is {side}; want 1 or more pixels")
    if fit not in ("squash", "crop"):
        raise InputError(f"unknown fit {fit!r} of a picture; choose squash or crop")


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Turn whatever Pillow's parsers raise on hostile bytes into the one error of this module."""
    try:
        yield
    except ImageFaultError:
        raise
    except MemoryError as error:
        raise ImageFaultError("the picture does not fit in memory") from error
    except Exception as error:  # two dozen kinds: OSError, SyntaxError, struct.error, KeyError, ...
        reason = " ".join(str(error).split())[:120]
        raise ImageFaultError(f"the picture is truncated or broken ({reason or type(error).__name__})") from error


class _Silence:
    """Pillow's warnings off while any thread is inside: a stranger's metadata must not write on stderr.

    `warnings.catch_warnings` alone is not for threads: two that overlap can leave the filters of each other behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.close()


_SILENCE = _Silence()
