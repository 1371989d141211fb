"""Answer a Suricata log as it grows: answers first, then the place, so that a crash neither loses nor repeats one."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from threatclip.artifacts import read_json, storage_errors, sync_file, write_json
from threatclip.batch.follow import LogFollower
from threatclip.batch.places import Place, begin_of
from threatclip.batch.scoring import BATCH_BYTES, BATCH_ROWS
from threatclip.errors import BadRow, DamagedArtifactError, InputError
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.tasks import Classifier
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.eve import eve_pair
from threatclip.pairs.sources.rows import Record, SkippedRow, json_record, row_of

VERSION = 1
_TOLD_BAD_ROWS = 20
_READ_ROWS = 4 * BATCH_ROWS  # lines looked at between two writes: most events of a log may hold no payload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What to watch and how; `events` are the event types to answer, none for all."""

    log: Path
    answers: Path
    once: bool = False
    events: tuple[str, ...] = ()
    poll_s: float = 0.5
    grace_s: float = 5.0  # that a renamed log must be quiet before the next one is begun


@dataclasses.dataclass(slots=True, kw_only=True)
class _Tally:
    answered: int = 0
    abstained: int = 0
    bad: int = 0
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)

    def as_plain(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "skipped": dict(self.skipped)}


def state_path(answers: Path) -> Path:
    """Return where the place is kept: beside the answers."""
    return answers.with_name(f"{answers.name}.state.json")


