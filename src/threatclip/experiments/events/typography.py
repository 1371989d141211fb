"""Words in pictures: the typographic attack on a classifier of posts, and ways to live with it [Goh 2021].

Anyone who posts a picture can write into it. The attack draws a few words; the control draws words that mean nothing
here, which tells what the words say from what they cover. Against it: training on pictures with random words, or
taking thin bright and dark strokes out of every picture before it is read.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from threatclip.errors import InputError
from threatclip.pairs.images import decode_image
from threatclip.seeds import rng

CONTROL_WORDS = ("table", "window", "garden", "number", "spoon", "letter", "button", "pencil")
"""Words that tell of no event, nor of its absence."""

TRAINING_WORDS = (
    *("morning", "coffee", "friday", "music", "photo", "today", "summer", "violin", "kitchen", "football"),
    *("market", "bicycle", "school", "paper", "yellow", "guitar", "holiday", "shoes", "dinner", "picture"),
)
"""Words of training copies: neither the attacks' nor the control's."""

_HEIGHT = (0.12, 0.2)  # of the letters, in the height of the picture
_INKS = (((255, 255, 255), (0, 0, 0)), ((0, 0, 0), (255, 255, 255)), ((255, 230, 0), (0, 0, 0)))
_STROKE_PX = 11  # side of the median's window: lines thinner than half of it vanish
_STROKE_CONTRAST = 48  # gray levels that a stroke differs by from its surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """Where and how words stand in a picture; sides and places in fractions of the picture's."""

    words: str
    height: float
    left: float  # of the room that the words leave
    top: float
    ink: int  # of `_INKS`: letters and outline


def draw_lettering(words: str, draw: np.random.Generator) -> Lettering:
    """Choose height, place and ink of words."""
    height, left, top = draw.uniform(*_HEIGHT), draw.random(), draw.random()
    return Lettering(words=words, height=height, left=left, top=top, ink=int(draw.integers(len(_INKS))))


def with_words(view: bytes, lettering: Lettering) -> bytes:
    """Return the picture with words drawn into it, as PNG; no picture stays none.

    Words that are too wide are drawn smaller.

    Raises:
        ImageFaultError: the picture cannot be read safely.
    """
    if not view:
        return b""
    picture = Image.fromarray(decode_image(view))
    canvas = ImageDraw.Draw(picture)
    size = max(8.0, lettering.height * picture.height)
    outline = max(1, round(size / 12))
    width, height = _extent(canvas, lettering.words, size, outline)
    if width > picture.width:
        size = max(6.0, size * picture.width / width)
        width, height = _extent(canvas, lettering.words, size, outline)
    place = (lettering.left * max(0.0, picture.width - width), lettering.top * max(0.0, picture.height - height))
    ink, edge = _INKS[lettering.ink]
    canvas.text(
        place,
        lettering.words,
        fill=ink,
        font=ImageFont.load_default(size),
        stroke_width=outline,
        stroke_fill=edge,
        anchor="la",
    )
    return _png(picture)


def without_strokes(view: bytes) -> bytes:
    """Return the picture with thin strokes of high contrast replaced by the median around them, as PNG.

    Blind to letters whose lines are thicker than five pixels, and to those of little contrast.

    Raises:
        ImageFaultError: the picture cannot be read safely.
    """
    if not view:
        return b""
    picture = Image.fromarray(decode_image(view))
    smooth = picture.filter(ImageFilter.MedianFilter(_STROKE_PX))
    pixels, around = np.asarray(picture, dtype=np.int16), np.asarray(smooth, dtype=np.int16)
    strokes = (np.abs(pixels - around).max(axis=2) > _STROKE_CONTRAST).astype(np.uint8) * 255
    grown = np.asarray(Image.fromarray(strokes).filter(ImageFilter.MaxFilter(3))) > 0
    return _png(Image.fromarray(np.where(grown[..., None], around, pixels).astype(np.uint8)))


Letters = Callable[[np.random.Generator], str]


Probe = Callable[[Sequence[bytes], int], list[bytes]]
"""From encoded pictures and a seed to as many encoded pictures; no picture stays none."""


def attacked_views(views: Sequence[bytes], letters: Letters, *, seed: int, stream: str) -> list[bytes]:
    """Return every picture with words from `letters` drawn at random places."""
    draw = rng(seed, f"events/typography/{stream}")
    return [with_words(view, draw_lettering(letters(draw), draw)) for view in views]


def always(words: str) -> Letters:
    """Return what gives the same words each time."""
    return lambda _: words


def one_of(words: Sequence[str]) -> Letters:
    """Return what draws one of several words.

    Raises:
        InputError: there are none.
    """
    if not words:
        raise InputError("no words to draw; give one or more")
    return lambda draw: words[int(draw.integers(len(words)))]


def _drawn(letters: Letters, stream: str) -> Probe:
    def probe(views: Sequence[bytes], seed: int) -> list[bytes]:
        return attacked_views(views, letters, seed=seed, stream=f"probe/{stream}")

    return probe


def _cleaned(probe: Probe) -> Probe:
    return lambda views, seed: [without_strokes(view) for view in probe(views, seed)]


PROBES: Mapping[str, Probe] = {
    "drawn_no_damage": _drawn(always("no damage"), "no damage"),
    "drawn_safe": _drawn(always("safe"), "safe"),
    "drawn_control": _drawn(one_of(CONTROL_WORDS), "control"),
    "strokes_removed": _cleaned(lambda views, _: list(views)),
    "drawn_no_damage_strokes_removed": _cleaned(_drawn(always("no damage"), "no damage")),
}
"""What is done to the pictures of posts that a model is judged on, by the name under which it is published."""


def drawn_copies(views: Sequence[bytes], *, n_copies: int, seed: int) -> list[list[bytes]]:
    """Return `n_copies` columns of the pictures, each with one to three random words drawn into it."""

    def phrase(draw: np.random.Generator) -> str:
        return " ".join(draw.choice(TRAINING_WORDS, size=int(draw.integers(1, 4))).tolist())

    return [attacked_views(views, phrase, seed=seed, stream=f"copy/{number}") for number in range(n_copies)]


def _extent(canvas: ImageDraw.ImageDraw, words: str, size: float, outline: int) -> tuple[float, float]:
    left, top, right, bottom = canvas.textbbox(
        (0, 0), words, font=ImageFont.load_default(size), stroke_width=outline, anchor="la"
    )
    return right - left, bottom - top


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format="PNG", compress_level=1)
    return stream.getvalue()
