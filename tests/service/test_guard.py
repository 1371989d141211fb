"""What a request passes before anything reads it: host, origin, key, size; and what the log says of it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_runs import FakeClassifier, fake_run
from starlette.testclient import TestClient

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.service.app import create_app
from threatclip.service.keys import add_key, holder, read_keys
from threatclip.service.logs import NAME, JsonLines
from threatclip.service.settings import Limits, Settings

HOST = "http://127.0.0.1:8765"
LIMITS = Limits(body_bytes=2_000, upload_bytes=4_000)
PROBLEM = "application/problem+json"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the service logs."""
    logger, stream = logging.getLogger(NAME), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


def client_of(folder: Path, **settings: Any) -> TestClient:
    if not (folder / "runs").exists():
        fake_run(folder / "runs" / "one")
    own = Settings(runs=folder / "runs", jobs=folder / "jobs", limits=LIMITS, **settings)
    return TestClient(create_app(own), base_url=HOST, raise_server_exceptions=False)


def classify(client: TestClient, payload: str = "GET /", **headers: str) -> Any:
    return client.post("/v1/classify", json={"inputs": [{"payload": payload}]}, headers=headers)


def test_a_name_bound_anew_to_loopback_is_refused(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""):
            told = client.get("/v1/models", headers={"Host": host})
            assert (told.status_code, told.headers["content-type"]) == (421, PROBLEM)
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]:8765"):
            assert client.get("/v1/models", headers={"Host": host}).status_code == 200


def test_pages_of_other_sites_cannot_use_the_browser(tmp_path: Path, fake: FakeClassifier) -> None:
    with client_of(tmp_path) as client:
        foreign: list[dict[str, str]] = [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9999"},
            {"Sec-Fetch-Site": "cross-site"},
        ]
        for headers in foreign:
            told = classify(client, **headers)
            assert (told.status_code, told.headers["content-type"]) == (403, PROBLEM)
        assert classify(client, **{"Origin": HOST, "Sec-Fetch-Site": "same-origin"}).status_code == 200
        answered = client.get("/v1/models", headers={"Origin": "https://evil.example"})
        assert not [name for name in answered.headers if name.startswith("access-control")]


def test_beyond_loopback_there_is_no_service_without_keys(tmp_path: Path) -> None:
    for settings in ({"host": "0.0.0.0"}, {"host": "::"}, {"host": "10.0.0.1"}, {"hosts": ("clip.example",)}):
        with pytest.raises(InputError, match="--new-key"):
            Settings(**settings)
    assert Settings(host="127.0.0.2").is_local
    assert Settings(host="::1").is_local


def test_a_key_opens_by_header_token_or_login_and_nothing_else_does(tmp_path: Path, fake: FakeClassifier) -> None:
    keys = tmp_path / "keys.json"
    secret = add_key(keys, "soc")
    assert secret not in keys.read_text()
    assert keys.stat().st_mode & 0o777 == 0o600
    with client_of(tmp_path, host="0.0.0.0", keys=keys) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/v1/models", "/metrics", "/openapi.json", "/", "/nothing"):
            told = client.get(path)
            assert (told.status_code, told.headers["content-type"]) == (401, PROBLEM), path
            assert "www-authenticate" in told.headers
        for headers in ({"X-API-Key": secret}, {"Authorization": f"Bearer {secret}"}):
            assert client.get("/v1/models", headers=headers).status_code == 200
        assert client.get("/v1/models", auth=("anyone", secret)).status_code == 200
        wrong: list[dict[str, str]] = [
            {"X-API-Key": secret[:-1]},
            {"X-API-Key": ""},
            {"Authorization": "Bearer"},
            {"Authorization": "Basic !!!"},
            {"Authorization": f"Digest {secret}"},
        ]
        for headers in wrong:
            assert client.get("/v1/models", headers=headers).status_code == 401


def test_a_file_of_keys_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, second = add_key(path, "one"), add_key(path, "two")
    keys = read_keys(path)
    assert (holder(keys, first), holder(keys, second), holder(keys, "tc_x"), holder(keys, None)) == (
        "one",
        "two",
        None,
        None,
    )
    for name in ("one", "", "a b", "x\ny"):
        with pytest.raises(InputError):
            add_key(path, name)
    path.write_text('{"keys": [{"name": "a", "sha256": "00", "created": ""}]}')
    with pytest.raises(DamagedArtifactError):
        read_keys(path)
    path.write_text('{"keys": []}')
    with pytest.raises(InputError, match="no API key"):
        read_keys(path)


