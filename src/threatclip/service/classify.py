"""POST /v1/classify, GET /v1/models: what `threatclip classify --json` says, for one input or many."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from threatclip.errors import InputError
from threatclip.service.bodies import StrictRoute, json_response
from threatclip.service.documents import Classified, RunList, RunWithCard, problems
from threatclip.service.inputs import Input, modality_of, read_inputs
from threatclip.service.problems import Problem
from threatclip.service.runs import RunCard
from threatclip.service.state import State

MAX_INPUTS = 256


class Classify(BaseModel):
    """What to classify, and by which run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: Annotated[list[Input], Field(min_length=1, max_length=MAX_INPUTS)]
    run: Annotated[str | None, Field(max_length=200, description="May be left out where one run fits.")] = None
    top: Annotated[int | None, Field(ge=1, le=1000, description="Labels of an answer; all by default.")] = None
    skip_bad: Annotated[bool, Field(description="Answer the other inputs where one cannot be used.")] = False


def classify_router(state: State) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["classify"], route_class=StrictRoute)

    @router.post("/classify", responses={200: {"model": Classified}, **problems(404, 408, 429, 501, 503, 504, 507)})
    async def classify(asked: Classify) -> Response:
        """Rank the labels of payloads, texts or posts, with calibrated probabilities and evidence."""
        return json_response(await answers_to(state, asked))

    @router.get("/models", responses={200: {"model": RunList}, **problems()})
    async def models() -> Response:
        """List the runs that are served, with what was measured of them."""
        cards = await asyncio.to_thread(state.runs.cards)
        return json_response({"runs": [_told(card, state) for card in cards]})

    @router.get("/models/{name:path}", responses={200: {"model": RunWithCard}, **problems(404)})
    async def model(name: str) -> Response:
        """Return one run and its model card."""
        card = await asyncio.to_thread(known_run, state, name)
        return json_response({**_told(card, state), "card": await asyncio.to_thread(card.card)})

    return router


async def answers_to(state: State, asked: Classify) -> dict[str, Any]:
    """Return what /v1/classify answers, for the page as well.

    Raises:
        Problem: an unknown run, inputs that cannot be used, a full queue, a service that stops.
        ThreatclipError: the run does not classify, or is damaged.
    """
    limits = state.settings.limits
    if len(asked.inputs) > limits.inputs:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"{len(asked.inputs)} inputs are more than {limits.inputs}; send fewer"
        )
    if asked.run is None:
        run = await state.models.run_for(modality_of(asked.inputs))
    else:
        run = (await asyncio.to_thread(known_run, state, asked.run)).name
    loaded = await state.models.load(run)
    reads = loaded.classifier.modality
    read = await asyncio.to_thread(read_inputs, asked.inputs, reads=reads, limits=limits)
    if read.faults and not (asked.skip_bad and read.pairs):
        first = read.faults[0]
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"input {first['where'][-1]}: {first['reason']}",
            faults=list(read.faults),
        )
    answers = await state.models.classify(run, read.pairs)
    return {
        "run": run,
        "model": loaded.classifier.model,
        "answers": [{**answer, "answers": answer["answers"][: asked.top]} for answer in answers],
        "faults": list(read.faults),
    }


def known_run(state: State, name: str) -> RunCard:
    """Return the run of a name that a request gave.

    Raises:
        Problem: there is none.
    """
    try:
        return state.runs.find(name)
    except InputError as error:
        raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error


def _told(card: RunCard, state: State) -> dict[str, Any]:
    return {**card.as_dict(), "loaded": card.name in state.models.names}
