"""The audit pages: suspects one by one, keep or drop, a threshold to move, and the table that is left."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from threatclip.artifacts import read_json
from threatclip.errors import ThreatclipError
from threatclip.experiments.auditing.folder import RANKING, AuditFolder, Cut
from threatclip.experiments.auditing.reviewed import UNDECIDED, write_reviewed
from threatclip.experiments.auditing.reviews import DECISIONS, FILE, Decision, counts
from threatclip.experiments.auditing.run import REPORT, SUMMARY
from threatclip.service.jobs import Jobs, Wanted
from threatclip.service.pages.pictures import shown_picture
from threatclip.service.pages.queue import (
    SHOWS,
    Audits,
    Look,
    Queue,
    decisions_of,
    entry_of,
    look_of,
    queue_of,
    reviews_of,
)
from threatclip.service.pages.rendering import PageRoute, download, page, picture, report
from threatclip.service.pages.scores_plot import scores_plot
from threatclip.service.pages.shelf import Item, Shelf
from threatclip.service.problems import Problem
from threatclip.service.state import State

_FORM_BYTES = 64 * 2**10
_REPORT_BYTES = 64 * 2**20
_THUMBNAIL = 160  # pixels


def audits_router(state: State, shelf: Shelf) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    audits = Audits()

    async def read(key: str) -> tuple[Item, AuditFolder]:
        item = await asyncio.to_thread(shelf.find, SUMMARY, key)
        return item, await asyncio.to_thread(audits.read, item.folder)

    @router.get("/audits")
    async def every(request: Request) -> Response:
        rows = await asyncio.to_thread(_rows, shelf, state.jobs)
        jobs = [job for job in state.jobs.list() if job.status != "done"]
        duals = [card for card in await asyncio.to_thread(state.runs.cards) if card.kind == "dual-encoder"]
        return page(request, "audits.html", rows=rows, jobs=jobs, duals=duals)

    @router.post("/audits")
    async def upload(request: Request) -> Response:
        async with request.form(max_files=1, max_fields=4, max_part_size=_FORM_BYTES) as form:
            sent, run = form.get("file"), form.get("run")
            if not isinstance(sent, UploadFile) or not sent.size:
                raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no pair table was sent; choose a Parquet file")
            wanted = Wanted(name=(sent.filename or "table")[:200], run=run if isinstance(run, str) and run else None)
            if wanted.run is not None and wanted.run != "minilm":
                await asyncio.to_thread(state.runs.find, wanted.run)
            await state.jobs.receive(_pieces(sent), wanted, announced=sent.size)
        return RedirectResponse("/audits", HTTPStatus.SEE_OTHER)

    @router.get("/audits/{key}")
    async def review(request: Request, key: str) -> Response:
        item, audit = await read(key)
        look = look_of(request.query_params)
        return page(
            request,
            "audit.html",
            title=title_of(item, state.jobs),
            last=_row(request.query_params.get("last", "")),
            **await asyncio.to_thread(_told, item, audit, look),
        )

    @router.post("/audits/{key}/decide")
    async def decide(request: Request, key: str) -> Response:
        _, audit = await read(key)
        async with request.form(max_files=0, max_fields=12, max_part_size=_FORM_BYTES) as form:
            values = {name: value for name, value in form.items() if isinstance(value, str)}
        onward = await asyncio.to_thread(_decided, audit, values)
        return RedirectResponse(f"/audits/{key}?{onward}#pair", HTTPStatus.SEE_OTHER)

    @router.get("/audits/{key}/picture/{of}/{row}.png")
    async def pair_picture(key: str, of: str, row: int) -> Response:
        _, audit = await read(key)
        return picture(await asyncio.to_thread(_picture, audit, of, row))

    @router.get("/audits/{key}/cleaned.parquet")
    async def cleaned(request: Request, key: str) -> Response:
        _, audit = await read(key)
        look, undecided = look_of(request.query_params), request.query_params.get("undecided", UNDECIDED[0])
        content = await asyncio.to_thread(_cleaned, audit, look.cut, undecided)
        return download(content, name="cleaned.parquet", media_type="application/vnd.apache.parquet")

    @router.get("/audits/{key}/decisions.jsonl")
    async def decisions(key: str) -> Response:
        _, audit = await read(key)
        content = await asyncio.to_thread(_history, audit)
        return download(content, name="decisions.jsonl", media_type="application/jsonl")

    @router.get("/audits/{key}/report")
    async def whole_report(key: str) -> Response:
        item, _ = await read(key)
        return report(await asyncio.to_thread(_report, item.folder / REPORT))

    return router


async def _pieces(sent: UploadFile) -> AsyncIterator[bytes]:
    while piece := await sent.read(2**20):
        yield piece


def title_of(item: Item, jobs: Jobs) -> str:
    """Return what an audit is called: an uploaded table by its uploader's name for it."""
    for job in jobs.list():
        if jobs.path(job) == item.folder:
            return job.wanted.name
    return item.name


