"""/v1/audit: a real table, its events, its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fake_runs import fake_run
from starlette.testclient import TestClient

from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import PairTable, write_pairs
from threatclip.service.app import create_app
from threatclip.service.settings import Settings

PARQUET = {"Content-Type": "application/vnd.apache.parquet"}


@pytest.fixture
def client(tmp_path: Path) -> Any:
    fake_run(tmp_path / "runs" / "one")
    app = create_app(Settings(runs=tmp_path / "runs", jobs=tmp_path / "jobs"))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "pairs.parquet"
    write_pairs(path, sample_pairs(n=120, seed=0), modality="payload")
    return path


def events_of(text: str) -> list[tuple[str, Any]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


def test_a_table_is_audited_and_what_was_found_is_fetched(client: TestClient, table: Path) -> None:
    sent = client.post(
        "/v1/audit", params={"name": "incident 7", "drop_top": 0.1}, content=table.read_bytes(), headers=PARQUET
    )
    assert sent.status_code == 202, sent.text
    address = sent.headers["location"]
    assert sent.json()["table"] == "incident 7"
    told = events_of(client.get(f"{address}/events").text)
    assert [name for name, _ in told][-1] == "done"
    summary = told[-1][1]["summary"]
    assert (summary["n"], summary["suspects"], summary["table"]) == (120, 12, "incident 7")
    assert str(table.parent) not in json.dumps(told)
    cleaned = client.get(f"{address}/files/cleaned")
    assert cleaned.headers["content-disposition"].startswith("attachment")
    (table.parent / "cleaned.parquet").write_bytes(cleaned.content)
    assert len(PairTable.open(table.parent / "cleaned.parquet")) == 108
    (table.parent / "scores.parquet").write_bytes(client.get(f"{address}/files/scores").content)
    assert pq.read_table(table.parent / "scores.parquet").num_rows == 120
    assert len(client.get(f"{address}/files/suspects").text.splitlines()) == 12
    report = client.get(f"{address}/files/report")
    assert report.headers["content-security-policy"].startswith("sandbox")
    assert client.get("/v1/audit").json()["audits"][0]["status"] == "done"
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_what_cannot_be_audited_is_refused_at_once(client: TestClient, table: Path) -> None:
    content = table.read_bytes()
    for status, content_type, parameters, body in (
        (415, "text/csv", {}, content),
        (422, PARQUET["Content-Type"], {}, b"id,view\n"),
        (422, PARQUET["Content-Type"], {"run": "../../etc"}, content),
        (422, PARQUET["Content-Type"], {"filters": "no such"}, content),
        (422, PARQUET["Content-Type"], {"method": "no such"}, content),
        (422, PARQUET["Content-Type"], {"drop_top": "nan"}, content),
        (422, PARQUET["Content-Type"], {"drop_top": "2"}, content),
    ):
        told = client.post("/v1/audit", params=parameters, content=body, headers={"Content-Type": content_type})
        assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json"), parameters
    assert client.get("/v1/audit").json() == {"audits": []}


def test_what_is_not_there_is_404(client: TestClient) -> None:
    for path in ("0123456789abcdef", "0123456789abcdef/events", "x/files/scores", "%2e%2e"):
        told = client.get(f"/v1/audit/{path}")
        assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json"), path
    assert client.delete("/v1/audit/x").status_code == 404
