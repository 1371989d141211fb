"""The pair: one view with one caption, and the facts about it that no model reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

Modality = Literal["image", "payload", "text"]
MODALITIES: tuple[str, ...] = get_args(Modality)
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One view with one caption.

    Attributes:
        id: unique in its table.
        view: what the first tower reads: a payload's raw bytes, a text as UTF-8, an image's encoded file; b"" in an
            image pair whose post has words but no picture.
        caption: what the text tower reads, or None.
        label: the class, for evaluation and heads only.
        group: what must not straddle a split: a CVE, a campaign, a software.
        time: when the pair became known (UTC, whole seconds on disk); it orders a temporal split.
        split: "train", "validation", "test", or None for unused.
        meta: vendor, product, cve, cwe, kind, source ...; never a model's input.
    """

    id: str
    view: bytes
    caption: str | None = None
    label: str | None = None
    group: str | None = None
    time: datetime | None = None
    split: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


def view_text(view: bytes) -> str:
    """Return a payload or text view as a string: UTF-8 where it is UTF-8, else one character per byte (Latin-1)."""
    try:
        return view.decode("utf-8")
    except UnicodeDecodeError:
        return view.decode("latin-1")


def pair_content(pair: Pair) -> bytes:
    """Return what makes two pairs the same: the view, or the words of a post without a picture."""
    return pair.view or (pair.caption or "").encode()


def year_start(year: int) -> datetime:
    """Return January 1 of `year`, 00:00 UTC."""
    return datetime(year, 1, 1, tzinfo=UTC)


def pair_fault(pair: Pair, *, modality: Modality | None = None) -> str | None:
    """Return why `pair` cannot stand in a pair table of `modality` (None: of any), or None when it can.

    An image pair may lack its picture where it has words: a post is whole without one.
    """
    if not pair.id:
        return "the id is empty"
    if not pair.view and modality != "image":
        return "the view is empty"
    if not pair.view and not (pair.caption and pair.caption.strip()):
        return "neither a picture nor words"
    if pair.split is not None and pair.split not in SPLITS:
        return f"split {pair.split!r} is not one of {', '.join(SPLITS)}"
    if pair.time is not None and pair.time.utcoffset() is None:
        return f"time {pair.time.isoformat()} has no time zone"
    for text in (pair.id, pair.caption, pair.label, pair.group, *pair.meta, *pair.meta.values()):
        if text is not None and not _is_unicode(text):
            return f"{text[:40]!a} holds a lone surrogate, which UTF-8 cannot write"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