def test_too_large_a_body_is_413_whether_announced_or_not(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        announced = client.post("/v1/classify", content=b"x" * 2_001, headers={"Content-Type": "application/json"})
        streamed = client.post(
            "/v1/classify", content=iter([b"x" * 1_500] * 2), headers={"Content-Type": "application/json"}
        )
        for told in (announced, streamed):
            assert (told.status_code, told.headers["content-type"]) == (413, PROBLEM)
        wrong = client.post("/v1/classify", content=b"{}", headers={"Content-Length": "two"})
        assert wrong.status_code == 400


def test_the_log_has_one_line_a_request_and_no_payload(
    tmp_path: Path, fake: FakeClassifier, logged: io.StringIO
) -> None:
    with client_of(tmp_path) as client:
        told = classify(client, "secret words", **{"X-Request-ID": "from-caller-1"})
        assert told.headers["x-request-id"] == "from-caller-1"
        wild = classify(client, **{"X-Request-ID": 'x" injected\t'})
        assert len(wild.headers["x-request-id"]) == 16
        client.get("/secret-path?q=secret")
    text = logged.getvalue()
    assert "secret" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/v1/classify", 200),
        ("/v1/classify", 200),
        ("none", 404),
    ]
    assert requests[0]["request_id"] == "from-caller-1"


def test_bodies_are_logged_when_asked_for(tmp_path: Path, fake: FakeClassifier, logged: io.StringIO) -> None:
    with client_of(tmp_path, log_bodies=True) as client:
        classify(client, "secret words")
    assert "secret words" in logged.getvalue()


def test_a_bug_is_500_with_an_id_and_a_trace_without_words(
    tmp_path: Path, fake: FakeClassifier, logged: io.StringIO
) -> None:
    with client_of(tmp_path) as client:
        told = classify(client, "bug")
    assert (told.status_code, told.headers["content-type"]) == (500, PROBLEM)
    assert "secret" not in told.text + logged.getvalue()
    bug = next(json.loads(line) for line in logged.getvalue().splitlines() if '"bug"' in line)
    assert bug["request_id"] == told.json()["request_id"]
    assert bug["error"] == "AttributeError"
    assert any("fake_runs" in frame for frame in bug["where"])


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": [{"payload": NaN}]}',
        b'{"inputs": [{"payload": "\\ud800"}]}',
        b"[" * 1_000 + b"]" * 1_000,
        b'{"inputs": [{"payload": "\xff"}]}',
        b'{"inputs": [], "top": 1e999}',
        b"",
        b"null",
        b'{"inputs": [{"payload": "a", "text": "b"}]}',
        b'{"inputs": [{"payload": "a"}], "\\u0000": {"a": [1, 2, {}]}}',
    ],
    ids=["nan", "surrogate", "deep", "not-utf-8", "infinity", "empty", "null", "two-kinds", "unknown-key"],
)
def test_garbage_is_422_as_a_problem(tmp_path: Path, body: bytes) -> None:
    with client_of(tmp_path) as client:
        told = client.post("/v1/classify", content=body, headers={"Content-Type": "application/json"})
    assert (told.status_code, told.headers["content-type"]) == (422, PROBLEM)
    assert told.json()["faults"]


def test_every_answer_forbids_sniffing_framing_and_keeping(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        headers = client.get("/v1/models").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_metrics_count_requests_and_answers(tmp_path: Path, fake: FakeClassifier) -> None:
    with client_of(tmp_path) as client:
        classify(client)
        client.get("/nothing")
        told = client.get("/metrics").text
    assert 'threatclip_requests_total{method="POST",route="/v1/classify",status="200"} 1.0' in told
    assert 'threatclip_answers_total{outcome="answered",run="one"} 1.0' in told
    assert 'route="none",status="404"' in told


def test_readiness_ends_with_the_service(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    with client:
        assert client.get("/readyz").status_code == 200
        client.app.state.service.stopping.set()  # type: ignore[attr-defined]
        assert client.get("/readyz").status_code == 503
