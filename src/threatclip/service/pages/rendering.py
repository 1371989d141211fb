"""How pages are made: templates that escape, hidden characters shown, headers that let nothing of a stranger run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from threatclip import __version__
from threatclip.errors import ThreatclipError
from threatclip.experiments import report_text
from threatclip.service.problems import Problem, request_id_of, status_of

PACKAGE = "threatclip.service.pages"
STATIC: Mapping[str, str] = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types server"
)
_REPORT_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
# browsers leave the origin out of a form's request where no referrer may be sent, and the guard wants to see it
_HEADERS = {"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY"}


class PageRoute(APIRoute):
    """A route for people: what goes wrong is told on a page, not as a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which never raises an expected error."""
        handler = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handler(request)
            except ThreatclipError as error:
                return error_page(request, int(status_of(error)), str(error))
            except HTTPException as error:
                return error_page(request, error.status_code, _words(error), headers=error.headers)

        return told


def _words(error: HTTPException) -> str:
    if isinstance(error, Problem) or error.status_code != 404:
        return error.detail
    return "there is nothing at this address; the links above lead to what there is"


def page(request: Request, template: str, *, code: int = 200, **values: Any) -> HTMLResponse:
    """Return a page for people, with the headers that hold it."""
    content = environment().get_template(template).render(path=request.url.path, version=__version__, **values)
    return HTMLResponse(content, code, headers={"Content-Security-Policy": _CSP, **_HEADERS})


def fragment(template: str, **values: Any) -> HTMLResponse:
    """Return a part of a page, for the script that puts it in place."""
    content = environment().get_template(template).render(**values)
    return HTMLResponse(content, headers={"Content-Security-Policy": _CSP, **_HEADERS})


def report(content: str) -> HTMLResponse:
    """Return a report that brings its own style: no script runs in it, and it cannot read our pages."""
    return HTMLResponse(content, headers={"Content-Security-Policy": _REPORT_CSP, **_HEADERS})


def picture(content: bytes) -> Response:
    """Return a picture that was decoded and encoded anew here."""
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=3600"}
    return Response(content, headers=headers, media_type="image/png")


def download(content: bytes, *, name: str, media_type: str) -> Response:
    """Return a file to keep; `name` is ours, never a stranger's."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": "sandbox"}
    return Response(content, headers=headers, media_type=media_type)


def error_page(request: Request, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """Return what went wrong, and what to do, as a page."""
    response = page(
        request, "error.html", code=status, detail=report_text.defang(detail[:800]), request_id=request_id_of(request)
    )
    response.headers.update(dict(headers or {}))
    return response


@cache
def environment() -> Environment:
    """Return what renders the templates: escaping on, nothing undefined, hidden characters made visible."""
    made = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    for name in ("count", "share", "figure", "interval", "points"):
        made.filters[name] = getattr(report_text, name)
    made.filters["percent"] = percent
    made.filters["moment"] = moment
    made.filters["shown"] = report_text.excerpt
    made.globals["asset"] = asset
    made.globals["metric_info"] = report_text.metric_info
    return made


def _finalized(value: Any) -> Any:
    return value if isinstance(value, Markup) or not isinstance(value, str) else report_text.visible(value)


def percent(value: float) -> str:
    """Write a probability: `71%`, but `0.4%` and `99.6%` near the ends, where the difference matters; never a whole."""
    shown = 100 * value
    if 1 <= shown <= 99:
        return f"{shown:.0f}%"
    if 0 < shown < 0.05 or 99.95 <= shown < 100:
        return "<0.1%" if shown < 1 else ">99.9%"
    return f"{shown:.1f}%"


def moment(value: datetime) -> str:
    """Write a time to the minute, in its own zone."""
    return f"{value:%Y-%m-%d %H:%M} {value.tzname() or ''}".strip()


def static_bytes(name: str) -> bytes:
    """Return one of our own static files.

    Raises:
        KeyError: another name.
    """
    if name not in STATIC:
        raise KeyError(name)
    return (files(PACKAGE) / "static" / name).read_bytes()


@cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so that browsers may keep the file."""
    return f"/static/{name}?v={hashlib.sha256(static_bytes(name)).hexdigest()[:12]}"
