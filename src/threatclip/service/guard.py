"""What every request passes before anything reads it: its id, its host, its key, its size and its time.

Pages of strangers cannot use an analyst's browser against the service: the Host must be ours, which stops names that
are bound anew to 127.0.0.1, and a request with another page's Origin is refused, for there is no CORS.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from threatclip.service.keys import Key, holder, secret_of
from threatclip.service.logs import log
from threatclip.service.metrics import Metrics
from threatclip.service.problems import Problem, problem_response
from threatclip.service.settings import Limits, Settings

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOGGED_BODY = 10_000
_API = ("/v1/", "/metrics", "/openapi.json")


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What is known of a request when it ends."""

    method: str
    path: str
    request_id: str
    began: float
    key: str | None = None
    status: int = 0
    started: bool = False
    body_bytes: int = 0
    body: bytearray = field(default_factory=bytearray)


class Guard:
    """The outermost layer of the app; `uploads` are the paths that may take a table."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        keys: tuple[Key, ...],
        metrics: Metrics,
        uploads: Iterable[str],
    ) -> None:
        self._app = app
        self._settings = settings
        self._keys = keys
        self._metrics = metrics
        self._uploads = frozenset(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        seen = _Seen(
            method=scope["method"],
            path=scope["path"],
            request_id=_request_id(headers.get("x-request-id")),
            began=time.perf_counter(),
        )
        scope.setdefault("state", {})["request_id"] = seen.request_id
        outgoing = _Outgoing(send, seen)
        try:
            refused = self._refusal(headers, seen)
            if refused is not None:
                await _answer(refused, scope, receive, outgoing, seen)
            else:
                limits = self._settings.limits
                size, seconds = self._allowance(seen.path, limits)
                incoming = _Incoming(receive, seen, size=size, seconds=seconds, keep=self._settings.log_bodies)
                await self._app(scope, incoming, outgoing)
        except Exception:
            log.exception("bug", extra={"fields": {"request_id": seen.request_id, "path": seen.path[:200]}})
            if seen.started:
                raise
            bug = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug; please report it with the log of this id")
            await _answer(bug, scope, receive, outgoing, seen)
        finally:
            self._tell(scope, seen)

    def _allowance(self, path: str, limits: Limits) -> tuple[int, float]:
        if path in self._uploads:
            return limits.upload_bytes, limits.upload_seconds
        return limits.body_bytes, limits.body_seconds

    def _refusal(self, headers: Headers, seen: _Seen) -> Problem | None:
        """Return why a request is not let in, or None."""
        host = _name_of(headers.get("host", ""))
        allowed = self._settings.allowed_hosts
        if allowed and host not in allowed:
            return Problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "the Host of this request is not one of this service's names; the operator can allow it with "
                "--allow-host NAME",
            )
        if seen.method not in _SAFE and _is_foreign(headers):
            return Problem(HTTPStatus.FORBIDDEN, "this request comes from another site's page; there is no CORS here")
        if self._keys and seen.path not in OPEN_PATHS:
            seen.key = holder(self._keys, secret_of(headers.get("authorization"), headers.get("x-api-key")))
            if seen.key is None:
                scheme = "Bearer" if seen.path.startswith(_API) else 'Basic realm="threatclip: any name, the API key"'
                return Problem(
                    HTTPStatus.UNAUTHORIZED,
                    "give an API key: Authorization: Bearer KEY, or X-API-Key: KEY",
                    headers={"WWW-Authenticate": scheme},
                )
        length = headers.get("content-length", "0")
        size, _ = self._allowance(seen.path, self._settings.limits)
        if not length.isascii() or not length.isdigit() or len(length) > 19:
            return Problem(HTTPStatus.BAD_REQUEST, "the Content-Length is no number")
        return _too_large(size) if int(length) > size else None

    def _tell(self, scope: Scope, seen: _Seen) -> None:
        seconds = time.perf_counter() - seen.began
        route = scope.get("route")
        name = getattr(route, "path_format", None) or getattr(route, "path", None) or "none"
        method = seen.method if seen.method in {"GET", "HEAD", "POST", "DELETE", "OPTIONS"} else "other"
        self._metrics.requests.labels(method, name, str(seen.status)).inc()
        self._metrics.seconds.labels(name).observe(seconds)
        fields: dict[str, object] = {
            "request_id": seen.request_id,
            "method": seen.method[:16],
            "route": name,
            "status": seen.status,
            "ms": round(1000 * seconds, 2),
            "bytes_in": seen.body_bytes,
            "client": (scope.get("client") or ("",))[0],
        }
        if self._keys:
            fields["key"] = seen.key
        if self._settings.log_bodies:
            fields |= {"path": seen.path[:200], "body": bytes(seen.body).decode("utf-8", "backslashreplace")}
        log.info("request", extra={"fields": fields})


class _Incoming:
    """A request's body on its way in: no more bytes, and no more time for them, than it may have."""

    def __init__(self, receive: Receive, seen: _Seen, *, size: int, seconds: float, keep: bool) -> None:
        self._receive = receive
        self._seen = seen
        self._size = size
        self._until = time.monotonic() + seconds
        self._keep = keep
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is the client's going away, which may take its time
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, self._until - time.monotonic()))
        except TimeoutError as error:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly", headers={"Connection": "close"}
            ) from error
        if message["type"] == "http.request":
            body = message.get("body", b"")
            self._whole = not message.get("more_body", False)
            self._seen.body_bytes += len(body)
            if self._seen.body_bytes > self._size:
                raise _too_large(self._size)
            if self._keep and len(self._seen.body) < _LOGGED_BODY:
                self._seen.body += body[: _LOGGED_BODY - len(self._seen.body)]
        return message


class _Outgoing:
    """An answer on its way out, with the headers that all answers bear."""

    def __init__(self, send: Send, seen: _Seen) -> None:
        self._send = send
        self._seen = seen

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._seen.started = True
            self._seen.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._seen.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("Referrer-Policy", "no-referrer")
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        await self._send(message)


async def _answer(problem: Problem, scope: Scope, receive: Receive, send: Send, seen: _Seen) -> None:
    response = problem_response(
        problem.status_code, problem.detail, request_id=seen.request_id, headers=problem.headers
    )
    await response(scope, receive, send)


def _too_large(size: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {size:,} bytes; send less at once",
        headers={"Connection": "close"},
    )


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _name_of(host: str) -> str:
    """Return a Host header's name without its port, lower case."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _is_foreign(headers: Headers) -> bool:
    """Tell whether a browser sent this request for a page of another site."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return True
    return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
