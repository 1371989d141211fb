"""The service as a process: an HTTP server around the app, and a stop that leaves no accepted request unanswered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from threatclip.errors import InputError
from threatclip.service.app import create_app, stop
from threatclip.service.logs import log, write_logs
from threatclip.service.settings import Settings
from threatclip.service.state import State

_IDLE_SECONDS = 5
_CONNECTIONS = 1_000
_LATE_SECONDS = 2


class _Server(uvicorn.Server):
    """Uvicorn, which goes on taking connections while what was accepted is answered: they are told that it stops."""

    def __init__(self, config: uvicorn.Config, state: State) -> None:
        super().__init__(config)
        self._state = state
        self._ending: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: from now on requests are told so, and what was accepted is answered. A second signal ends that."""
        if self._loop is None or self._told:
            super().handle_exit(sig, frame)
            return
        self._told = True
        self._loop.call_soon_threadsafe(self._end, sig, frame)

    def _end(self, sig: int, frame: FrameType | None) -> None:
        log.info("stopping")
        self._ending = asyncio.ensure_future(self._stopped(sig, frame))

    async def _stopped(self, sig: int, frame: FrameType | None) -> None:
        try:
            await stop(self._state)
        finally:
            super().handle_exit(sig, frame)


def serve(settings: Settings, *, on_start: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_start` is given the address once connections are taken.

    Raises:
        InputError: the address cannot be used, or a setting is wrong.
    """
    app = create_app(settings)
    write_logs(with_messages=settings.log_bodies)
    with contextlib.closing(listening(settings.host, settings.port)) as sock:
        on_start(address(settings.host, sock.getsockname()[1]))
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again once all has ended
            _Server(config_of(app, settings), app.state.service).run([sock])


def config_of(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how the server treats connections."""
    grace = settings.limits.grace_seconds
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="on",
        ws="none",
        timeout_keep_alive=_IDLE_SECONDS,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=int(grace) + _LATE_SECONDS,
        h11_max_incomplete_event_size=16 * 1024,
        proxy_headers=False,
    )


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        InputError: it is taken, not this machine's, or not allowed.
    """
    plain = host.strip("[]")
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    # named, since asyncio sends at once only on sockets that say they are TCP; else each answer's body waits 40 ms
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((plain, port))
        sock.listen(128)
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {address(host, port)}: {reason}; choose another --host or --port"
        ) from error
    return sock


def address(host: str, port: int) -> str:
    """Return an address as a browser takes it."""
    plain = host.strip("[]")
    return f"http://[{plain}]:{port}" if ":" in plain else f"http://{plain}:{port}"
