"""/v1/export: the files of `threatclip export`, made of answers that a request brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from threatclip.service.app import create_app
from threatclip.service.settings import Settings

TIME = "2026-03-04T05:06:07Z"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(jobs=tmp_path / "jobs")), base_url="http://127.0.0.1") as client:
        yield client


def answer(label: str = "sql-injection", **changes: Any) -> dict[str, Any]:
    claims = [{"label": label, "name": "SQL injection", "probability": 0.9}]
    return {"id": "a", "answers": claims, "abstained": False, "evidence": [], "model": "m", **changes}


def known_label() -> str:
    from threatclip.pairs.weaknesses import WEAKNESSES

    return next(iter(WEAKNESSES))


def test_stix_holds_the_payload_and_the_same_time_gives_the_same_bytes(client: TestClient) -> None:
    asked = {"answers": [answer(known_label())], "inputs": [{"id": "a", "payload": "GET /?id=1'--"}], "time": TIME}
    first, second = (client.post("/v1/export/stix", json=asked) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.headers["content-type"] == "application/stix+json;version=2.1"
    assert first.content == second.content
    kinds = {one["type"] for one in first.json()["objects"]}
    assert {"identity", "report", "observed-data", "artifact", "vulnerability"} <= kinds


def test_navigator_and_misp(client: TestClient) -> None:
    technique = {"answers": [answer("T1190")], "time": TIME}
    layer = client.post("/v1/export/navigator", json=technique)
    assert layer.json()["techniques"][0]["techniqueID"] == "T1190"
    event = client.post("/v1/export/misp", json={"answers": [answer(known_label())], "time": TIME})
    assert event.status_code == 200, event.text
    assert event.json()["Event"]["published"] is False


def test_a_file_says_to_whom_it_may_go(client: TestClient) -> None:
    asked = {"answers": [answer("T1190")], "time": TIME, "tlp": "amber"}
    assert "TLP:AMBER" in client.post("/v1/export/navigator", json=asked).text
    assert client.post("/v1/export/navigator", json=asked | {"tlp": "purple"}).status_code == 422


def test_what_are_no_answers_is_422(client: TestClient) -> None:
    for answers in (
        [answer(abstained=True)],
        [answer("no such label")],
        [answer(known_label()), answer(known_label())],
        [answer(answers=[])],
        [answer(answers=[{"label": "x", "name": "y", "probability": 2}])],
        [answer(id="\u200b")],
        [],
    ):
        told = client.post("/v1/export/stix", json={"answers": answers})
        assert (told.status_code, told.headers["content-type"]) == (422, "application/problem+json"), answers
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-01T00:00:00"):
        told = client.post("/v1/export/stix", json={"answers": [answer(known_label())], "time": time})
        assert told.status_code == 422, time
