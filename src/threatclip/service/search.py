"""POST /v1/search: the nearest known cases of texts, payloads and pictures, as `threatclip index search` tells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, Tag
from starlette.responses import Response

from threatclip.pairs.images import image_fault
from threatclip.pairs.sources.rows import RowFault
from threatclip.pairs.sources.values import from_base64
from threatclip.service.bodies import StrictRoute, json_response
from threatclip.service.documents import Found, IndexList, problems
from threatclip.service.inputs import (
    Id,
    Payload,
    PayloadBytes,
    PayloadBytesInput,
    PayloadInput,
    Picture,
    PictureInput,
    Text,
    Words,
    WordsInput,
    told_by,
)
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits
from threatclip.service.state import State

if TYPE_CHECKING:
    from threatclip.experiments.searching import Query
    from threatclip.index.where import Where

MAX_QUERIES, MAX_K = 64, 100
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class Caption(BaseModel):
    """A description, which the text tower reads."""

    model_config = ConfigDict(extra="forbid", strict=True)

    caption: Text
    id: Id | None = None


Sought = Annotated[
    PayloadInput | PayloadBytesInput | WordsInput | PictureInput | Annotated[Caption, Tag("Caption")],
    told_by("payload", "payload_base64", "text", "picture_base64", "caption"),
]


class Only(BaseModel):
    """Which cases may be found."""

    model_config = ConfigDict(extra="forbid", strict=True)

    labels: Annotated[list[Name], Field(max_length=100)] = []
    sources: Annotated[list[Name], Field(max_length=100)] = []
    since: Annotated[str | None, Field(max_length=40, description="2024, 2024-05-31, or ISO 8601.")] = None
    until: Annotated[str | None, Field(max_length=40, description="Before this time.")] = None


class Search(BaseModel):
    """What to look for, and where."""

    model_config = ConfigDict(extra="forbid", strict=True)

    queries: Annotated[list[Sought], Field(min_length=1, max_length=MAX_QUERIES)]
    index: Annotated[str | None, Field(max_length=200, description="May be left out where there is one.")] = None
    k: Annotated[int, Field(ge=1, le=MAX_K, description="Cases for each query.")] = 10
    only: Only | None = None


def search_router(state: State) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["search"], route_class=StrictRoute)

    @router.post("/search", responses={200: {"model": Found}, **problems(404, 408, 429, 501, 503, 504, 507)})
    async def search(asked: Search) -> Response:
        """Find the nearest known cases of each query."""
        return json_response(await cases_of(state, asked))

    @router.get("/indexes", responses={200: {"model": IndexList}, **problems()})
    async def indexes() -> Response:
        """List the indexes of known cases."""
        return json_response({"indexes": list(state.indexes.names)})

    return router


async def cases_of(state: State, asked: Search) -> dict[str, Any]:
    """Return what /v1/search answers, for the page as well.

    Raises:
        Problem: no such index, queries that cannot be used, too many searches at once.
        ThreatclipError: the index or its model cannot be used.
    """
    name = _index_of(state.indexes.names, asked.index)
    queries = await asyncio.to_thread(_queries, asked, state.settings.limits)
    where = _where(asked.only or Only())
    return await state.models.work(state.indexes.search, name, queries, k=asked.k, where=where)


def _index_of(names: Sequence[str], asked: str | None) -> str:
    if asked is None and len(names) == 1:
        return names[0]
    if asked in names:
        return str(asked)
    told = ", ".join(names[:10]) or "none"
    if asked is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"name an index; indexes are {told}")
    raise Problem(HTTPStatus.NOT_FOUND, f"no index {asked[:80]!a}; indexes are {told}")


def _where(only: Only) -> Where:
    from threatclip.index.where import Where, parse_time

    return Where(
        labels=tuple(only.labels),
        sources=tuple(only.sources),
        since=None if only.since is None else parse_time(only.since, what="since"),
        until=None if only.until is None else parse_time(only.until, what="until"),
    )


def _queries(asked: Search, limits: Limits) -> list[Query]:
    queries, faults = [], []
    for place, one in enumerate(asked.queries):
        try:
            queries.append(_query(one, one.id or f"query:{place + 1}", limits))
        except RowFault as reason:
            faults.append({"where": ["body", "queries", place], "reason": str(reason)})
    if faults:
        first = f"query {faults[0]['where'][-1]}: {faults[0]['reason']}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, first, faults=faults)
    return queries


def _query(one: Payload | PayloadBytes | Words | Picture | Caption, name: str, limits: Limits) -> Query:
    from threatclip.experiments.searching import Query

    if isinstance(one, Picture):
        if one.text is not None:
            raise RowFault("a query is a picture or a text, not both; send two")
        view = from_base64(one.picture_base64, what="picture_base64")
        fault = image_fault(view, limits=limits.pictures)
        if fault is not None:
            raise RowFault(fault)
        return Query(id=name, kind="image", content=view)
    if isinstance(one, Words):
        query = Query(id=name, kind="text", content=one.text.encode())
    elif isinstance(one, Caption):
        query = Query(id=name, kind="caption", content=one.caption.encode())
    elif isinstance(one, Payload):
        query = Query(id=name, kind="payload", content=one.payload.encode())
    else:
        query = Query(id=name, kind="payload", content=from_base64(one.payload_base64, what="payload_base64"))
    if len(query.content) > limits.view_bytes:
        raise RowFault(f"the query has more than {limits.view_bytes:,} bytes")
    return query
