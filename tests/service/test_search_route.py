"""/v1/search: known cases by payload and by words, from the run that the index was built with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import write_pairs
from threatclip.service.app import create_app
from threatclip.service.settings import Settings

pytest.importorskip("lancedb", reason="search needs the extra index")


@pytest.fixture(scope="module")
def index(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An index of 60 payloads."""
    from threatclip.experiments.searching import open_case_encoder
    from threatclip.index.build import build_index
    from threatclip.index.cases import case_tables

    folder = tmp_path_factory.mktemp("index")
    write_pairs(folder / "known.parquet", sample_pairs(n=60, seed=0), modality="payload")
    encoder = open_case_encoder(str(runs / "payload"))
    list(build_index(str(folder / "cases"), case_tables([folder / "known.parquet"]), encoder=encoder))
    return str(folder / "cases")


@pytest.fixture
def client(runs: Path, index: str, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(runs=runs, jobs=tmp_path / "jobs", indexes=(f"known={index}",))
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client


def test_cases_are_found_filtered_and_refused(client: TestClient) -> None:
    known = list(sample_pairs(n=60, seed=0))[7]
    queries = [{"id": "same", "payload": known.view.decode("latin-1")}, {"text": "SQL injection in a login form"}]
    told = client.post("/v1/search", json={"queries": queries, "k": 3})
    assert told.status_code == 200, told.text
    found = told.json()
    assert (found["index"], found["exact"]) == ("known", True)
    same, words = found["answers"]
    assert (same["query"], words["query"]) == ("same", "query:2")
    assert same["hits"][0]["score"] == pytest.approx(1, abs=1e-3)
    assert len(words["hits"]) == 3
    only = {"labels": [known.label], "sources": ["known"]}
    kept = client.post("/v1/search", json={"queries": queries, "only": only}).json()
    assert {hit["label"] for one in kept["answers"] for hit in one["hits"]} == {known.label}
    for asked, status in (
        ({"queries": queries, "index": "no such"}, 404),
        ({"queries": queries, "only": {"since": "tomorrow"}}, 422),
        ({"queries": [{"picture_base64": "AAAA"}]}, 422),
        ({"queries": []}, 422),
        ({"queries": queries, "k": 0}, 422),
    ):
        wrong = client.post("/v1/search", json=asked)
        assert (wrong.status_code, wrong.headers["content-type"]) == (status, "application/problem+json"), asked


def test_an_index_of_a_model_that_is_not_served_is_told(index: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    settings = Settings(runs=tmp_path / "runs", jobs=tmp_path / "jobs", indexes=(index,))
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        assert client.get("/v1/indexes").json() == {"indexes": ["cases"]}
        told = client.post("/v1/search", json={"queries": [{"payload": "a"}]})
    assert told.status_code == 422
    assert "not among the runs" in told.json()["detail"]


def test_the_page_shows_cases_of_an_index_that_reads_such_inputs(client: TestClient) -> None:
    answer = client.post("/triage", data={"run": "payload", "text": "GET /?id=1 HTTP/1.1"})
    assert "in the index known" in answer.text
    post = client.post("/triage", data={"run": "posts/events", "text": "water in the streets"})
    assert "of what posts/events learned from" in post.text
