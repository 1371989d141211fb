"""Audits that a service runs: one at a time, in a folder each, on a disk of bounded size, resumed after a restart."""

from __future__ import annotations

import asyncio
import queue
import re
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from threatclip.artifacts import read_json, storage_errors, write_json
from threatclip.errors import InputError, ThreatclipError
from threatclip.experiments.progress import Progress
from threatclip.pairs.table import PairTable
from threatclip.service.logs import log
from threatclip.service.metrics import Metrics
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits

Status = Literal["queued", "running", "done", "failed"]
JOB, TABLE, OUT = "job.json", "table.parquet", "audit"
STATES: tuple[Status, ...] = ("queued", "running", "done", "failed")
_ID = re.compile(r"[0-9a-f]{16}")
_SIZE_TIMES = 4  # what an audit writes, in sizes of its table: a table without suspects, vectors, thumbnails
_SIZE_LEAST = 16 * 2**20
_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an upload asks for; `name` is the uploader's name of the table, `run` names the model."""

    name: str = "table"
    run: str | None = None
    method: str | None = None
    drop_top: float | None = None
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One audit; `change` counts what has been told of it, `summary` is what `threatclip audit --json` prints."""

    id: str
    wanted: Wanted
    status: Status
    created: str
    ended: str | None = None
    n: int | None = None
    error: str | None = None
    summary: dict[str, Any] | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    change: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be told of it."""
        return self.status in ("done", "failed")

    def as_dict(self) -> dict[str, Any]:
        """Return what is told of it, as plain JSON values."""
        told = asdict(self)
        told["table"] = told["wanted"].pop("name")
        del told["change"]
        return {**told, "wanted": {**told["wanted"], "filters": list(self.wanted.filters)}}


