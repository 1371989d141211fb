"""The triage pages: what is this, how sure is the model, what is it like, and what carried that."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from threatclip.classification.attribution import Attribution
from threatclip.errors import ThreatclipError
from threatclip.pairs.pair import Modality
from threatclip.service.pages.explaining import explained
from threatclip.service.pages.exports import KINDS, exported
from threatclip.service.pages.highlight import content_of, shown
from threatclip.service.pages.intake import FORMS, Dropped, Taken, take
from threatclip.service.pages.known import known_cases
from threatclip.service.pages.pictures import shown_picture
from threatclip.service.pages.rendering import PageRoute, download, page, picture
from threatclip.service.pages.submissions import Submission, Submissions, new_id
from threatclip.service.problems import Problem
from threatclip.service.runs import RunCard
from threatclip.service.state import State

_ANSWERS = frozenset({"payload-weakness", "events", "dual-encoder"})
_AT_ONCE = 128  # inputs of a file that wait in the queue together: others want to be answered, too
_TOP = 8
_EXPORTS = {"json": "JSON", "stix": "STIX", "navigator": "Navigator", "misp": "MISP"}


def triage_router(state: State) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    submissions = Submissions()

    @router.get("/")
    async def start() -> Response:
        return RedirectResponse("/triage", HTTPStatus.SEE_OTHER)

    @router.get("/triage")
    async def form(request: Request) -> Response:
        runs = await asyncio.to_thread(answering_runs, state)
        wanted = request.query_params.get("run", "")
        chosen = next((run.name for run in runs if run.name == wanted), runs[0].name if runs else "")
        return page(request, "triage.html", runs=runs, chosen=chosen, forms=FORMS, limits=state.settings.limits)

    @router.post("/triage")
    async def submit(request: Request) -> Response:
        submission = await _submitted(state, request)
        submissions.add(submission)
        return RedirectResponse(
            f"/triage/{submission.id}{'' if len(submission.pairs) > 1 else '/0'}", HTTPStatus.SEE_OTHER
        )

    @router.get("/triage/{submission_id}")
    async def answers(request: Request, submission_id: str) -> Response:
        one = submissions.find(submission_id)
        rows = _rows(one)
        told = {name: any(row[of] for row in rows) for name, of in (("timed", "time"), ("alerted", "signature"))}
        return page(request, "answers.html", of=one, rows=rows, tally=_tally(one), exports=_EXPORTS, **told)

    @router.get("/triage/{submission_id}/export/{kind}")
    async def export_all(submission_id: str, kind: str) -> Response:
        return await _export(state, submissions.find(submission_id), kind, None)

    @router.get("/triage/{submission_id}/{place}")
    async def answer(request: Request, submission_id: str, place: int) -> Response:
        one = submissions.find(submission_id)
        _check_place(one, place)
        carried, why_not = await _carried(state, one, place)
        known = await known_cases(state, one, place)
        told = _detail(one, place, carried)
        return page(request, "answer.html", **told, known=known, why_not=why_not, exports=_EXPORTS)

    @router.get("/triage/{submission_id}/{place}/picture.png")
    async def post_picture(submission_id: str, place: int) -> Response:
        one = submissions.find(submission_id)
        _check_place(one, place)
        return picture(await asyncio.to_thread(shown_picture, one.pairs[place].view))

    @router.get("/triage/{submission_id}/{place}/export/{kind}")
    async def export_one(submission_id: str, place: int, kind: str) -> Response:
        one = submissions.find(submission_id)
        _check_place(one, place)
        return await _export(state, one, kind, place)

    return router


def answering_runs(state: State) -> list[RunCard]:
    """Return the runs that a person may ask, those that classify first."""
    cards = [card for card in state.runs.cards() if card.kind in _ANSWERS and card.reads is not None]
    return sorted(cards, key=lambda card: (card.kind == "dual-encoder", card.name))


async def _submitted(state: State, request: Request) -> Submission:
    limits = state.settings.limits
    async with request.form(max_files=1, max_fields=8, max_part_size=limits.body_bytes) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        upload = form.get("file")
        dropped = None
        if isinstance(upload, UploadFile) and (upload.filename or upload.size):
            dropped = Dropped(name=upload.filename or "file", content=await upload.read())
    run = fields.get("run", "")
    loaded = await state.models.load(run)
    reads = cast("Modality", loaded.classifier.modality)
    taken: Taken = await asyncio.to_thread(
        take,
        fields.get("text", ""),
        dropped,
        reads=reads,
        form=fields.get("form", "auto"),
        column=fields.get("column", "").strip(),
        limits=limits,
    )
    answers: list[Mapping[str, Any]] = []
    for start in range(0, len(taken.pairs), _AT_ONCE):
        answers += await state.models.classify(run, taken.pairs[start : start + _AT_ONCE])
    return Submission(
        id=new_id(),
        created=datetime.now(UTC),
        run=run,
        reads=reads,
        name=taken.name,
        pairs=taken.pairs,
        answers=tuple(answers),
        faults=taken.faults,
        unread=taken.unread,
    )


def _check_place(submission: Submission, place: int) -> None:
    if not 0 <= place < len(submission.pairs):
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no input {place} among the {len(submission.pairs)} submitted")


async def _carried(state: State, submission: Submission, place: int) -> tuple[Attribution | None, str]:
    """Return what carried an answer, or why that is not known; the answer itself stands either way."""
    try:
        return await explained(state, submission, place), ""
    except Problem as problem:
        return None, problem.detail
    except ThreatclipError as error:
        return None, str(error)


async def _export(state: State, submission: Submission, kind: str, place: int | None) -> Response:
    if kind not in KINDS:
        raise Problem(HTTPStatus.NOT_FOUND, f"no export {kind[:40]!a}; there are {', '.join(KINDS)}")
    content = await asyncio.to_thread(exported, submission, kind, place=place, catalogue=state.catalogue)
    return download(content, name=f"threatclip-{kind}.json", media_type="application/json")


def _rows(submission: Submission) -> list[dict[str, Any]]:
    """Return the answers of a file as rows of a table."""
    rows = []
    for place, (pair, answer) in enumerate(zip(submission.pairs, submission.answers, strict=True)):
        best = answer["answers"][0]
        rows.append(
            {
                "place": place,
                "id": pair.id,
                "best": best,
                "abstained": answer["abstained"],
                "content": _start_of(content_of(pair, submission.reads)),
                "time": pair.time,
                "signature": pair.meta.get("signature"),
            }
        )
    return rows


def _start_of(content: bytes) -> str:
    return content[:400].decode("utf-8", "replace")


def _tally(submission: Submission) -> list[tuple[str, str, int]]:
    """Return how often each label was answered; "don't know" is counted apart, last."""
    names = {answer["answers"][0]["label"]: answer["answers"][0]["name"] for answer in submission.answers}
    counted = Counter(answer["answers"][0]["label"] for answer in submission.answers if not answer["abstained"])
    found = [(label, names[label], n) for label, n in counted.most_common()]
    unknown = len(submission.answers) - sum(counted.values())
    return [*found, *([("", "don't know", unknown)] if unknown else [])]


def _detail(submission: Submission, place: int, carried: Attribution | None) -> dict[str, Any]:
    pair, answer = submission.pairs[place], submission.answers[place]
    evidence: Sequence[Mapping[str, Any]] = answer["evidence"]
    return {
        "of": submission,
        "place": place,
        "pair": pair,
        "answer": answer,
        "best": answer["answers"][0],
        "ranked": answer["answers"][:_TOP],
        "others": len(answer["answers"]) - _TOP,
        "input": shown(content_of(pair, submission.reads), carried),
        "has_picture": submission.reads == "image" and bool(pair.view),
        "terms": next((one["terms"] for one in evidence if one.get("kind") == "n-grams"), []),
        "prompts": [one for one in evidence if one.get("kind") in ("prompt", "anchor")],
    }
