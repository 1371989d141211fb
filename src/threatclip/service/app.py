"""The app of a service: routes, guard, and how it starts and stops."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import PlainTextResponse, Response

from threatclip import __version__
from threatclip.encoders.feature_cache import cache_folder
from threatclip.pairs.attack_catalogue import load_catalogue
from threatclip.service.audit import audit_router, audits_of
from threatclip.service.bodies import StrictRoute, json_response
from threatclip.service.classify import classify_router
from threatclip.service.documents import Health, problems
from threatclip.service.exports import export_router
from threatclip.service.guard import Guard
from threatclip.service.indexes import Indexes
from threatclip.service.jobs import Jobs
from threatclip.service.keys import read_keys
from threatclip.service.logs import log
from threatclip.service.metrics import MEDIA_TYPE, make_metrics
from threatclip.service.models import Models
from threatclip.service.pages.routes import page_router
from threatclip.service.problems import ProblemDetails, install, problem_response
from threatclip.service.runs import Runs
from threatclip.service.search import search_router
from threatclip.service.settings import Settings
from threatclip.service.state import State

UPLOADS = frozenset({"/v1/audit", "/audits"})


def create_app(settings: Settings) -> FastAPI:
    """Return the app of a service, as any ASGI server runs it; its `state.service` is what its requests share.

    Raises:
        InputError: no file of keys, or no folder of runs.
        DamagedArtifactError: it is no file of keys.
    """
    state = make_state(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        log.info("started", extra={"fields": {"version": __version__, "runs": str(settings.runs)}})
        await asyncio.to_thread(state.jobs.start)
        yield
        await stop(state)
        log.info("stopped")

    app = FastAPI(
        title="threatclip",
        version=__version__,
        summary="Ranked, calibrated answers on payloads, texts and posts, with evidence.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=problems(),
    )
    app.state.service = state
    install(app)
    app.include_router(_health_router(state))
    app.include_router(classify_router(state))
    app.include_router(search_router(state))
    app.include_router(audit_router(state))
    app.include_router(export_router(state))
    app.include_router(page_router(state))
    app.openapi = functools.partial(described, app, keyed=bool(state.keys))  # type: ignore[method-assign]
    app.add_middleware(Guard, settings=settings, keys=state.keys, metrics=state.metrics, uploads=UPLOADS)
    return app


def described(app: FastAPI, *, keyed: bool) -> dict[str, Any]:
    """Return the OpenAPI document, with what an error looks like and how a key is given."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        parts = document.setdefault("components", {})
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.setdefault("schemas", {}).update({**problem.pop("$defs", {}), ProblemDetails.__name__: problem})
        if keyed:
            parts["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }
            document["security"] = [{"bearer": []}, {"header": []}]
        app.openapi_schema = document
    return app.openapi_schema


def make_state(settings: Settings) -> State:
    """Return the parts of a service, nothing of them running yet.

    Raises:
        InputError: no file of keys, or no folder of runs.
    """
    metrics = make_metrics()
    runs = Runs(settings.runs)
    return State(
        settings=settings,
        keys=() if settings.keys is None else read_keys(settings.keys),
        metrics=metrics,
        runs=runs,
        models=Models(runs, limits=settings.limits, metrics=metrics),
        jobs=Jobs(
            settings.jobs or cache_folder() / "audits",
            limits=settings.limits,
            metrics=metrics,
            audit=audits_of(runs),
        ),
        indexes=Indexes(settings.indexes, runs),
        catalogue=None if settings.attack is None else load_catalogue(settings.attack),
        stopping=asyncio.Event(),
    )


async def stop(state: State) -> None:
    """Take nothing more, and answer what was accepted; may be called twice."""
    state.stopping.set()
    await asyncio.gather(state.models.close(), asyncio.to_thread(state.jobs.close, state.settings.limits.grace_seconds))


def _health_router(state: State) -> APIRouter:
    router = APIRouter(tags=["service"], route_class=StrictRoute)

    @router.get("/healthz", responses={200: {"model": Health}})
    async def healthz() -> Response:
        """Say that the process lives; needs no key."""
        return json_response({"status": "ok", "version": __version__})

    @router.get("/readyz", responses={200: {"model": Health}, **problems(503)})
    async def readyz() -> Response:
        """Say whether requests are taken; needs no key."""
        if state.stopping.is_set():
            return problem_response(503, "the service is stopping", headers={"Retry-After": "5"})
        return json_response({"status": "ok", "version": __version__})

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Return figures for Prometheus."""
        return Response(state.metrics.exposition(), media_type=MEDIA_TYPE)

    return router
