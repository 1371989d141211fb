"""What posts look like to an event model: unit vectors of both halves, the words, and which half is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from threatclip.classification.heads import unit
from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.feature_cache import cached_features
from threatclip.encoders.towers import ImageTower, Tower, TowerState, load_tower, tower_state
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair

_Compute = Callable[[Sequence[bytes]], np.ndarray]

PICTURE, WORDS = "picture", "words"
HALVES = (PICTURE, WORDS)
_ROWS = 512  # pictures decoded at a time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PostFeatures:
    """Features of n posts; a missing half is a row of zeros (no text) and False.

    Attributes:
        picture: unit rows [n, p].
        words: unit rows [n, w].
        texts: the words, for n-grams.
        has_picture: bool [n].
        has_words: bool [n].
        drawn: unit rows [n, k, p] of k copies of the picture with words drawn into it, for training; k may be 0.
    """

    picture: np.ndarray
    words: np.ndarray
    texts: tuple[str, ...]
    has_picture: np.ndarray
    has_words: np.ndarray
    drawn: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> PostFeatures:
        """Return some posts, by index or mask."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return PostFeatures(
            picture=self.picture[index],
            words=self.words[index],
            texts=tuple(self.texts[row] for row in index.tolist()),
            has_picture=self.has_picture[index],
            has_words=self.has_words[index],
            drawn=self.drawn[index],
        )

    def without(self, half: str) -> PostFeatures:
        """Return the same posts with one half taken away.

        Raises:
            InputError: `half` is neither "picture" nor "words".
        """
        nothing = np.zeros(len(self), dtype=bool)
        if half == PICTURE:
            drawn = np.zeros_like(self.drawn)
            return replace(self, picture=np.zeros_like(self.picture), has_picture=nothing, drawn=drawn)
        if half == WORDS:
            return replace(self, words=np.zeros_like(self.words), texts=("",) * len(self), has_words=nothing)
        raise InputError(f"a post has a picture and words, no {half!r}")

    @property
    def text_bytes(self) -> list[bytes]:
        """The words as n-gram models read them."""
        return [text.encode("utf-8", "replace") for text in self.texts]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reader:
    """Two towers; the first one reads each picture at several sizes, and with its mirror image.

    Attributes:
        picture: the tower of pictures.
        words: the tower of texts.
        sides: pixels that pictures are read at; empty: the tower's own side.
        mirrored: whether vectors are means of a picture and its mirror image.
    """

    picture: ImageTower
    words: Tower
    sides: tuple[int, ...]
    mirrored: bool

    def features(
        self, pairs: Sequence[Pair], *, drawn: Sequence[Sequence[bytes]] = (), cached: bool = False
    ) -> PostFeatures:
        """Return the features of posts whose words are normalized, in fp32.

        Args:
            pairs: posts; a picture or words may be missing.
            drawn: further columns of pictures, one for each post, with words drawn into them: for training alone.
            cached: keep vectors of pretrained towers on disk, by what was read.

        Raises:
            ImageFaultError: a picture cannot be read safely.
        """
        views = [pair.view for pair in pairs]
        texts = tuple(pair.caption or "" for pair in pairs)
        picture = self.picture_vectors(views, cached=cached)
        copies = [self.picture_vectors(column, cached=cached) for column in drawn]
        return PostFeatures(
            picture=picture,
            words=self.word_vectors(texts, cached=cached),
            texts=texts,
            has_picture=np.array([bool(view) for view in views], dtype=bool),
            has_words=np.array([bool(text) for text in texts], dtype=bool),
            drawn=np.stack(copies, axis=1) if copies else np.zeros((len(views), 0, picture.shape[1]), np.float32),
        )

    def picture_vectors(self, views: Sequence[bytes], *, cached: bool = False) -> np.ndarray:
        """Return unit rows [n, p] of pictures, of length 0 where there is none."""
        parts = [self._at_side(tower, views, cached=cached) for tower in self._towers()]
        return unit(np.concatenate(parts, axis=1))

    def word_vectors(self, texts: Sequence[str], *, cached: bool = False) -> np.ndarray:
        """Return unit rows [n, w] of texts, of length 0 where there is none."""

        there = [row for row, text in enumerate(texts) if text]
        kept = [texts[row].encode("utf-8", "replace") for row in there]
        found = _vectors(self.words, kept, prepare_encoder(self.words, precision="fp32"), cached=cached, mark=b"unit:")
        return _placed(found, there, len(texts))

    def _towers(self) -> list[ImageTower]:
        return [self.picture, *(_at(self.picture, side) for side in self.sides)][min(1, len(self.sides)) :]

    def _at_side(self, tower: ImageTower, views: Sequence[bytes], *, cached: bool) -> np.ndarray:
        def compute(rows: Sequence[bytes]) -> np.ndarray:
            return self._shown(tower, rows)

        there = [row for row, view in enumerate(views) if view]
        mark = b"unit mirrored:" if self.mirrored else b"unit:"
        found = _vectors(tower, [views[row] for row in there], compute, cached=cached, mark=mark)
        return _placed(found, there, len(views))

    def _shown(self, tower: ImageTower, views: Sequence[bytes]) -> np.ndarray:
        encoder = prepare_encoder(tower, precision="fp32")
        parts = [np.zeros((0, tower.dim), dtype=np.float32)]
        for start in range(0, len(views), _ROWS):
            pixels = np.stack(tower.tokenize(views[start : start + _ROWS]))
            seen = encoder.pixels(pixels)
            if self.mirrored:
                seen = unit(seen + encoder.pixels(np.ascontiguousarray(pixels[..., ::-1])))
            parts.append(seen)
        return np.concatenate(parts)


def _at(tower: ImageTower, side: int) -> ImageTower:
    """Return the tower as it reads pictures of another side, with copies of the same weights."""
    state = tower_state(tower)
    other = load_tower(TowerState(config={**state.config, "side": side}, weights=state.weights, assets=state.assets))
    if not isinstance(other, ImageTower):
        raise InputError(f"a {other.config.kind} tower reads no pictures")
    return other


def _vectors(tower: Tower, rows: Sequence[bytes], compute: _Compute, *, cached: bool, mark: bytes) -> np.ndarray:
    """Return `compute(rows)`, from the disk where the tower is one that many runs share.

    The cache knows a row by its bytes and the body that read it. Unit vectors, and means with the mirror image, are
    other readings than the body's features: `mark` keeps them apart.
    """
    if not rows:
        return np.zeros((0, tower.dim), dtype=np.float32)
    config = tower.config
    published = getattr(config, "source", None) is not None and not getattr(config, "n_trainable_layers", 0)
    plain = getattr(config, "projection", None) == "none"  # a projection is no part of the body
    if not (cached and published and plain):
        return compute(rows)
    return cached_features(
        tower,
        [mark + row for row in rows],
        width=tower.dim,
        compute=lambda marked: compute([row[len(mark) :] for row in marked]),
    )


def _placed(found: np.ndarray, there: Sequence[int], n: int) -> np.ndarray:
    vectors = np.zeros((n, found.shape[1]), dtype=np.float32)
    vectors[list(there)] = found
    return vectors
