"""What was submitted on the page, and what was answered: in memory only, a bounded amount of it, oldest out first."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from threatclip.classification.attribution import Attribution
from threatclip.pairs.pair import Modality, Pair
from threatclip.service.problems import Problem

_MOST = 100
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One submission with its answers; its id is 128 random bits: who does not know it does not find it.

    Attributes:
        run: that answered; `reads`: the modality of its inputs.
        answers: as /v1/classify gives them, one a pair.
        faults: why rows are not among the pairs, in words.
        unread: whether the file went on beyond the rows that a page takes.
        carried: by place of a pair, what carried its answer, once somebody asked.
    """

    id: str
    created: datetime
    run: str
    reads: Modality
    name: str
    pairs: tuple[Pair, ...]
    answers: tuple[Mapping[str, Any], ...]
    faults: tuple[str, ...]
    unread: bool
    carried: dict[int, Attribution] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """What it costs to remember."""
        return sum(len(pair.view) + 4 * len(pair.caption or "") + 8192 for pair in self.pairs)


def new_id() -> str:
    """Return an id that nobody guesses."""
    return secrets.token_hex(16)


class Submissions:
    """The last submissions; safe to use from several threads."""

    def __init__(self, *, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, Submission] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, submission: Submission) -> None:
        """Remember one, and forget the oldest beyond the limits."""
        with self._lock:
            self._held[submission.id] = submission
            total = sum(one.n_bytes for one in self._held.values())
            while len(self._held) > 1 and (len(self._held) > self._most or total > self._most_bytes):
                total -= self._held.popitem(last=False)[1].n_bytes

    def find(self, submission_id: str) -> Submission:
        """Return one.

        Raises:
            Problem: it is not remembered.
        """
        with self._lock:
            found = self._held.get(submission_id)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, "these answers are not remembered any more; submit the input once more")
        return found
