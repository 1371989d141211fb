"""A report that has been read: its text, where its pages begin, where its sentences are."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

FILE_LIMIT_BYTES = 64 * 2**20
TEXT_LIMIT = 5_000_000
PAGE_LIMIT = 2_000
SENTENCE_LIMIT = 100_000


class ReportFault(Exception):  # noqa: N818 - it becomes a BadRow
    """Why a report cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Characters `start` to `end` (exclusive) of a report's text, on `page` from 1 (None: it has no pages)."""

    start: int
    end: int
    page: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The text of a report; `pages` are the offsets at which its pages begin, () where it has none."""

    text: str
    pages: tuple[int, ...] = ()

    def page_of(self, offset: int) -> int | None:
        """Return the page, from 1, on which the character at `offset` stands."""
        return bisect.bisect_right(self.pages, offset) or None if self.pages else None
