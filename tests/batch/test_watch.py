"""Answers to a log: each event once, across crashes, rotations of the log and of the answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from watch_cases import Echo, append, asked, event, read_once

from threatclip.batch.watch import Watching, state_path, watch
from threatclip.errors import DamagedArtifactError, InputError, StorageError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def test_a_second_look_answers_what_is_new(log: Path, answers: Path) -> None:
    append(log, 0, 1)
    first = read_once(log, answers)
    assert (first["answered"], first["model"], asked(answers)) == (2, "echo", [0, 1])
    append(log, 2)
    assert read_once(log, answers)["answered"] == 3
    assert asked(answers) == [0, 1, 2]
    assert json.loads(answers.read_text().splitlines()[2])["id"] == "2:3"


def test_an_answer_tells_of_its_event(log: Path, answers: Path) -> None:
    facts = {"timestamp": "2026-11-21T10:00:00.000000+0000", "src_ip": "192.0.2.1", "alert": {"signature_id": 7}}
    log.write_bytes(json.dumps({**json.loads(event(0)), **facts}).encode() + b"\n")
    read_once(log, answers)
    told = json.loads(answers.read_text())["event"]
    assert told == {
        "time": "2026-11-21T10:00:00+00:00",
        "event_type": "alert",
        "src_ip": "192.0.2.1",
        "signature_id": "7",
    }


def test_bad_lines_and_events_without_payload_are_counted(log: Path, answers: Path) -> None:
    log.write_bytes(b'{"event_type": "stats"}\n' + event(0) + b"\xff{\n\n[1]\n" + event(1))
    notices: list[str] = []
    report = read_once(log, answers, notices)
    assert (report["answered"], report["bad"], sum(report["skipped"].values())) == (2, 2, 1)
    assert len(notices) == 2
    assert asked(answers) == [0, 1]


def test_other_event_types_can_be_left_out(log: Path, answers: Path) -> None:
    other = json.dumps({**json.loads(event(1)), "event_type": "http"}).encode() + b"\n"
    log.write_bytes(event(0) + other)
    report = read_once(log, answers, events=("alert",))
    assert report["skipped"] == {"another event type": 1}
    assert asked(answers) == [0]


def test_what_a_crash_wrote_beyond_its_place_is_answered_again_and_not_twice(log: Path, answers: Path) -> None:
    append(log, 0, 1)
    read_once(log, answers)
    append(log, 2, 3)
    state = state_path(answers).read_bytes()
    read_once(log, answers)
    state_path(answers).write_bytes(state)  # as if the power had gone before the place was stored
    with answers.open("ab") as handle:
        handle.write(b'{"torn')
    read_once(log, answers)
    assert asked(answers) == [0, 1, 2, 3]


def test_answers_may_be_moved_away(log: Path, answers: Path) -> None:
    append(log, 0)
    read_once(log, answers)
    answers.rename(answers.with_name("old.jsonl"))
    append(log, 1)
    read_once(log, answers)
    assert asked(answers) == [1]


def test_a_running_watch_follows_and_stops(log: Path, answers: Path) -> None:
    stop = threading.Event()
    watching = Watching(log=log, answers=answers, poll_s=0.001, grace_s=0.0)
    reports = []

    def run() -> None:
        report = watch(watching, Echo(), stopping=stop.is_set, on_notice=lambda _: None, on_progress=lambda _: None)
        reports.append(report)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        append(log, 0, 1)
        wait_until(answers, [0, 1])
        answers.rename(answers.with_name("old.jsonl"))
        append(log, 2)
        wait_until(answers, [2])
        log.rename(log.with_name("eve.json.1"))
        append(log, 3)
        wait_until(answers, [2, 3])
        with pytest.raises(InputError, match="another watch writes"):
            read_once(log, answers)
    finally:
        stop.set()
        thread.join()
    assert reports[0]["answered"] == 4


def wait_until(answers: Path, wanted: list[int]) -> None:
    until = time.monotonic() + 60
    while not answers.exists() or answers.read_bytes().count(b"\n") < len(wanted):
        assert time.monotonic() < until
        time.sleep(0.001)
    assert asked(answers) == wanted


def test_answers_of_another_log_are_refused(log: Path, answers: Path) -> None:
    append(log, 0)
    read_once(log, answers)
    other = log.with_name("other.json")
    append(other, 1)
    with pytest.raises(InputError, match="holds answers to"):
        read_once(other, answers)


def test_answers_that_are_not_ours_are_refused(log: Path, answers: Path) -> None:
    append(log, 0)
    answers.write_text("precious\n")
    with pytest.raises(InputError, match="holds something"):
        read_once(log, answers)
    assert answers.read_text() == "precious\n"


def test_answers_that_were_cut_are_refused(log: Path, answers: Path) -> None:
    append(log, 0, 1)
    read_once(log, answers)
    os.truncate(answers, 10)
    with pytest.raises(InputError, match="move it away"):
        read_once(log, answers)


@pytest.mark.parametrize("state", ["{}", '{"version": 1}', '{"version": 9}', "[]"])
def test_a_state_that_is_not_ours_is_refused(log: Path, answers: Path, state: str) -> None:
    append(log, 0)
    state_path(answers).write_text(state)
    with pytest.raises(DamagedArtifactError, match="is not what was written"):
        read_once(log, answers)


def test_no_log_to_read_once_is_refused(log: Path, answers: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_once(log, answers)


def test_a_disk_that_refuses_is_told(log: Path, tmp_path: Path) -> None:
    append(log, 0)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        read_once(log, tmp_path / "file" / "answers.jsonl")


def test_killed_watches_lose_and_repeat_nothing(tmp_path: Path) -> None:
    """Four kills; THREATCLIP_KILLS=100 for the full figure."""
    kills = int(os.environ.get("THREATCLIP_KILLS", "4"))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kill_watch.py")), str(tmp_path), str(kills), "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=120 + 10 * kills,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["killed"] == kills
    assert report["answered_before_the_end"] > 0
    assert (report["lost"], report["repeated"], report["same"]) == (0, 0, True), report
