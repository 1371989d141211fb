"""The socket that the service listens on."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from threatclip.errors import InputError
from threatclip.service.server import listening


@pytest.mark.enable_socket
def test_answers_are_sent_at_once() -> None:
    """asyncio turns off Nagle's algorithm only on sockets that say they are TCP; accepted ones say what theirs says."""
    with closing(listening("127.0.0.1", 0)) as sock:
        assert sock.proto == socket.IPPROTO_TCP


@pytest.mark.enable_socket
def test_a_port_that_is_taken_is_told() -> None:
    with closing(listening("127.0.0.1", 0)) as sock, pytest.raises(InputError, match="another --host or --port"):
        listening("127.0.0.1", sock.getsockname()[1])
