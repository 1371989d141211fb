"""Disks that refuse: the N-th call fails, or the kernel takes no byte beyond a limit."""

from __future__ import annotations

import errno
import io
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class FailingDisk:
    """Counts calls that reach the disk and makes the `fail_at`-th one fail with `code`."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, fail_at: int | None = None, code: int = errno.ENOSPC
    ) -> None:
        self.calls: list[str] = []
        self.fail_at = fail_at
        self.code = code
        for name in ("fsync", "replace", "open", "mkdir"):
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))
        real_open = io.open

        def failing_open(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if not set(mode) & set("wax+"):
                return real_open(file, mode, *arguments, **options)
            self._count("open")
            handle = real_open(file, mode, *arguments, **options)
            return WriteCounter(handle, self)

        monkeypatch.setattr(io, "open", failing_open)

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name != "mkdir" or not os.path.isdir(arguments[0]):  # pathlib tries, and forgives, what is there
                self._count(name)
            return real(*arguments, **options)

        return call

    def _count(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) == self.fail_at:
            raise OSError(self.code, os.strerror(self.code))


class WriteCounter:
    """A file of which a failing write leaves half of the bytes behind, as a full disk does."""

    def __init__(self, handle: Any, disk: FailingDisk) -> None:
        self.handle = handle
        self.disk = disk

    def __enter__(self) -> WriteCounter:
        return self

    def __exit__(self, *error: object) -> None:
        self.handle.close()

    def write(self, content: Any) -> int:
        try:
            self.disk._count("write")
        except OSError:
            self.handle.write(bytes(content)[: len(content) // 2])
            raise
        return self.handle.write(content)


@contextmanager
def disk_of(n_bytes: int) -> Iterator[None]:
    """Let the kernel itself refuse to write beyond byte `n_bytes` of any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
