"""What the pictures of an image table are, read from their headers alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from threatclip.errors import ImageFaultError
from threatclip.pairs.images import image_header
from threatclip.pairs.pair import Pair

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What `ImageTally` found.

    Attributes:
        pictures: distinct pictures, byte for byte; several captions may share one.
        formats: distinct pictures by file format.
        width_px: quantiles over distinct pictures, before they are turned upright.
        height_px: the same.
        unreadable: distinct pictures whose header does not read.
        first_fault: why the first of them does not, with its id.
        without_picture: rows that have words only.
        without_words: rows that have a picture only.
        languages: rows by `meta.language`, where the source kept it.
    """

    pictures: int
    formats: Mapping[str, int]
    width_px: Mapping[str, int]
    height_px: Mapping[str, int]
    unreadable: int
    first_fault: str | None
    without_picture: int
    without_words: int
    languages: Mapping[str, int]


class ImageTally:
    """Counts pair by pair; keeps 16 bytes and two sides of each distinct picture."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._formats: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._sides: list[tuple[int, int]] = []
        self._without_picture = self._without_words = 0
        self._faults: list[str] = []

    def add(self, pair: Pair) -> None:
        """Count one pair."""
        self._without_words += not (pair.caption and pair.caption.strip())
        if language := pair.meta.get("language"):
            self._languages[language] += 1
        if not pair.view:
            self._without_picture += 1
            return
        digest = hashlib.blake2b(pair.view, digest_size=16).digest()
        if digest in self._seen:
            return
        self._seen.add(digest)
        try:
            header = image_header(pair.view)
        except ImageFaultError as error:
            self._faults.append(f"{pair.id[:80]!a}: {error}")
            return
        self._formats[header.format] += 1
        self._sides.append((header.width, header.height))

    def facts(self) -> ImageFacts:
        """Return what was counted so far."""
        sides = np.array(self._sides, np.int64).reshape(-1, 2)
        return ImageFacts(
            pictures=len(self._seen),
            formats=dict(self._formats.most_common()),
            width_px=_quantiles(sides[:, 0]),
            height_px=_quantiles(sides[:, 1]),
            unreadable=len(self._faults),
            first_fault=self._faults[0] if self._faults else None,
            without_picture=self._without_picture,
            without_words=self._without_words,
            languages=dict(self._languages.most_common()),
        )


def _quantiles(values: np.ndarray) -> dict[str, int]:
    if not values.size:
        return {}
    found = np.quantile(values, _QUANTILES, method="nearest")
    return {f"{quantile:g}": int(value) for quantile, value in zip(_QUANTILES, found, strict=True)}
