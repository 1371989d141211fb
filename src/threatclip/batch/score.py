"""Score Parquet files into a folder of parts: resumable, each row once, on this machine or on a cluster."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from threatclip.artifacts import MANIFEST, storage_errors, write_json, write_manifest
from threatclip.batch.plan import PLAN, Plan, Shard, check_same, input_paths, make_plan
from threatclip.batch.pool import run_items
from threatclip.batch.scoring import Job, PartCounts, Scorer, part_counts
from threatclip.errors import InputError
from threatclip.experiments.progress import OnProgress, Progress

Engine = Literal["local", "ray"]
KIND = "scores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Who does the work: `jobs` processes of one thread each, here or on the Ray cluster at `address`."""

    engine: Engine = "local"
    jobs: int = 1
    address: str | None = None


def score(
    pattern: str,
    out: Path,
    *,
    run: Path,
    machines: Machines,
    columns: Mapping[str, str],
    shard_rows: int,
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Answer every row of the files that `pattern` names; go on where an earlier call with the same plan stopped.

    Args:
        pattern: a Parquet file or a glob.
        out: folder for the parts, the plan, and at the end a manifest that names the hash of every part.
        run: bundle, or run folder, of a model that classifies.
        machines: who does it; every engine writes the same answers.
        columns: of files that are no pair tables: field of a pair -> column.
        shard_rows: rows of a part: what is lost at most when a worker is killed.
        on_progress: told of every finished shard.

    Raises:
        InputError: unusable input, model or options; a folder that holds something else.
        NotInstalledError: no ray.
        StorageError: the disk refused.
    """
    began = time.monotonic()
    if machines.address is not None and machines.engine != "ray":
        raise InputError(f"--address is of --engine ray; {machines.engine} runs on this machine")
    paths = input_paths(pattern)
    plan = make_plan(paths, run, columns=columns, shard_rows=shard_rows)
    _open_folder(plan, out)
    job = Job(plan=plan, paths=tuple(path.absolute() for path in paths), run=run.absolute(), out=out.absolute())
    shards = plan.shards
    done_before = sum(_is_done(job, shard) for shard in shards)
    on_progress(Progress(stage="shards", done=done_before, total=len(shards)))
    _work(job, shards, machines, on_progress)
    counts = _finish(job, shards)
    return {
        "scores": str(out),
        "model": plan.model,
        "inputs": [item.name for item in plan.inputs],
        **asdict(counts),
        "parts": len(shards),
        "parts_before": done_before,
        "engine": machines.engine,
        "seconds": time.monotonic() - began,
    }


def _open_folder(plan: Plan, out: Path) -> None:
    if (out / PLAN).is_file():
        check_same(plan, out)
        return
    if out.exists() and (not out.is_dir() or any(not path.name.endswith(".part") for path in out.iterdir())):
        raise InputError(f"{out} is no folder, or holds something else than scores; choose another folder")
    write_json(out / PLAN, plan.as_plain())


def _work(job: Job, shards: tuple[Shard, ...], machines: Machines, on_progress: OnProgress) -> None:
    def on_done(done: int) -> None:
        on_progress(Progress(stage="shards", done=done, total=len(shards)))

    if machines.engine == "ray":
        from threatclip.batch.cluster import run_on_ray

        run_on_ray(job, jobs=machines.jobs, address=machines.address, on_done=on_done)
    else:
        run_items(
            shards,
            functools.partial(Scorer, job),
            jobs=machines.jobs,
            is_done=functools.partial(_is_done, job),
            on_done=on_done,
        )


def _is_done(job: Job, shard: Shard) -> bool:
    return part_counts(job, shard) is not None


def _finish(job: Job, shards: tuple[Shard, ...]) -> PartCounts:
    """Count what the parts hold and write the manifest; what killed workers left half-written is removed."""
    found = [part_counts(job, shard) for shard in shards]
    missing = [shard.part for shard, counts in zip(shards, found, strict=True) if counts is None]
    if missing:
        raise InputError(f"{job.out / missing[0]} is not there after the work; give the workers a folder they all see")
    there = [counts for counts in found if counts is not None]
    known = {PLAN, MANIFEST, *(shard.part for shard in shards)}
    with storage_errors(job.out):
        for path in job.out.iterdir():
            if path.name.startswith(".") and path.suffix == ".part":
                path.unlink(missing_ok=True)
            elif path.name not in known:
                raise InputError(f"{path} is no part of the scores; move it elsewhere")
    total = PartCounts(
        rows=sum(counts.rows for counts in there),
        abstained=sum(counts.abstained for counts in there),
        faults=sum(counts.faults for counts in there),
    )
    write_manifest(job.out, extra={"kind": KIND, "plan": job.plan.as_plain(), **asdict(total)})
    return total
