"""The nearest known cases of an input: from an index where the service has one that fits, else the model's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from threatclip.errors import ThreatclipError
from threatclip.index.where import Where
from threatclip.service.pages.submissions import Submission
from threatclip.service.problems import Problem
from threatclip.service.state import State

if TYPE_CHECKING:
    from threatclip.experiments.searching import Query

_CASES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Cases as a page shows them; `origin` says where they come from, `note` why an index gave none."""

    cases: Sequence[Mapping[str, Any]]
    origin: str
    note: str = ""


async def known_cases(state: State, submission: Submission, place: int) -> Known:
    """Return the cases nearest to an input; an index that does not fit or fails is told of, not raised."""
    own = Known(
        cases=[one for one in submission.answers[place]["evidence"] if one.get("kind") == "known case"],
        origin=f"of what {submission.run} learned from",
    )
    notes = []
    query = _query_of(submission, place)
    for name in state.indexes.names:
        try:
            if not await asyncio.to_thread(state.indexes.reads, name, submission.reads):
                continue
            return await _from_index(state, name, query)
        except (ThreatclipError, Problem) as error:
            notes.append(f"{name}: {error.detail if isinstance(error, Problem) else error}")
    return Known(cases=own.cases, origin=own.origin, note="; ".join(notes))


def _query_of(submission: Submission, place: int) -> Query:
    from threatclip.experiments.searching import Query

    pair = submission.pairs[place]
    if submission.reads == "image" and not pair.view:
        return Query(id=pair.id, kind="caption", content=(pair.caption or "").encode())
    return Query(id=pair.id, kind=submission.reads, content=pair.view)


async def _from_index(state: State, name: str, query: Query) -> Known:
    found = await state.models.work(state.indexes.search, name, [query], k=_CASES, where=Where())
    hits = found["answers"][0]["hits"]
    return Known(cases=[{**hit, "cosine": hit["score"]} for hit in hits], origin=f"in the index {name}")