def watch(
    watching: Watching,
    classifier: Classifier,
    *,
    stopping: Callable[[], bool],
    on_notice: Callable[[str], None],
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Answer every event that the log holds and, unless `once`, will hold, until `stopping`; return the counts.

    Args:
        watching: see there.
        classifier: of payloads.
        stopping: asked between batches.
        on_notice: told of rotations, truncations and the first bad lines.
        on_progress: told after each batch how many answers were written.

    Raises:
        InputError: no log to read once, answers that are not of this watch, or another watch that writes them.
        StorageError: the disk refused.
        DamagedArtifactError: the state is not what was written.
    """
    if classifier.modality != "payload":
        raise InputError(f"this model reads {classifier.modality}s; EVE events hold payloads")
    if watching.once and not watching.log.exists():
        raise InputError(f"no file {watching.log}")
    desk = _Desk(watching)
    try:
        follower = LogFollower(watching.log, desk.place, on_notice=on_notice, grace_s=watching.grace_s)
        try:
            _follow(watching, classifier, follower, desk, stopping, on_notice, on_progress)
        finally:
            follower.close()
    finally:
        desk.close()
    return {"answers": str(watching.answers), "model": classifier.model, **desk.tally.as_plain()}


def _follow(
    watching: Watching,
    classifier: Classifier,
    follower: LogFollower,
    desk: _Desk,
    stopping: Callable[[], bool],
    on_notice: Callable[[str], None],
    on_progress: OnProgress,
) -> None:
    told = 0
    while not stopping():
        pairs: list[Pair] = []
        n_lines = 0
        for row in _rows(watching, follower):
            n_lines += 1
            if isinstance(row, Pair):
                pairs.append(row)
            elif isinstance(row, BadRow):
                desk.tally.bad += 1
                if told < _TOLD_BAD_ROWS:
                    on_notice(f"bad row {row}")
                told += 1
            elif isinstance(row, SkippedRow):
                desk.tally.skipped[row.reason] += 1
        if n_lines:
            desk.write([_told(pair, answer) for pair, answer in _answered(classifier, pairs)], follower.place)
            on_progress(Progress(stage="answers", done=desk.tally.answered, total=0))
        elif watching.once:
            return
        else:
            time.sleep(watching.poll_s)


def _rows(watching: Watching, follower: LogFollower) -> Iterator[Pair | BadRow | SkippedRow | None]:
    """Yield what became of the next lines; None of a blank one."""
    for line in follower.lines(most=_READ_ROWS, most_bytes=BATCH_BYTES, final=watching.once):
        if isinstance(line, BadRow):
            yield line
        elif line.data.isspace():
            yield None
        else:
            record = json_record(watching.log, line.number, line.data)
            yield record if isinstance(record, BadRow) else _row(watching, record)


def _row(watching: Watching, record: Record) -> Pair | BadRow | SkippedRow:
    if watching.events and record.value.get("event_type") not in watching.events:
        return SkippedRow(path=str(record.path), line=record.line, reason="another event type")
    return row_of(record, eve_pair)


def _answered(classifier: Classifier, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, dict[str, Any]]]:
    for start in range(0, len(pairs), BATCH_ROWS):
        batch = pairs[start : start + BATCH_ROWS]
        yield from zip(batch, classifier.classify_pairs(batch), strict=True)


def _told(pair: Pair, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with what an analyst needs of the event, since the log itself may be gone."""
    facts = {name: value for name, value in pair.meta.items() if name not in ("source", "payload_from")}
    time_of = {} if pair.time is None else {"time": pair.time.isoformat()}
    return {**answer, "event": {**time_of, **facts}}


class _Desk:
    """The answers and the place, in step: what is written beyond the stored place is cut off at the next start."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._state = state_path(watching.answers)
        self.tally = _Tally()
        self.place: Place | None = None
        n_bytes = self._recalled() if self._state.exists() else None
        with storage_errors(watching.answers):
            watching.answers.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._opened(n_bytes)
        if n_bytes is None:  # before the first answer: what a kill leaves then is known to be ours
            self.place = begin_of(watching.log) if watching.log.is_file() else None
            self._remember(0)

    def write(self, answers: Sequence[dict[str, Any]], place: Place | None) -> None:
        """Append answers, then store the place behind what they answer; either survives a loss of power."""
        self.place = place
        self.tally.answered += len(answers)
        self.tally.abstained += sum(bool(answer["abstained"]) for answer in answers)
        text = "".join(json.dumps(answer, allow_nan=False) + "\n" for answer in answers)
        with storage_errors(self._watching.answers):
            self._follow_rename()
            self._stream.write(text.encode("ascii"))
            self._stream.flush()
            os.fsync(self._stream.fileno())
            n_bytes = os.fstat(self._stream.fileno()).st_size
        self._remember(n_bytes)

    def _remember(self, n_bytes: int) -> None:
        write_json(
            self._state,
            {
                "version": VERSION,
                "log": str(self._watching.log.absolute()),
                "answers_bytes": n_bytes,
                "place": None if self.place is None else dataclasses.asdict(self.place),
                "tally": self.tally.as_plain(),
            },
        )

    def close(self) -> None:
        """Close the answers; another watch may then write them."""
        self._stream.close()

    def _recalled(self) -> int:
        """Read the state; return the bytes of answers that belong to it."""
        stored = read_json(self._state)
        try:
            if stored["version"] != VERSION:
                raise ValueError(f"version {stored['version']}")
            log, n_bytes = stored["log"], int(stored["answers_bytes"])
            self.place = None if stored["place"] is None else Place(**stored["place"])
            self.tally = _Tally(**{**stored["tally"], "skipped": Counter(stored["tally"]["skipped"])})
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedArtifactError(f"{self._state} is not what was written ({error!r}); remove it") from error
        if log != str(self._watching.log.absolute()):
            raise InputError(f"{self._watching.answers} holds answers to {log}; choose another file")
        return n_bytes

    def _opened(self, n_bytes: int | None) -> IO[bytes]:
        """Open the answers for appending, cut to what the state knows of; None: there is no state."""
        path = self._watching.answers
        size = path.stat().st_size if path.exists() else 0
        if n_bytes is None and size:
            raise InputError(f"{path} holds something, and {self._state.name} is not there; choose another file")
        stream = path.open("ab")
        try:
            _lock(stream, path)
            if n_bytes is not None and 0 < size < n_bytes:
                raise InputError(
                    f"{path} has {size:,} of {n_bytes:,} bytes that were written; move it away, and a new one is begun"
                )
            if n_bytes is not None and size > n_bytes:
                stream.truncate(n_bytes)
                os.fsync(stream.fileno())
            sync_file(path.parent)
        except BaseException:
            stream.close()
            raise
        return stream

    def _follow_rename(self) -> None:
        """Begin a new file where the old one was moved away."""
        try:
            same = self._watching.answers.stat().st_ino == os.fstat(self._stream.fileno()).st_ino
        except FileNotFoundError:
            same = False
        if not same:
            self._stream.close()
            self._stream = self._watching.answers.open("ab")
            _lock(self._stream, self._watching.answers)
            sync_file(self._watching.answers.parent)


def _lock(stream: IO[bytes], path: Path) -> None:
    import fcntl

    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(f"another watch writes {path}; stop it, or choose another file") from error
