"""Every error as application/problem+json [RFC 9457]: a status, a title, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from threatclip.errors import DamagedArtifactError, InputError, NotInstalledError, StorageError, ThreatclipError

MEDIA_TYPE = "application/problem+json"
KINDS = {  # of inputs, each with the key that names it; a picture may bear a text
    "Picture": "picture_base64",
    "PayloadBytes": "payload_base64",
    "Payload": "payload",
    "Caption": "caption",
    "Words": "text",
}
_MAX_FAULTS, _MAX_TEXT = 20, 500


class Problem(HTTPException):
    """What went wrong, as an answer; an HTTPException, so that it passes through whatever reads a body."""

    def __init__(
        self,
        status: int | HTTPStatus,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        faults: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(int(status), detail, dict(headers or {}))
        self.faults = faults


class Fault(BaseModel):
    """One part of a request that cannot be used."""

    where: list[str | int] = Field(description="Path to the part, as in body, inputs, 0, payload.")
    reason: str


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str | None = None
    faults: list[Fault] | None = None


def problem_response(
    status: int,
    detail: str,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    faults: list[dict[str, Any]] | None = None,
) -> Response:
    """Return an error as an answer."""
    value: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": readable(detail),
    }
    if request_id is not None:
        value["request_id"] = request_id
    if faults:
        value["faults"] = faults[:_MAX_FAULTS]
    return Response(orjson.dumps(value), status, dict(headers or {}), media_type=MEDIA_TYPE)


def readable(text: str) -> str:
    """Return text that JSON can carry: no lone surrogate, and no more of it than a reader wants."""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode()


def status_of(error: ThreatclipError) -> HTTPStatus:
    """Return the status that tells of an expected failure."""
    if isinstance(error, InputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, NotInstalledError):
        return HTTPStatus.NOT_IMPLEMENTED
    if isinstance(error, StorageError):
        return HTTPStatus.INSUFFICIENT_STORAGE
    if isinstance(error, DamagedArtifactError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem."""
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(ThreatclipError)(_expected)


def request_id_of(request: Request) -> str | None:
    """Return the id that the guard gave a request."""
    found = request.scope.get("state", {}).get("request_id")
    return found if isinstance(found, str) else None


async def _http(request: Request, error: HTTPException) -> Response:
    detail = error.detail if isinstance(error, Problem) else _hint(error)
    faults = error.faults if isinstance(error, Problem) else None
    return problem_response(
        error.status_code, detail, request_id=request_id_of(request), headers=error.headers, faults=faults
    )


def _hint(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address; /openapi.json lists what there is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return "this address takes another method; the Allow header names it"
    return error.detail


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    """Say where a request is wrong; what was sent is not sent back, for it need not be JSON."""
    faults = [{"where": _place(one["loc"]), "reason": _reason(request, one)} for one in error.errors()[:_MAX_FAULTS]]
    first = faults[0]
    where = ".".join(map(str, first["where"]))
    return problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{where}: {first['reason']}",
        request_id=request_id_of(request),
        faults=faults,
    )


def _place(parts: Sequence[str | int]) -> list[str | int]:
    """Return the path to a part of a request, without the kinds of inputs that pydantic puts behind their places."""
    return [
        part if isinstance(part, int) else readable(part)
        for before, part in zip((None, *parts), parts, strict=False)
        if not (isinstance(before, int) and part in KINDS)
    ]


def _reason(request: Request, fault: Mapping[str, Any]) -> str:
    if fault["type"] == "json_invalid":
        return readable(str(fault.get("ctx", {}).get("error", "")) or fault["msg"])
    if tuple(fault["loc"]) == ("body",) and not _is_json(request.headers.get("content-type", "")):
        return "send a JSON object, and Content-Type: application/json with it"
    return readable(fault["msg"])


def _is_json(media_type: str) -> bool:
    name = media_type.partition(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


async def _expected(request: Request, error: ThreatclipError) -> Response:
    return problem_response(status_of(error), str(error), request_id=request_id_of(request))
