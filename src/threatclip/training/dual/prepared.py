"""Pairs as arrays: every distinct view decoded once, every distinct caption tokenized once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.padding import Tokens
from threatclip.encoders.towers import Tower, view_modality
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair

T = TypeVar("T", bound=Hashable)

_DECODED_ROWS = 512  # pictures decoded at a time, so that what is decoded is held once, not twice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pixels:
    """Square pictures, uint8 [m, 3, s, s]."""

    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenRows:
    """What a tower reads of texts or payloads: one integer array a row."""

    rows: tuple[Tokens, ...]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """What a frozen body made of every row, float32 [m, r, w]; one of the r readings is drawn each time."""

    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """Views as they are: of a frozen body only its features are wanted, and the disk may hold them already."""

    views: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.views)


Column = Pixels | TokenRows | Features | Encoded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedPairs:
    """n pairs over m distinct views and k distinct captions.

    Attributes:
        views: the distinct views.
        captions: the distinct captions.
        view_of: row of `views` of each pair, int64 [n].
        caption_of: row of `captions` of each pair, int64 [n].
        groups: pairs of one number show the same thing: each other's captions are right answers too, int64 [n].
        ids: of the pairs.

    Raises:
        InputError: there is no pair, or the columns disagree.
    """

    views: Column
    captions: Column
    view_of: np.ndarray
    caption_of: np.ndarray
    groups: np.ndarray
    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.ids)
        if not n or {len(self.view_of), len(self.caption_of), len(self.groups)} != {n}:
            raise InputError(
                f"{n} pairs with {len(self.view_of)} views, {len(self.caption_of)} captions and {len(self.groups)} "
                "groups; give as many of each, and at least one"
            )
        for name, index, column in (("view", self.view_of, self.views), ("caption", self.caption_of, self.captions)):
            if index.min() < 0 or index.max() >= len(column):
                raise InputError(f"{name}_of points at row {index.max()} of {len(column)}")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> PreparedPairs:
        """Return some pairs, by index or mask; the columns are shared, not copied."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self,
            view_of=self.view_of[index],
            caption_of=self.caption_of[index],
            groups=self.groups[index],
            ids=tuple(self.ids[i] for i in index.tolist()),
        )


def whole(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs that have both halves: the only ones that a contrastive fit can learn from."""
    return [pair for pair in pairs if pair.view and pair.caption and pair.caption.strip()]


def prepare_pairs(pairs: Sequence[Pair], dual: DualEncoder, *, freeze: str | None = None) -> PreparedPairs:
    """Decode and tokenize pairs for the towers of `dual`; pairs that lack a half are left out.

    A pair without a `group` is a group of its own. What a tower with a frozen body reads is left as it is: a fit reads
    its features from disk or computes them, a few pictures at a time.

    Args:
        pairs: of the modality that the view tower reads.
        dual: whose towers will read them.
        freeze: what the fit will freeze ("view", "text" or "bodies"), see `Fit`.

    Raises:
        InputError: no pair has both halves.
        ImageFaultError: a picture cannot be read safely.
    """
    kept = whole(pairs)
    if not kept:
        raise InputError(f"none of {len(pairs)} pairs has both a view and a caption; nothing to learn from")
    views, view_of = numbered([pair.view for pair in kept])
    captions, caption_of = numbered([(pair.caption or "").encode("utf-8", "replace") for pair in kept])
    # a prefix keeps a group's name from meeting the id of a pair that has none
    _, groups = numbered([f"g:{pair.group}" if pair.group is not None else f"i:{pair.id}" for pair in kept])
    return PreparedPairs(
        views=_column(dual.view_tower, views, frozen=freeze in ("view", "bodies")),
        captions=_column(dual.text_tower, captions, frozen=freeze in ("text", "bodies")),
        view_of=view_of,
        caption_of=caption_of,
        groups=groups,
        ids=tuple(pair.id for pair in kept),
    )


def body_is_frozen(tower: Tower) -> bool:
    """Tell whether nothing of `tower` but its projection learns: the features of a view never change."""
    return not any(
        parameter.requires_grad for name, parameter in tower.named_parameters() if not name.startswith("projection.")
    )


def _column(tower: Tower, views: Sequence[bytes], *, frozen: bool) -> Column:
    return Encoded(views=tuple(views)) if frozen or body_is_frozen(tower) else read_column(tower, views)


def read_column(tower: Tower, views: Sequence[bytes]) -> Pixels | TokenRows:
    """Return what `tower` reads of each view: pixels where it reads pictures, else tokens."""
    if view_modality(tower) != "image":
        return TokenRows(rows=tuple(tower.tokenize(views)))
    pixels: np.ndarray | None = None
    for start in range(0, len(views), _DECODED_ROWS):
        part = tower.tokenize(views[start : start + _DECODED_ROWS])
        if pixels is None:
            pixels = np.empty((len(views), *part[0].shape), dtype=np.uint8)
        pixels[start : start + len(part)] = part
    return Pixels(values=np.empty((0, 3, 1, 1), dtype=np.uint8) if pixels is None else pixels)


def numbered(values: Sequence[T]) -> tuple[list[T], np.ndarray]:
    """Return the distinct values in the order in which they come, and the place of each value among them."""
    places: dict[T, int] = {}
    index = np.array([places.setdefault(value, len(places)) for value in values], dtype=np.int64)
    return list(places), index
