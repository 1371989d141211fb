"""Captions for labeled pictures that say more than the label: template x noun x attributes measured from the pixels.

A caption that only names the class would make contrastive training, and every defense of it, classification in
disguise. So the colors of the middle and of the border and the light are read off the pixels: color words are true,
and a counterfactual (another color, another noun) exists for each. This is the caption set of the scaled backdoor
protocol [poisoning spec 6.1, 7.1].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from threatclip.errors import InputError

TEMPLATES = (
    "a photo of {}",
    "a picture of {}",
    "an image of {}",
    "this is {}",
    "there is {} here",
    "a small photo of {}",
    "{} seen up close",
    "someone took a picture of {}",
)
CIFAR10_NOUNS: Mapping[str, tuple[str, ...]] = {
    "airplane": ("airplane", "plane", "jet"),
    "automobile": ("automobile", "car"),
    "bird": ("bird", "songbird"),
    "cat": ("cat", "kitten"),
    "deer": ("deer", "fawn"),
    "dog": ("dog", "puppy"),
    "frog": ("frog", "toad"),
    "horse": ("horse", "pony"),
    "ship": ("ship", "boat", "vessel"),
    "truck": ("truck", "lorry"),
}
COLOR_WORDS = ("black", "gray", "white", "red", "yellow", "green", "blue", "brown")
LIGHT_WORDS = ("dark", "bright")
# terciles of the mean luma of the CIFAR-10 training pictures, so that a picture's words do not hang on its neighbors
LIGHT_LIMITS = (0.43, 0.525)

_BLACK, _GRAY, _WHITE, _RED, _YELLOW, _GREEN, _BLUE, _BROWN = range(8)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_CHUNK = 2048  # pictures measured at once: memory stays at a few megabytes
_FIXED_DRAWS = 5  # template, noun, three attributes; then one a word


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAttributes:
    """What was measured of n pictures.

    Attributes:
        center: int64[n], place in COLOR_WORDS of the commonest color of the middle half.
        border: int64[n], the same of the outer eighth on each side.
        light: int64[n], -1 dark, 1 bright, 0 neither.
    """

    center: np.ndarray
    border: np.ndarray
    light: np.ndarray


def measure_pictures(pixels: np.ndarray, *, light_limits: tuple[float, float] = LIGHT_LIMITS) -> PictureAttributes:
    """Return the attributes of pictures, uint8 `[n, 3, h, w]`; each is a pure function of its own picture.

    `light_limits` are the mean lumas (0 to 1) up to which a picture is dark and from which it is bright.

    Raises:
        InputError: not uint8 `[n, 3, h, w]` with sides of at least 8 pixels.
    """
    _check_pixels(pixels)
    parts = [_measured(pixels[at : at + _CHUNK]) for at in range(0, len(pixels), _CHUNK)]
    center, border, luma = (np.concatenate([part[of] for part in parts] or [np.zeros(0)]) for of in range(3))
    low, high = light_limits
    light = (luma >= high).astype(np.int64) - (luma <= low)
    return PictureAttributes(center=center.astype(np.int64), border=border.astype(np.int64), light=light)


def light_terciles(pixels: np.ndarray) -> tuple[float, float]:
    """Return the mean lumas that cut pictures, uint8 `[n, 3, h, w]`, into a dark, a middle and a bright third."""
    _check_pixels(pixels)
    luma = np.concatenate([_luma(pixels[at : at + _CHUNK]) for at in range(0, len(pixels), _CHUNK)])
    low, high = np.quantile(luma, [1 / 3, 2 / 3])
    return float(low), float(high)


def caption_pictures(
    pixels: np.ndarray,
    labels: Sequence[str],
    *,
    rng: np.random.Generator,
    nouns: Mapping[str, Sequence[str]] = CIFAR10_NOUNS,
    attribute_rate: float = 0.7,
    drop_rate: float = 0.1,
    light_limits: tuple[float, float] = LIGHT_LIMITS,
) -> list[str]:
    """Return one caption for each picture, such as "a photo of a red car on a gray background in a dark scene".

    The noun is always there; what else is said is true of the picture. Calls on parts of a set, in order and with one
    generator, give the captions of one call.

    Args:
        pixels: uint8 `[n, 3, h, w]`, RGB.
        labels: n class names.
        rng: of template, noun, attributes and dropped words.
        nouns: class name to the nouns that may stand for it, one word each.
        attribute_rate: probability that an attribute is told: color of the middle, of the border, light.
        drop_rate: probability that a word other than the noun is left out.
        light_limits: see `measure_pictures`.

    Raises:
        InputError: pixels of another shape, a label without nouns, another number of labels.
    """
    if len(labels) != len(pixels):
        raise InputError(f"{len(labels)} labels for {len(pixels)} pictures; give one each")
    for label in set(labels):
        _nouns_of(label, nouns)
    attributes = measure_pictures(pixels, light_limits=light_limits)
    draws = rng.random((len(labels), _FIXED_DRAWS + _longest()))
    facts = zip(attributes.center.tolist(), attributes.border.tolist(), attributes.light.tolist(), strict=True)
    return [
        _caption(nouns[label], fact, draw, attribute_rate, drop_rate)
        for label, fact, draw in zip(labels, facts, _rows(draws), strict=True)
    ]


def class_prompts(name: str, *, nouns: Mapping[str, Sequence[str]] = CIFAR10_NOUNS) -> list[str]:
    """Return the prompts of a class for zero-shot answers: every template with every noun, without attributes.

    Raises:
        InputError: a class without nouns.
    """
    return [template.format(f"{_article(noun)} {noun}") for noun in _nouns_of(name, nouns) for template in TEMPLATES]


def _caption(
    nouns: Sequence[str], facts: tuple[int, int, int], draws: list[float], attribute_rate: float, drop_rate: float
) -> str:
    center, border, light = facts
    before, after = _template_words()[int(draws[0] * len(TEMPLATES))]
    noun = nouns[int(draws[1] * len(nouns))]
    color = COLOR_WORDS[center] if draws[2] < attribute_rate else None
    words = [*before, _article(color or noun), *([color] if color else [])]
    at_noun = len(words)
    words += [noun, *after]
    if draws[3] < attribute_rate:
        words += ["on", "a", COLOR_WORDS[border], "background"]
    if light and draws[4] < attribute_rate:
        words += ["in", "a", LIGHT_WORDS[light > 0], "scene"]
    kept = draws[_FIXED_DRAWS:]
    return " ".join(word for place, word in enumerate(words) if place == at_noun or kept[place] >= drop_rate)


def _rows(draws: np.ndarray) -> Iterator[list[float]]:
    for at in range(0, len(draws), _CHUNK):
        yield from draws[at : at + _CHUNK].tolist()


@cache
def _template_words() -> tuple[tuple[list[str], list[str]], ...]:
    parts = (template.partition("{}") for template in TEMPLATES)
    return tuple((before.split(), after.split()) for before, _, after in parts)


@cache
def _longest() -> int:
    """Return the most words that a caption can have."""
    return max(len(before) + len(after) for before, after in _template_words()) + len("a red car".split()) + 8


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _nouns_of(name: str, nouns: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if not nouns.get(name):
        raise InputError(f"no noun for class {name!r}; give one, or use one of {', '.join(nouns)}")
    return nouns[name]


def _check_pixels(pixels: np.ndarray) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3 or min(pixels.shape[2:]) < 8:
        raise InputError(
            f"pixels are {pixels.dtype} {list(pixels.shape)}; captions need uint8 [n, 3, h, w] with sides of 8 or more"
        )


def _measured(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = pixels >> 3
    names = _color_names()[codes[:, 0], codes[:, 1], codes[:, 2]]
    height, width = names.shape[1:]
    middle = names[:, height // 4 : height - height // 4, width // 4 : width - width // 4].reshape(len(names), -1)
    inside = np.zeros((height, width), bool)
    inside[height // 8 : height - height // 8, width // 8 : width - width // 8] = True
    return _commonest(middle), _commonest(names[:, ~inside]), _luma(pixels)


def _commonest(names: np.ndarray) -> np.ndarray:
    """Return the most frequent color of each row of `[n, pixels]`; the first of COLOR_WORDS among equals."""
    counts = np.stack([np.count_nonzero(names == color, axis=1) for color in range(len(COLOR_WORDS))])
    commonest: np.ndarray = counts.argmax(axis=0)
    return commonest


def _luma(pixels: np.ndarray) -> np.ndarray:
    """Return the mean luma of each picture, 0 to 1."""
    means = pixels.mean(axis=(2, 3), dtype=np.float32)
    luma: np.ndarray = means @ _LUMA / 255
    return luma


@cache
def _color_names() -> np.ndarray:
    """Return the color word of every RGB value cut to five bits, uint8 `[32, 32, 32]`: sectors of hue.

    Orange counts as red or yellow when it is bright, as brown when it is dark or pale; purple as blue, pink as red.
    """
    red, green, blue = np.meshgrid(*[(np.arange(32) * 8 + 4) / 255] * 3, indexing="ij")
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    safe = np.maximum(chroma, 1e-9)
    hue = np.where(
        value == red,
        (green - blue) / safe % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    degrees, saturation = hue * 60, chroma / value
    vivid = (value >= 0.7) & (saturation >= 0.5)
    earthy = (degrees >= 15) & (degrees < 50) & ~vivid
    chosen = [
        (value < 0.22, _BLACK),
        ((saturation < 0.13) & (value >= 0.75), _WHITE),
        ((saturation < 0.13) | (chroma < 0.07), _GRAY),
        (earthy, _BROWN),
        ((degrees < 30) | (degrees >= 310), _RED),
        ((degrees < 65) & (value >= 0.45), _YELLOW),
        (degrees < 165, _GREEN),
    ]
    names: np.ndarray = np.select([test for test, _ in chosen], [color for _, color in chosen], _BLUE).astype(np.uint8)
    return names
