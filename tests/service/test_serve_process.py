"""`threatclip serve` as a process: keys, addresses, and an end that leaves nobody without an answer."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fake_runs import fake_run

from threatclip.cli.main import main

pytestmark = pytest.mark.enable_socket
SERVE = """
import sys
from fake_runs import FakeClassifier
import threatclip.service.models as models
fake = FakeClassifier()
models.load_classifier = lambda folder: fake
import threading, time
def let_go():
    while not fake.batches:
        time.sleep(0.01)
    time.sleep(1.5)
    fake.go.set()
threading.Thread(target=let_go, daemon=True).start()
from threatclip.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a model that takes a second and a half for its first batch."""
    fake_run(folder / "runs" / "one")
    command = [sys.executable, "-c", SERVE, "serve", "--port", "0", "--runs", str(folder / "runs")]
    command += ["--jobs", str(folder / "jobs"), "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield process, urlsplit(json.loads(process.stdout.readline())["address"]).netloc
        finally:
            process.kill()


def readiness(place: str) -> int:
    """Return what a new connection hears, as soon as it is not 200."""
    for _ in range(1_000):
        with closing(http.client.HTTPConnection(place, timeout=60)) as coming:
            coming.request("GET", "/readyz")
            status = coming.getresponse().status
        if status != 200:
            return status
    return 200


def test_a_signal_ends_it_after_what_was_accepted_is_answered(tmp_path: Path) -> None:
    with (
        served(tmp_path) as (process, place),
        closing(http.client.HTTPConnection(place, timeout=60)) as asking,
        closing(http.client.HTTPConnection(place, timeout=60)) as watching,
    ):
        body = json.dumps({"inputs": [{"payload": "abc"}]})
        asking.request("POST", "/v1/classify", body, {"Content-Type": "application/json"})
        for _ in range(1_000):
            watching.request("GET", "/metrics")
            if 'threatclip_waiting_inputs{run="one"}' in watching.getresponse().read().decode():
                break
        process.send_signal(signal.SIGTERM)
        assert readiness(place) == 503
        answer = asking.getresponse()
        told: Any = json.loads(answer.read())
        assert answer.status == 200
        assert told["answers"][0]["answers"][0]["label"] == "3"
        assert process.wait(60) == 0
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]
    events = [line["event"] for line in lines]
    assert "stopping" in events
    assert any(line["event"] == "request" and line.get("route") == "/v1/classify" for line in lines)
    assert "abc" not in json.dumps([line for line in lines if line["event"] == "request"])


def test_wrong_usage_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["--host", "0.0.0.0"], "needs API keys"),
        (["--allow-host", "clip.example"], "needs API keys"),
        (["--new-key", "soc"], "needs --keys FILE"),
        (["--keys", str(tmp_path / "absent.json")], "no file"),
        (["--host", "192.0.2.1", "--keys", str(tmp_path / "absent.json")], "no file"),
    ):
        assert main(["serve", *arguments]) == 2
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == 1
        assert says in errors[0]


def test_a_new_key_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys.json"
    assert main(["serve", "--keys", str(keys), "--new-key", "soc", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["key"].startswith("tc_")
    assert made["key"] not in keys.read_text()
    assert main(["serve", "--keys", str(keys), "--new-key", "soc"]) == 2
