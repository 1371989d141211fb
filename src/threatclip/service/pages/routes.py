"""All pages of a service under one router."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import Response

from threatclip.service.pages.audits import audits_router
from threatclip.service.pages.rendering import STATIC, PageRoute, static_bytes
from threatclip.service.pages.runs_page import models_router
from threatclip.service.pages.shelf import Shelf
from threatclip.service.pages.triage import triage_router
from threatclip.service.problems import Problem
from threatclip.service.state import State


def page_router(state: State) -> APIRouter:
    """Return the routes of every page; none of them stands in the OpenAPI document."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    shelf = Shelf(runs=state.settings.runs, uploads=state.jobs.folder)

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in STATIC:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such file")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(static_bytes(name), headers=headers, media_type=STATIC[name])

    @router.get("/favicon.ico")
    async def icon() -> Response:
        return Response(static_bytes("icon.svg"), media_type=STATIC["icon.svg"])

    router.include_router(triage_router(state))
    router.include_router(audits_router(state, shelf))
    router.include_router(models_router(state, shelf))
    return router
