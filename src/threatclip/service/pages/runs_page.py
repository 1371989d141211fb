"""The pages on models: cards with measured risk, trainings as they go, sweeps of attacks, matrices of defenses."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from threatclip.experiments.run_folder import RECIPE, STEPS, SUMMARY
from threatclip.service.pages.curves import curves, read_stages
from threatclip.service.pages.markdown import blocks_of
from threatclip.service.pages.rendering import PageRoute, fragment, page, report
from threatclip.service.pages.risk import EVALUATION, Risk, figures_of, risk_of
from threatclip.service.pages.shelf import Item, Shelf
from threatclip.service.pages.studies import KINDS, Studies
from threatclip.service.problems import Problem
from threatclip.service.runs import RunCard
from threatclip.service.state import State

_LIVE = timedelta(
    minutes=10
)  # a training that wrote nothing for longer has stopped, or its step takes too long to watch
_NOTHING: Mapping[str, Any] = {"stages": [], "svg": "", "status": "", "changed": None, "live": ""}
_REPORT_BYTES = 64 * 2**20


def models_router(state: State, shelf: Shelf) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    studies = Studies()

    @router.get("/models")
    async def every(request: Request) -> Response:
        return page(request, "models.html", **await asyncio.to_thread(_listed, state, shelf))

    @router.get("/models/{key}")
    async def model(request: Request, key: str) -> Response:
        card = await asyncio.to_thread(_card, state, key)
        return page(request, "model.html", **await asyncio.to_thread(_told, card, shelf))

    @router.get("/models/{key}/report")
    async def evaluation(key: str) -> Response:
        card = await asyncio.to_thread(_card, state, key)
        return report(await asyncio.to_thread(_report, card.folder / EVALUATION / "report.html"))

    @router.get("/trainings/{key}")
    async def training(request: Request, key: str) -> Response:
        item = await asyncio.to_thread(shelf.find, RECIPE, key)
        return page(request, "training.html", item=item, **await asyncio.to_thread(_progress, item))

    @router.get("/trainings/{key}/curves")
    async def live(key: str) -> Response:
        item = await asyncio.to_thread(shelf.find, RECIPE, key)
        return fragment("curves.html", item=item, **await asyncio.to_thread(_progress, item))

    @router.get("/studies/{kind}/{key}")
    async def study(request: Request, kind: str, key: str) -> Response:
        item = await asyncio.to_thread(shelf.find, _marker(kind), key)
        found = await asyncio.to_thread(studies.table, kind, item.folder)
        return page(request, "study.html", kind=kind, item=item, study=found)

    @router.get("/studies/{kind}/{key}/report")
    async def study_report(kind: str, key: str) -> Response:
        item = await asyncio.to_thread(shelf.find, _marker(kind), key)
        return report(await asyncio.to_thread(studies.report, kind, item.folder))

    return router


def key_of(name: str) -> str:
    """Return what stands for a run's name in addresses."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def _marker(kind: str) -> str:
    if kind not in KINDS:
        raise Problem(HTTPStatus.NOT_FOUND, f"no study of kind {kind[:40]!a}; there are {', '.join(KINDS)}")
    return KINDS[kind]


def _card(state: State, key: str) -> RunCard:
    for card in state.runs.cards():
        if key_of(card.name) == key:
            return card
    raise Problem(HTTPStatus.NOT_FOUND, "this run is not in the folder of runs any more; look at the list once more")


def _listed(state: State, shelf: Shelf) -> dict[str, Any]:
    cards = state.runs.cards()
    rows: list[tuple[RunCard, str, Risk]] = [
        (card, key_of(card.name), risk_of(card, shelf, audits=False)) for card in cards
    ]
    finished = {card.folder for card in cards}
    trainings = [
        item for item in shelf.items(RECIPE) if item.folder not in finished and (item.folder / STEPS).is_file()
    ]
    return {
        "rows": rows,
        "loaded": state.models.names,
        "trainings": [{"item": item, **_progress(item)} for item in trainings],
        "studies": {kind: shelf.items(marker) for kind, marker in KINDS.items()},
        "served": state.settings.runs,
    }


def _told(card: RunCard, shelf: Shelf) -> dict[str, Any]:
    training = next((item for item in shelf.items(RECIPE) if item.folder == card.folder), None)
    return {
        "card": card,
        "key": key_of(card.name),
        "risk": risk_of(card, shelf),
        "validation": figures_of(card.validation),
        "card_blocks": blocks_of(card.card()),
        "has_report": (card.folder / EVALUATION / "report.html").is_file(),
        "training": training,
        **(_progress(training) if training is not None else _NOTHING),
    }


def _progress(item: Item) -> dict[str, Any]:
    """Return how far a training is; it is live while it writes."""
    path = item.folder / STEPS
    stages = read_stages(path)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.is_file() else None
    if (item.folder / SUMMARY).is_file():
        status = "finished"
    elif changed is not None and datetime.now(UTC) - changed < _LIVE:
        status = "training"
    else:
        status = "stopped"
    live = item.key if status == "training" else ""
    return {"stages": stages, "svg": curves(stages), "status": status, "changed": changed, "live": live}


def _report(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _REPORT_BYTES:
        raise Problem(HTTPStatus.NOT_FOUND, "this run has no report; `threatclip evaluate RUN` writes one")
    return path.read_text(encoding="utf-8", errors="replace")
