"""POST /v1/export/{stix,navigator,misp}: answers of /v1/classify as other tools import them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from threatclip.experiments.exporting import ExportKind, exported
from threatclip.export.answers import Answer as ReadAnswer
from threatclip.export.answers import answer_of, select
from threatclip.export.inputs import Seen, seen_of
from threatclip.export.tlp import Tlp
from threatclip.service.bodies import StrictRoute, json_response
from threatclip.service.documents import Answer, problems
from threatclip.service.inputs import Input, modality_of, read_inputs
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits
from threatclip.service.state import State

MAX_ANSWERS = 10_000
_FIRST_YEAR, _LAST_YEAR = 1970, 9998  # a time zone can move neither out of what a date can say
_TYPES: Mapping[ExportKind, str] = {
    "stix": "application/stix+json;version=2.1",
    "navigator": "application/json",
    "misp": "application/json",
}


class Export(BaseModel):
    """Answers to write out."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[
        list[Answer], Field(min_length=1, max_length=MAX_ANSWERS, description="As /v1/classify gave them.")
    ]
    inputs: Annotated[
        list[Input], Field(max_length=MAX_ANSWERS, description="What was classified, with ids; goes out too.")
    ] = []
    name: Annotated[str, Field(min_length=1, max_length=200)] = "answers"
    time: Annotated[AwareDatetime | None, Field(description="When it was made; now by default.")] = None
    top: Annotated[int, Field(ge=1, le=100, strict=True, description="Claims of each answer.")] = 1
    min_probability: Annotated[float, Field(ge=0, le=1, description="Least probability of a claim.")] = 0.0
    tlp: Annotated[Tlp | None, Field(description="To whom it may be passed on.")] = None


def export_router(state: State) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/export", tags=["export"], route_class=StrictRoute)

    def add(kind: ExportKind, says: str) -> None:
        answer: dict[int | str, dict[str, Any]] = {
            200: {"content": {_TYPES[kind]: {"schema": {"type": "object"}}}, "description": says}
        }

        @router.post(f"/{kind}", responses={**answer, **problems(408, 501)}, name=kind, summary=says)
        async def export(asked: Export) -> Response:
            value = await asyncio.to_thread(export_of, state, kind, asked)
            return json_response(value, media_type=_TYPES[kind])

    add("stix", "Write a STIX 2.1 bundle.")
    add("navigator", "Write a layer of the ATT&CK Navigator.")
    add("misp", "Write a MISP event.")
    return router


def export_of(state: State, kind: ExportKind, asked: Export) -> dict[str, Any]:
    """Return what `threatclip export` writes, for the page as well.

    Raises:
        Problem: what is given are no answers.
        InputError: none of them can go out.
        NotInstalledError: a library that the kind needs.
    """
    answers = _answers(asked.answers)
    created = _moment(asked.time or datetime.now(UTC))
    selection = select(
        answers,
        catalogue=state.catalogue,
        name=asked.name,
        created=created,
        top=asked.top,
        least=asked.min_probability,
        tlp=asked.tlp,
    )
    value, _ = exported(kind, selection, _seen(asked.inputs, state.settings.limits), state.catalogue)
    return value


def _moment(given: datetime) -> datetime:
    if not _FIRST_YEAR <= given.year <= _LAST_YEAR:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"time: the year {given.year} is not in {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return given.astimezone(UTC).replace(microsecond=0)


def _answers(given: Sequence[Answer]) -> list[ReadAnswer]:
    found: dict[str, ReadAnswer] = {}
    for place, one in enumerate(given):
        try:
            answer = answer_of(one.model_dump())
            if answer.id in found:
                raise ValueError("its id occurs twice")
        except ValueError as reason:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"answer {place}: {reason}; send answers as /v1/classify gave them",
                faults=[{"where": ["body", "answers", place], "reason": str(reason)}],
            ) from reason
        found[answer.id] = answer
    return list(found.values())


def _seen(inputs: Sequence[Input], limits: Limits) -> dict[str, Seen]:
    if not inputs:
        return {}
    modality = modality_of(inputs)
    read = read_inputs(inputs, reads=modality, limits=limits)
    if read.faults:
        first = read.faults[0]
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"input {first['where'][-1]}: {first['reason']}",
            faults=list(read.faults),
        )
    return {pair.id: seen_of(pair, modality) for pair in read.pairs}
