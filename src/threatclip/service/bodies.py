"""JSON bodies read strictly: no NaN, no lone surrogate, no nesting that a parser would drown in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

_NOT_READ: Any = object()


class StrictRequest(Request):
    """A request whose JSON is read by orjson, which refuses what JSON and UTF-8 cannot say."""

    _strict: Any = _NOT_READ

    async def json(self) -> Any:
        """Return the parsed body.

        Raises:
            json.JSONDecodeError: it is no JSON in UTF-8.
        """
        if self._strict is _NOT_READ:
            self._strict = orjson.loads(await self.body())
        return self._strict


class StrictRoute(APIRoute):
    """A route that reads bodies so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which is given a strict request."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def json_response(value: object, status: int = 200, *, media_type: str = "application/json") -> Response:
    """Return plain values as JSON.

    Raises:
        TypeError: a value that JSON cannot say.
    """
    return Response(orjson.dumps(value), status, media_type=media_type)
