"""Audits as jobs: bounded in number, room and time, told as they go, taken up again after a restart."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from threatclip.errors import InputError
from threatclip.experiments.progress import Progress
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import write_pairs
from threatclip.service.jobs import Job, Jobs, Wanted
from threatclip.service.metrics import make_metrics
from threatclip.service.problems import Problem
from threatclip.service.settings import Limits


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("jobs") / "t.parquet"
    write_pairs(path, sample_pairs(n=20, seed=0), modality="payload")
    return path.read_bytes()


class FakeAudit:
    """An audit that goes on for as long as `go` is not set, telling of its progress."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.seen: list[Wanted] = []

    def __call__(
        self, wanted: Wanted, table: Path, out: Path, on_progress: Callable[[Progress], None]
    ) -> dict[str, Any]:
        self.seen.append(wanted)
        out.mkdir(exist_ok=True)
        done = 0
        while not self.go.is_set():
            on_progress(Progress(stage="scores", done=done, total=100))
            done += 1
            time.sleep(0.005)
        if wanted.name == "bad":
            raise InputError(f"cannot read {table}")
        (out / "scores.parquet").write_bytes(b"scores")
        return {"n": 20, "suspects": 1}


@pytest.fixture
def audit() -> Iterator[FakeAudit]:
    made = FakeAudit()
    yield made
    made.go.set()


def jobs_of(folder: Path, audit: FakeAudit, **limits: Any) -> Jobs:
    return Jobs(folder, limits=Limits(**limits), metrics=make_metrics(), audit=audit)


def send(jobs: Jobs, table: bytes, *, name: str = "t", announced: int | None = None) -> Job:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(table), 1000):
            yield table[start : start + 1000]

    size = len(table) if announced is None else announced
    return asyncio.run(jobs.receive(pieces(), Wanted(name=name), announced=size))


def until(jobs: Jobs, job: Job, status: str) -> Job:
    for _ in range(2_000):
        if jobs.find(job.id).status == status:
            return jobs.find(job.id)
        time.sleep(0.005)
    raise AssertionError(jobs.find(job.id))


def test_a_job_is_told_from_its_upload_to_its_end(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit)
    job = send(jobs, table)
    assert (job.status, job.n) == ("queued", 20)
    until(jobs, job, "running")
    audit.go.set()
    done = until(jobs, job, "done")
    assert done.summary == {"n": 20, "suspects": 1}
    assert (jobs.path(done) / "scores.parquet").read_bytes() == b"scores"
    jobs.close(5)


def test_a_failed_audit_says_why_without_our_paths(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit)
    audit.go.set()
    failed = until(jobs, send(jobs, table, name="bad"), "failed")
    assert failed.error == "cannot read bad"
    jobs.close(5)


def test_what_is_no_pair_table_leaves_nothing(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit)
    for content in (b"", b"id,view\n1,2\n", table[:-100], b"PAR1" + bytes(100) + b"PAR1"):
        with pytest.raises(InputError) as refused:
            send(jobs, content, name="mine.parquet")
        assert str(tmp_path) not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    assert jobs.list() == []


def test_no_more_than_so_many_audits_wait(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit, jobs=2)
    send(jobs, table)
    send(jobs, table)
    with pytest.raises(Problem) as refused:
        send(jobs, table)
    assert refused.value.status_code == 429
    jobs.close(5)


def test_old_audits_make_room_and_running_ones_do_not(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    room = 16 * 2**20 + 6 * len(table)
    jobs = jobs_of(tmp_path, audit, jobs_bytes=room)
    audit.go.set()
    first = until(jobs, send(jobs, table), "done")
    second = until(jobs, send(jobs, table), "done")
    third = until(jobs, send(jobs, table), "done")
    assert first.id not in {job.id for job in jobs.list()}
    assert not (tmp_path / first.id).exists()
    assert {second.id, third.id} >= {jobs.list()[0].id}
    audit.go.clear()
    running = until(jobs, send(jobs, table), "running")
    with pytest.raises(Problem) as refused:
        send(jobs, table, announced=2 * len(table))
    assert refused.value.status_code == 507
    assert jobs.find(running.id).status == "running"
    jobs.close(5)


def test_an_audit_has_so_much_time(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit, job_seconds=0.05)
    failed = until(jobs, send(jobs, table), "failed")
    assert failed.error is not None
    assert "took more than" in failed.error
    jobs.close(5)


def test_a_removed_audit_is_halted_and_its_files_go(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit)
    job = until(jobs, send(jobs, table), "running")
    jobs.remove(job)
    with pytest.raises(InputError):
        jobs.find(job.id)
    for _ in range(1_000):
        if not (tmp_path / job.id).exists():
            break
        time.sleep(0.005)
    assert not (tmp_path / job.id).exists()
    jobs.close(5)


def test_after_a_stop_finished_jobs_are_kept_and_others_go_on(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path, audit)
    audit.go.set()
    done = until(jobs, send(jobs, table), "done")
    audit.go.clear()
    running = until(jobs, send(jobs, table), "running")
    waiting = send(jobs, table)
    jobs.close(5)
    assert json.loads((tmp_path / running.id / "job.json").read_text())["status"] == "running"
    (tmp_path / "0123456789abcdef").mkdir()  # an upload that a kill cut off
    (tmp_path / "0123456789abcdef" / "table.parquet").write_bytes(b"PAR1")
    later = jobs_of(tmp_path, audit)
    audit.go.set()
    later.start()
    assert later.find(done.id).summary == {"n": 20, "suspects": 1}
    until(later, running, "done")
    until(later, waiting, "done")
    assert not (tmp_path / "0123456789abcdef").exists()
    later.close(5)


def test_names_of_strangers_never_become_paths(tmp_path: Path, table: bytes, audit: FakeAudit) -> None:
    jobs = jobs_of(tmp_path / "jobs", audit)
    audit.go.set()
    job = until(jobs, send(jobs, table, name="../../etc/passwd\x00"), "done")
    assert jobs.path(job).parent.parent == tmp_path / "jobs"
    for name in ("..", "../jobs", "", job.id + "/.."):
        with pytest.raises(InputError):
            jobs.find(name)
    jobs.close(5)
