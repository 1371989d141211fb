"""The same shards on a Ray cluster: Ray Data's map_batches over actors, each with the model loaded once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from threatclip.batch.scoring import Job, Scorer, part_counts
from threatclip.errors import InputError, NotInstalledError, ThreatclipError

_WHOLE_CPU = 1.0
_STARTS = 3
_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_LOG_LEVEL": "ERROR"}  # our own progress tells how far it is
_MOST_BLOCKS = 1_000


class ShardActor:
    """A worker of the cluster; what it writes lies on storage that every node sees."""

    def __init__(self, job: Job) -> None:
        """Load the model, on one thread as every worker does: the same batches then give the same bits."""
        import torch

        torch.set_num_threads(1)
        self._score = Scorer(job)
        self._shards = job.plan.shards

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Score the shards whose numbers a batch holds; done twice, a shard is written once."""
        for number in batch["item"]:
            self._score(self._shards[int(number)])
        return batch


def actor_cpus(cluster_cpus: float, jobs: int) -> float:
    """Return the CPUs that each actor asks for.

    Reading tasks ask for one CPU: actors that hold all of them wait for ever for what they are to work on (two actors
    on two CPUs do). So one CPU stays free, or half of the only one.
    """
    free = _WHOLE_CPU if cluster_cpus > 1 else cluster_cpus / 2
    return min(_WHOLE_CPU, (cluster_cpus - free) / jobs)


def run_on_ray(job: Job, *, jobs: int, address: str | None, on_done: Callable[[int], None]) -> None:
    """Score every shard that is not done yet on the cluster at `address`; None: one of its own on this machine.

    Ray starts an actor anew that was killed, and gives its shard to another.

    Raises:
        NotInstalledError: no ray.
        InputError: no cluster there.
        ThreatclipError: whatever a shard raised.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)  # read when ray is imported
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError as error:
        raise NotInstalledError("--engine ray needs ray; install threatclip[scale]") from error
    done = {shard.number for shard in job.plan.shards if part_counts(job, shard) is not None}
    waiting = [shard.number for shard in job.plan.shards if shard.number not in done]
    if not waiting:
        return
    _connect(ray, address, jobs)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        jobs = min(jobs, len(waiting))
        cpus = actor_cpus(float(ray.cluster_resources().get("CPU", _WHOLE_CPU)), jobs)
        scored = ray.data.from_items(waiting, override_num_blocks=min(len(waiting), _MOST_BLOCKS)).map_batches(
            ShardActor,
            fn_constructor_args=(job,),
            batch_size=1,
            num_cpus=cpus,
            compute=ray.data.ActorPoolStrategy(size=jobs),
        )
        for count, _ in enumerate(scored.iter_rows(), start=len(done) + 1):
            on_done(count)
    except RayError as error:
        raise _cause(error) from error
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str | None, jobs: int) -> None:
    """Join the cluster, or start one: again where ray's own processes missed each other, as on a busy machine."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {"address": "local", "num_cpus": max(2, jobs), "include_dashboard": False}
    else:
        options |= {"address": address}
    for left in reversed(range(_STARTS if address is None else 1)):
        try:
            ray.init(**options)
            return
        except Exception as error:  # ray raises bare Exception where its processes did not start
            ray.shutdown()
            if left:
                continue
            where = "on this machine" if address is None else f"at {address}"
            raise InputError(
                f"no Ray cluster {where} ({' '.join(str(error).split())[:200]}); is it running?"
            ) from error


def _cause(error: BaseException) -> BaseException:
    """Return the error of ours behind one of ray's, if there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ThreatclipError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return error
