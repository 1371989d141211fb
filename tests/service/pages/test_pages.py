"""The pages without a browser: headers, refusals, limits, uploads, exports."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hostile_runs import BROKEN, HOSTILE, SCRIPT
from starlette.testclient import TestClient

from pair_cases import picture_pairs
from threatclip.pairs.table import write_pairs
from threatclip.service.app import create_app
from threatclip.service.keys import add_key
from threatclip.service.pages.rendering import percent
from threatclip.service.settings import Limits, Settings

LISTS = ("/triage", "/audits", "/models")


def submitted(pages: TestClient, **fields: Any) -> Any:
    """Submit to triage and follow to the answer."""
    return pages.post("/triage", data={"run": "payloads", "text": "", **fields})


def link(pages: TestClient, address: str, start: str) -> str:
    """Return the first link of a page that begins so."""
    content = pages.get(address).text
    place = content.index(f'href="{start}') + len('href="')
    return content[place : content.index('"', place)].replace("&amp;", "&")


@pytest.mark.parametrize("address", LISTS)
def test_every_page_bears_the_policy_and_no_markup_of_strangers(pages: TestClient, address: str) -> None:
    answer = pages.get(address)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert SCRIPT not in answer.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/triage/" + "0" * 32, 404),
        ("/triage/nothing/0", 404),
        ("/audits/0123", 404),
        ("/audits/..%2f..%2fetc", 404),
        ("/models/0123", 404),
        ("/studies/magic/0123", 404),
        ("/studies/matrix/0123", 404),
        ("/trainings/0123", 404),
        ("/static/page.py", 404),
    ],
)
def test_what_is_not_there_is_told_on_a_page(pages: TestClient, address: str, status: int) -> None:
    answer = pages.get(address)
    assert answer.status_code == status
    if address.count("%2f") == 0:
        assert "<h1>That did not work</h1>" in answer.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "nothing to look at"),
        ({"text": "x", "form": "magic"}, "is not one of auto, one"),
        ({"text": "x", "run": "none"}, "no run"),
        ({"text": "{", "form": "eve"}, "nothing in it can be looked at"),
        ({"text": "a,b\n1,2\n", "form": "csv"}, "no column payload or"),
        ({"text": "x" * (2**20 + 1)}, "more than 1,048,576"),
    ],
)
def test_what_cannot_be_read_is_told(pages: TestClient, fields: dict[str, str], says: str) -> None:
    answer = submitted(pages, **fields)
    assert answer.status_code == 422
    assert says in answer.text


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("address", ["/triage", "/audits", "/audits/x/decide"])
def test_forms_of_other_pages_are_refused(pages: TestClient, address: str, headers: dict[str, str]) -> None:
    assert pages.post(address, data={"text": "x"}, headers=headers).status_code == 403


def test_a_body_over_the_limit_is_refused(page_settings: Settings) -> None:
    small = Settings(runs=page_settings.runs, jobs=page_settings.jobs, limits=Limits(body_bytes=1000))
    with TestClient(create_app(small), base_url="http://127.0.0.1") as pages:
        assert submitted(pages, text="x" * 2000).status_code == 413


def test_a_browser_is_asked_for_a_key(page_settings: Settings, tmp_path: Any) -> None:
    secret = add_key(tmp_path / "keys.json", "me")
    keyed = Settings(runs=page_settings.runs, jobs=page_settings.jobs, keys=tmp_path / "keys.json")
    with TestClient(create_app(keyed), base_url="http://127.0.0.1") as pages:
        refused = pages.get("/triage")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
        assert pages.get("/triage", auth=("me", secret)).status_code == 200


def test_answers_go_out_as_files(pages: TestClient) -> None:
    answer = submitted(pages, text="UNION SELECT 1")
    base = str(answer.url)
    told = json.loads(pages.get(f"{base}/export/json").content)
    assert [one["id"] for one in told["answers"]] == ["payload"]
    assert pages.get(f"{base}/export/magic").status_code == 404
    refused = pages.get(f"{base}/export/navigator")
    assert refused.status_code == 422  # no technique among the answers
    assert "<h1>That did not work</h1>" in refused.text
    assert pages.get(base.rsplit("/", 1)[0] + "/7").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", b"id,request\n1,UNION SELECT\n2,GET /\n", 2),
        ("a.jsonl", b'{"payload": "UNION"}\n{"payload": "GET /"}\n', 2),
        ("a.jsonl", b'{"event_type": "alert", "payload_printable": "UNION"}\n', 1),
        ("raw", b"\x00\xff\x01 UNION", 1),
        ("a.csv", "id,\u202erequest\n".encode() + b"1,x\n", None),
    ],
)
def test_files_are_read_as_what_they_are(pages: TestClient, name: str, content: bytes, rows: int | None) -> None:
    answer = pages.post("/triage", data={"run": "payloads", "text": ""}, files={"file": (name, content)})
    if rows is None:
        assert answer.status_code == 422
        assert "\u202e" not in answer.text
        return
    assert answer.status_code == 200
    told = json.loads(pages.get(str(answer.url).removesuffix("/0") + "/export/json").content)
    assert len(told["answers"]) == rows


def test_a_decision_names_a_row(pages: TestClient) -> None:
    audit = link(pages, "/audits", "/audits/")
    for fields in (
        {},
        {"at": "0", "decision": "burn"},
        {"at": "99", "decision": "keep"},
        {"at": "x", "decision": "keep"},
    ):
        assert pages.post(f"{audit}/decide", data=fields).status_code == 422
    assert pages.get(audit, params={"by": "magic"}).status_code == 422
    assert pages.get(audit, params={"threshold": "nan"}).status_code == 422
    assert pages.get(audit, params={"show": "magic"}).status_code == 422


def test_the_last_decision_is_taken_back_from_the_next_pair(pages: TestClient) -> None:
    audit = link(pages, "/audits", "/audits/")
    row = re.search(r'name="at" value="(\d+)"', pages.get(audit).text)
    assert row is not None
    after = pages.post(f"{audit}/decide", data={"at": row[1], "decision": "drop"})
    assert "Take the last back" in after.text
    back = pages.post(f"{audit}/decide", data={"at": row[1], "decision": "open"})
    assert "Take the last back" not in back.text
    assert f'name="at" value="{row[1]}"' in back.text
    decisions = [json.loads(line)["decision"] for line in pages.get(f"{audit}/decisions.jsonl").text.splitlines()]
    assert decisions[-2:] == ["drop", "open"]
    for last in ("x", "9" * 30, "-1", "٣"):
        assert pages.get(audit, params={"last": last}).status_code == 200


def test_pictures_of_an_audit_are_encoded_anew_or_refused(pages: TestClient) -> None:
    audit = link(pages, "/audits", "/audits/")
    fine = pages.get(f"{audit}/picture/pair/0.png")
    assert fine.headers["content-type"] == "image/png"
    assert "sandbox" in fine.headers["content-security-policy"]
    assert pages.get(f"{audit}/picture/pair/{BROKEN}.png").status_code == 422
    assert pages.get(f"{audit}/picture/pair/999.png").status_code == 404
    assert pages.get(f"{audit}/picture/secret/0.png").status_code == 404


def test_reports_come_in_a_sandbox(pages: TestClient) -> None:
    audit = link(pages, "/audits", "/audits/")
    answer = pages.get(f"{audit}/report")
    assert answer.headers["content-security-policy"].split("; ")[-1].startswith("sandbox")
    assert "allow-scripts" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text


def test_a_table_is_audited_from_the_page(pages: TestClient, tmp_path: Any) -> None:
    write_pairs(tmp_path / "t.parquet", picture_pairs(30), modality="image")
    content = (tmp_path / "t.parquet").read_bytes()
    answer = pages.post("/audits", files={"file": (f"{SCRIPT}.parquet", content)})
    assert answer.status_code == 200
    assert SCRIPT not in answer.text
    until = time.monotonic() + 60
    while 'http-equiv="refresh"' in pages.get("/audits").text and time.monotonic() < until:
        time.sleep(0.1)
    listed = pages.get("/audits").text
    assert SCRIPT not in listed
    assert ".parquet</a>" in listed  # the uploader's name, not ours
    assert pages.post("/audits", files={"file": ("t.parquet", b"nothing")}).status_code == 422
    assert pages.post("/audits", data={"run": ""}).status_code == 422


def test_the_openapi_document_tells_of_no_page(pages: TestClient) -> None:
    paths = pages.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith(("/triage", "/audits", "/models", "/static"))]


def test_static_files_may_be_kept(pages: TestClient) -> None:
    address = link(pages, "/triage", "/static/page.css")
    answer = pages.get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert "@import" not in answer.text
    assert "url(" not in answer.text


def test_hidden_characters_are_spelled_out(pages: TestClient) -> None:
    answer = submitted(pages, text=f"UNION {HOSTILE}\x00")
    assert "\u202e" not in answer.text
    assert "‹U+202E›" in answer.text
    assert "‹NUL›" in answer.text


def test_probabilities_near_the_ends_are_never_whole() -> None:
    told = {0.0: "0.0%", 1e-7: "<0.1%", 0.004: "0.4%", 0.714: "71%", 0.996: "99.6%", 0.9999999: ">99.9%", 1.0: "100.0%"}
    assert {value: percent(value) for value in told} == told
