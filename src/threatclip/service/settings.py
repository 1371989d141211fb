"""What a service is told: where it listens, what it serves, and what a stranger may cost it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, fields
from pathlib import Path

from threatclip.errors import InputError
from threatclip.pairs.images import ImageLimits

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may cost; sizes in bytes, times in seconds unless a name says otherwise.

    Attributes:
        body_bytes: of a request; `upload_bytes`: of one that uploads a table.
        inputs: of one request; `view_bytes`: of one payload or text; `pictures`: of one picture.
        queue_inputs: inputs of a run that may wait for its model; beyond it requests get 429.
        batch_inputs: inputs that go through a model at once; 1 turns micro-batching off.
        linger_ms: how long a busy model waits for a batch to fill; an idle one never waits.
        request_seconds: from a request's last byte to its answer; `body_seconds`: from its first byte to its last.
        upload_seconds: likewise, of an upload.
        grace_seconds: what accepted work gets to end when the service stops.
        loaded_runs: models held in memory.
        jobs: audits waiting or running; `jobs_bytes`: of all their files; `job_seconds`: of one.
    """

    body_bytes: int = 16 * 2**20
    upload_bytes: int = 512 * 2**20
    inputs: int = 256
    view_bytes: int = 2**20
    pictures: ImageLimits = field(default_factory=lambda: ImageLimits(max_bytes=8 * 2**20, max_pixels=2**24))
    queue_inputs: int = 1024
    batch_inputs: int = 64
    linger_ms: float = 2.0
    request_seconds: float = 30.0
    body_seconds: float = 30.0
    upload_seconds: float = 600.0
    grace_seconds: float = 15.0
    loaded_runs: int = 4
    jobs: int = 8
    jobs_bytes: int = 4 * 2**30
    job_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int | float) and not (value > 0 or (one.name == "linger_ms" and value == 0)):
                raise InputError(f"the limit {one.name} is {value}; it must be above 0")
        if self.inputs > self.queue_inputs:
            raise InputError(f"{self.inputs} inputs of a request never fit in a queue of {self.queue_inputs}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One service.

    Attributes:
        host, port: where it listens; port 0 takes a free one.
        runs: folder of runs, or one run; None serves no model.
        indexes: URIs of indexes of known cases, by name.
        attack: ATT&CK's STIX bundle, for exports.
        jobs: folder of audits; what they upload and write stays in it.
        keys: file of hashed API keys; None: none are asked for.
        hosts: names that requests may call the service by, beside loopback's own; empty beyond loopback: any.
        log_bodies: write what is sent into the log.

    Raises:
        InputError: it would be open to others without keys.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    runs: Path | None = None
    indexes: tuple[str, ...] = ()
    attack: Path | None = None
    jobs: Path | None = None
    keys: Path | None = None
    hosts: tuple[str, ...] = ()
    log_bodies: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.keys is None and not self.is_local:
            where = f"{self.host} is beyond loopback" if not is_loopback(self.host) else f"--allow-host {self.hosts[0]}"
            raise InputError(
                f"{where}: others can reach the service, so it needs API keys; make one with "
                "`threatclip serve --keys FILE --new-key NAME` and pass --keys FILE"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service, under its own names."""
        return is_loopback(self.host) and not self.hosts

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names that a request's Host may bear, lower case, without port; empty: any."""
        if not is_loopback(self.host) and not self.hosts:
            return frozenset()
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, *self.hosts))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