class _Halted(Exception):  # noqa: N818 - not an error: it ends an audit from within
    """The audit shall not go on; `reason` is None where it goes on after the service's next start."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


Audits = Callable[[Wanted, Path, Path, Callable[[Progress], None]], dict[str, Any]]


class Jobs:
    """The audits of a service; safe to use from several threads.

    Args:
        folder: holds a folder for each job, and nothing else.
        audit: runs one: (what is wanted, table, output folder, progress) -> summary.
    """

    def __init__(self, folder: Path, *, limits: Limits, metrics: Metrics, audit: Audits) -> None:
        self.folder = folder
        self._limits = limits
        self._metrics = metrics
        self._audit = audit
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._halting = threading.Event()
        self._receiving = 0

    def start(self) -> None:
        """Take up the jobs of an earlier process: finished ones are kept, the others go on where they were."""
        for path in sorted(self.folder.glob(f"*/{JOB}")):
            try:
                job = _job(read_json(path))
            except (ThreatclipError, KeyError, TypeError, ValueError):
                continue
            if job.id != path.parent.name or not _ID.fullmatch(job.id):
                continue
            self._jobs[job.id] = job if job.is_over else replace(job, status="queued")
            if not job.is_over:
                self._put(job.id)
        for path in self.folder.glob("*"):
            if _ID.fullmatch(path.name) and path.name not in self._jobs:
                shutil.rmtree(path, ignore_errors=True)  # an upload that a kill cut off
        self._count()

    def list(self) -> list[Job]:
        """Return every job, the newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: (job.created, job.id), reverse=True)

    def find(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            InputError: there is none of that id.
        """
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise InputError(f"no audit {job_id[:40]!a}; it may have been removed to make room")
        return job

    def path(self, job: Job) -> Path:
        """Return the folder of a job's audit."""
        return self.folder / job.id / OUT

    async def receive(self, content: AsyncIterator[bytes], wanted: Wanted, *, announced: int) -> Job:
        """Write an uploaded pair table to the disk, and put its audit into the queue.

        Args:
            content: the file, piece by piece.
            wanted: the audit.
            announced: bytes that the upload may have, for which room is made.

        Raises:
            Problem: 429 when too many audits wait, 507 when there is no room.
            InputError: it is no pair table, or not a whole one.
            StorageError: the disk refused.
        """
        await asyncio.to_thread(self._admit, announced)
        folder = self.folder / secrets.token_hex(8)
        try:
            with storage_errors(folder):
                folder.mkdir(parents=True)
                with (folder / TABLE).open("wb") as handle:
                    async for piece in content:
                        handle.write(piece)
            job = await asyncio.to_thread(_accepted, folder, wanted)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            with self._lock:
                self._receiving -= 1
        with self._lock:
            self._jobs[job.id] = job
            self._count()
        self._put(job.id)
        return job

    def remove(self, job: Job) -> None:
        """Forget a job and its files; one that runs is halted first."""
        with self._lock:
            current = self._jobs.pop(job.id, None)
            self._count()
            if current is not None and current.status != "running":
                shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def close(self, seconds: float) -> None:
        """Halt the running audit; it goes on after the next start."""
        self._halting.set()
        self._queue.put(None)
        if self._worker is not None:
            self._worker.join(seconds)

    def _admit(self, announced: int) -> None:
        with self._lock:
            waiting = sum(not job.is_over for job in self._jobs.values()) + self._receiving
            if self._halting.is_set():
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service is stopping", headers={"Retry-After": "5"})
            if waiting >= self._limits.jobs:
                raise Problem(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"{waiting} audits wait already; ask again later",
                    headers={"Retry-After": "60"},
                )
            need = _SIZE_TIMES * announced + _SIZE_LEAST
            finished = [job for job in reversed(self.list()) if job.is_over]
            while self._used() + need > self._limits.jobs_bytes and finished:
                self.remove(finished.pop(0))
            if self._used() + need > self._limits.jobs_bytes:
                raise Problem(
                    HTTPStatus.INSUFFICIENT_STORAGE,
                    f"an audit of {announced:,} bytes may take {need:,} on the disk, which has no room for them",
                )
            self._receiving += 1

    def _used(self) -> int:
        return sum(_size(path) for path in self.folder.rglob("*"))

    def _put(self, job_id: str) -> None:
        self._queue.put(job_id)
        with self._lock:
            if self._worker is None:
                # a daemon: an audit that does not heed a halt must not keep the process; it resumes from its files
                self._worker = threading.Thread(target=self._work, name="audits", daemon=True)
                self._worker.start()

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None and not self._halting.is_set():
            with self._lock:
                known = job_id in self._jobs
            if known:
                self._run(job_id)

    def _run(self, job_id: str) -> None:
        folder, wanted = self.folder / job_id, Wanted()
        self._tell(job_id, status="running")
        try:
            wanted = self.find(job_id).wanted
            heed = _Heed(jobs=self, job_id=job_id, until=time.monotonic() + self._limits.job_seconds)
            summary = self._audit(wanted, folder / TABLE, folder / OUT, heed)
            self._tell(job_id, status="done", ended=_now(), summary=summary, progress={})
        except _Halted as halted:
            if halted.reason is not None:
                self._tell(job_id, status="failed", ended=_now(), error=halted.reason)
        except ThreatclipError as error:
            self._tell(job_id, status="failed", ended=_now(), error=_without_paths(error, folder, wanted))
        except Exception:  # a bug in one audit must not end the others
            log.exception("bug", extra={"fields": {"audit": job_id}})
            self._tell(job_id, status="failed", ended=_now(), error="a bug; the log has its traceback")
        if job_id not in self._jobs:  # removed while it ran
            shutil.rmtree(folder, ignore_errors=True)

    def _tell(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return
            job = replace(job, change=job.change + 1, **changes)
            self._jobs[job_id] = job
            self._count()
        if "status" in changes:
            try:
                write_json(self.folder / job_id / JOB, _stored(job))
            except ThreatclipError:
                log.exception("job not written", extra={"fields": {"audit": job_id}})

    def _count(self) -> None:
        found = Counter(job.status for job in self._jobs.values())
        for status in STATES:
            self._metrics.jobs.labels(status).set(found[status])


@dataclass(slots=True, kw_only=True)
class _Heed:
    """Progress of a running audit: told, and answered with a halt where it must not go on."""

    jobs: Jobs
    job_id: str
    until: float
    looked_at: float = 0.0

    def __call__(self, record: Progress) -> None:
        jobs, now = self.jobs, time.monotonic()
        if jobs._halting.is_set():
            raise _Halted(None)
        if self.job_id not in jobs._jobs:
            raise _Halted("removed")
        if now > self.until:
            raise _Halted(f"it took more than {jobs._limits.job_seconds:,.0f} s; audit fewer pairs at once")
        if now - self.looked_at > _LOOK_SECONDS:
            self.looked_at = now
            if jobs._used() > jobs._limits.jobs_bytes:
                raise _Halted("the disk that audits may use is full; remove finished audits")
        jobs._tell(
            self.job_id,
            progress={"stage": record.stage, "done": record.done, "total": record.total, "facts": dict(record.facts)},
        )


def _accepted(folder: Path, wanted: Wanted) -> Job:
    """Look into an uploaded table and write down the job that it becomes."""
    path = folder / TABLE
    try:
        n = len(PairTable.open(path))
    except ThreatclipError as error:
        raise InputError(str(error).replace(str(path), wanted.name)) from error
    job = Job(id=folder.name, wanted=wanted, status="queued", created=_now(), n=n)
    write_json(folder / JOB, _stored(job))
    return job


def _without_paths(error: ThreatclipError, folder: Path, wanted: Wanted) -> str:
    """Return what went wrong in the uploader's words for its table, and without where we keep it."""
    told = str(error).replace(str(folder / TABLE), wanted.name)
    return told.replace(str(folder / OUT), "the audit").replace(str(folder), "")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0  # removed meanwhile


def _stored(job: Job) -> dict[str, Any]:
    told = asdict(job)
    return {name: value for name, value in told.items() if name not in ("progress", "change")}


def _job(value: dict[str, Any]) -> Job:
    wanted = value["wanted"]
    if value["status"] not in STATES:
        raise ValueError(value["status"])
    return Job(**{**value, "wanted": Wanted(**{**wanted, "filters": tuple(wanted["filters"])})})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
