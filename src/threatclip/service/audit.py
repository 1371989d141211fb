"""/v1/audit: upload a pair table, follow its audit, fetch what was found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import FileResponse, Response

from threatclip.errors import InputError
from threatclip.experiments.auditing.request import Audit
from threatclip.experiments.auditing.run import CLEANED, REPORT, SCORES, run_audit
from threatclip.experiments.progress import Progress
from threatclip.service.bodies import StrictRoute, json_response
from threatclip.service.documents import AuditJob, AuditList, problems
from threatclip.service.jobs import Job, Wanted
from threatclip.service.problems import Problem
from threatclip.service.runs import Runs
from threatclip.service.state import State

MEDIA_TYPE = "application/vnd.apache.parquet"
FILES = {"scores": SCORES, "suspects": "suspects.jsonl", "cleaned": CLEANED, "report": REPORT}
_TYPES = {".parquet": MEDIA_TYPE, ".jsonl": "application/x-ndjson", ".html": "text/html; charset=utf-8"}
_REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LOOK_SECONDS = 0.1
_MINILM = "minilm"

FileName = Literal["scores", "suspects", "cleaned", "report"]
Name = Annotated[str, Query(max_length=200, description="What the table is called.")]
Run = Annotated[str | None, Query(max_length=200, description="Dual encoder of such pairs, or minilm for texts.")]
Method = Annotated[str | None, Query(max_length=40, description="What ranks the pairs.")]
DropTop = Annotated[float | None, Query(gt=0, lt=1, description="Share of the pairs to suspect.")]
Filters = Annotated[list[str], Query(max_length=20, description="Kinds of filters; default: each that can.")]


def job_of(request: Request, job_id: str) -> Job:
    """Return the job of an address.

    Raises:
        Problem: there is none.
    """
    state: State = request.app.state.service
    try:
        return state.jobs.find(job_id)
    except InputError as error:
        raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error


Found = Annotated[Job, Depends(job_of)]


def audits_of(runs: Runs) -> Callable[[Wanted, Path, Path, Callable[[Progress], None]], dict[str, Any]]:
    """Return what runs an audit with the models of `runs`; its summary names files by their addresses' last part."""

    def audit(wanted: Wanted, table: Path, out: Path, on_progress: Callable[[Progress], None]) -> dict[str, Any]:
        model = wanted.run
        if model is not None and model != _MINILM:
            model = str(runs.find(model).folder)
        request = Audit(
            table=table,
            out=out,
            model=model,
            filters=wanted.filters,
            method=wanted.method,
            drop_top=wanted.drop_top,
        )
        told = run_audit(request, on_progress=on_progress)
        return {**told, "table": wanted.name, "model": wanted.run, "files": sorted(told["files"])}

    return audit


def audit_router(state: State) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=StrictRoute)

    body = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    accepted = {202: {"model": AuditJob}, **problems(408, 415, 429, 503, 507)}

    @router.post(
        "", status_code=202, responses=accepted, openapi_extra={"requestBody": {"required": True, "content": body}}
    )
    async def upload(
        request: Request,
        name: Name = "table",
        run: Run = None,
        method: Method = None,
        drop_top: DropTop = None,
        filters: Filters = [],  # noqa: B006 - fastapi copies it
    ) -> Response:
        """Take a pair table (Parquet of `threatclip pairs build`) and audit it when its turn comes."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != MEDIA_TYPE:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send a pair table as {MEDIA_TYPE}")
        wanted = Wanted(name=name, run=run, method=method, drop_top=drop_top, filters=tuple(filters))
        await asyncio.to_thread(_check, wanted, state)
        announced = int(request.headers.get("content-length", state.settings.limits.upload_bytes))
        job = await state.jobs.receive(request.stream(), wanted, announced=announced)
        response = json_response(job.as_dict(), HTTPStatus.ACCEPTED)
        response.headers["Location"] = f"/v1/audit/{job.id}"
        return response

    @router.get("", responses={200: {"model": AuditList}, **problems()})
    async def audits() -> Response:
        """List the audits that are kept, the newest first."""
        return json_response({"audits": [job.as_dict() for job in state.jobs.list()]})

    @router.get("/{job_id}", responses={200: {"model": AuditJob}, **problems(404)})
    async def audit(job: Found) -> Response:
        """Tell how far an audit is; once it is done, what `threatclip audit --json` prints."""
        return json_response(job.as_dict())

    @router.delete("/{job_id}", status_code=204, responses=problems(404))
    async def remove(job: Found) -> Response:
        """Remove an audit and its files; one that runs is halted."""
        await asyncio.to_thread(state.jobs.remove, job)
        return Response(status_code=204)

    @router.get("/{job_id}/events", response_class=EventSourceResponse, responses=problems(404))
    async def events(job: Found) -> AsyncIterator[ServerSentEvent]:
        """Stream an audit's progress: events `progress`, then one `done`, `failed` or `stopping`."""
        async for event in _events(state, job):
            yield event

    @router.get("/{job_id}/files/{file}", response_class=FileResponse, responses=problems(404, 409))
    async def file(job: Found, file: FileName) -> Response:
        """Return what an audit wrote: scores, suspects, the cleaned table, or its report."""
        return _file(state, job, file)

    return router


def _check(wanted: Wanted, state: State) -> None:
    """Refuse at once what an audit would refuse at its turn.

    Raises:
        InputError: no such run, filter or method, or names that are no text.
    """
    from threatclip.defenses.filters import FILTERS
    from threatclip.experiments.auditing.verdict import METHODS

    if wanted.run is not None and wanted.run != _MINILM:
        state.runs.find(wanted.run)
    unknown = next((kind for kind in wanted.filters if kind not in FILTERS or kind in METHODS), None)
    if unknown is not None:
        raise InputError(f"no filter {unknown[:40]!a}; filters are {', '.join(kind for kind in FILTERS)}")
    if wanted.method is not None and wanted.method not in FILTERS and wanted.method not in METHODS:
        raise InputError(f"no method {wanted.method[:40]!a}; methods are {', '.join((*METHODS, *FILTERS))}")


async def _events(state: State, job: Job) -> AsyncIterator[ServerSentEvent]:
    """Yield what changes, until the job is over, removed, or the service stops."""
    told = -1
    while True:
        try:
            job = state.jobs.find(job.id)
        except InputError:
            yield ServerSentEvent(event="failed", data={"id": job.id, "status": "failed", "error": "removed"})
            return
        if job.change != told or job.is_over:
            told = job.change
            yield ServerSentEvent(event=job.status if job.is_over else "progress", data=job.as_dict())
        if job.is_over:
            return
        if state.stopping.is_set():
            yield ServerSentEvent(event="stopping", data={"id": job.id, "status": job.status})
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _file(state: State, job: Job, file: FileName) -> Response:
    path = state.jobs.path(job) / FILES[file]
    if job.status != "done":
        raise Problem(HTTPStatus.CONFLICT, f"the audit is {job.status}; its files come when it is done")
    if not path.is_file():
        raise Problem(HTTPStatus.NOT_FOUND, f"the audit left no {file}: every pair is a suspect")
    response = FileResponse(path, media_type=_TYPES[path.suffix], filename=f"{job.id}-{path.name}")
    response.headers["Content-Security-Policy"] = _REPORT_POLICY
    return response