def _rows(shelf: Shelf, jobs: Jobs) -> list[dict[str, Any]]:
    rows = []
    for item in shelf.items(SUMMARY):
        named = {"item": item, "title": title_of(item, jobs)}
        try:
            told = read_json(item.folder / SUMMARY)
            rows.append({**named, "told": {name: told[name] for name in ("n", "suspects", "method", "modality")}})
        except (ThreatclipError, KeyError, TypeError):
            rows.append({**named, "told": None})
    return rows


def _told(item: Item, audit: AuditFolder, look: Look) -> dict[str, Any]:
    decisions = decisions_of(audit)
    queue = queue_of(audit, decisions, look)
    scores = audit.scores[look.cut.kind]
    lowest = float(scores[queue.rows].min()) if len(queue.rows) and not audit.broken[queue.rows].all() else None
    return {
        "item": item,
        "audit": audit.told,
        "look": look,
        "shows": SHOWS,
        "queue": queue,
        "decisions": decisions,
        "counts": _counts(queue, decisions),
        "kinds": list(audit.scores),
        "ranking": RANKING,
        "plot": scores_plot(scores, threshold=look.cut.threshold, kind=look.cut.kind),
        "slider": look.cut.threshold if look.cut.threshold is not None else lowest,
        "own_threshold": audit.threshold(look.cut.kind),
        "entry": None if queue.row is None else entry_of(audit, queue.row),
        "listed": audit.listed,
        "trusted": audit.told.get("trusted"),
        "has_report": (item.folder / REPORT).is_file(),
    }


def _counts(queue: Queue, decisions: dict[int, Decision]) -> dict[str, int]:
    inside = {row: decisions[row] for row in queue.rows.tolist() if row in decisions}
    told = counts(inside)
    return {**told, "open": len(queue.rows) - len(inside), "all": len(queue.rows)}


def _decided(audit: AuditFolder, values: dict[str, str]) -> str:
    """Write a decision, and return where the page goes on: the next open pair, or the same after taking one back."""
    look, decision = look_of(values), values.get("decision", "")
    if look.at is None or not 0 <= look.at < len(audit.suspect) or decision not in DECISIONS:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a decision names a row of the table, and keep, drop or open")
    before = queue_of(audit, decisions_of(audit), look)
    entry = entry_of(audit, look.at)
    reviews_of(audit).decide(look.at, decision, pair_id=entry["id"], at=datetime.now(UTC))
    onward = look.at if decision == "open" else before.step(1)
    last = None if decision == "open" else look.at  # what the next page offers to take back
    return look.query(at=onward if onward is not None else before.step(-1), last=last)


def _row(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _picture(audit: AuditFolder, of: str, row: int) -> bytes:
    if of not in ("pair", "near"):
        raise Problem(HTTPStatus.NOT_FOUND, "pictures are of a pair or of a pair near it")
    table = audit.table() if of == "pair" else audit.trusted()
    if table.modality != "image" or not 0 <= row < len(table):
        raise Problem(HTTPStatus.NOT_FOUND, "there is no such picture")
    view = table.take([row])[0].view
    return shown_picture(view) if of == "pair" else shown_picture(view, side=_THUMBNAIL)


def _cleaned(audit: AuditFolder, cut: Cut, undecided: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="threatclip-") as folder:
        path = Path(folder) / "cleaned.parquet"
        write_reviewed(path, audit, decisions_of(audit), cut=cut, undecided=undecided)
        return path.read_bytes()


def _history(audit: AuditFolder) -> bytes:
    made = reviews_of(audit).history() if (audit.path / FILE).is_file() else []
    lines = [
        {"row": one.row, "id": one.pair_id, "decision": one.decision, "decided_at": one.decided_at.isoformat()}
        for one in made
    ]
    return "".join(json.dumps(one) + "\n" for one in lines).encode("ascii")


def _report(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _REPORT_BYTES:
        raise Problem(HTTPStatus.NOT_FOUND, "this audit has no report")
    return path.read_text(encoding="utf-8", errors="replace")
