"""/v1/classify and /v1/models: the answers of the command line, over HTTP."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from fake_runs import fake_run
from starlette.testclient import TestClient

from threatclip.artifacts import write_json
from threatclip.experiments.tasks import load_classifier
from threatclip.pairs.image_samples import sample_posts
from threatclip.pairs.pair import Pair
from threatclip.service.app import create_app
from threatclip.service.settings import Settings

ATTACK = "GET /index.php?id=1' OR '1'='1 HTTP/1.1"


def test_answers_are_those_of_the_command_line(client: TestClient, runs: Path) -> None:
    pairs = [Pair(id="a", view=ATTACK.encode()), Pair(id="input:2", view=b"\xff\xfe\x00raw")]
    told = client.post(
        "/v1/classify",
        json={
            "run": "payload",
            "inputs": [{"id": "a", "payload": ATTACK}, {"payload_base64": base64.b64encode(pairs[1].view).decode()}],
        },
    )
    assert told.status_code == 200
    expected = load_classifier(runs / "payload").classify_pairs(pairs)
    found = told.json()
    assert (found["run"], found["model"], found["faults"]) == ("payload", expected[0]["model"], [])
    for answer, own in zip(found["answers"], expected, strict=True):
        assert answer == own


def test_a_post_with_its_picture_and_without(client: TestClient, runs: Path) -> None:
    post = next(pair for pair in sample_posts(20, seed=1, side=16) if pair.view and pair.caption)
    picture = base64.b64encode(post.view).decode()
    told = client.post(
        "/v1/classify",
        json={"inputs": [{"id": "p", "picture_base64": picture, "text": post.caption}, {"text": post.caption}]},
    )
    assert told.status_code == 200, told.text
    assert told.json()["run"] == "posts/events"
    both, words = told.json()["answers"]
    own = load_classifier(runs / "posts" / "events").classify_pairs(
        [Pair(id="p", view=post.view, caption=post.caption)]
    )
    assert both["answers"][0]["probability"] == pytest.approx(own[0]["answers"][0]["probability"], abs=1e-6)
    assert words["carried_by"]["half"] == "words"


def test_bad_inputs_are_told_or_left_out(client: TestClient) -> None:
    inputs = [{"payload": "GET /"}, {"text": "a sentence"}]
    told = client.post("/v1/classify", json={"run": "payload", "inputs": inputs})
    assert told.status_code == 422
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["faults"][0]["where"] == ["body", "inputs", 1]
    kept = client.post("/v1/classify", json={"run": "payload", "inputs": inputs, "skip_bad": True, "top": 2}).json()
    assert [len(answer["answers"]) for answer in kept["answers"]] == [2]
    assert "reads payloads" in kept["faults"][0]["reason"]


def test_models_are_listed_with_card_and_figures(client: TestClient) -> None:
    listed = client.get("/v1/models").json()["runs"]
    assert [(one["name"], one["kind"], one["reads"]) for one in listed] == [
        ("payload", "payload-weakness", "payload"),
        ("posts/events", "events", "image"),
    ]
    assert {"value", "low", "high"} <= set(listed[0]["validation"]["macro_f1"])
    one = client.get("/v1/models/posts/events").json()
    assert one["card"].startswith("---")
    absent = client.get("/v1/models/..%2f..%2fetc")
    assert absent.status_code == 404
    assert absent.json()["status"] == 404


def test_faults_are_those_of_the_kind_that_was_sent(client: TestClient) -> None:
    def told(inputs: object) -> list[tuple[list[object], str]]:
        faults = client.post("/v1/classify", json={"inputs": inputs}).json()["faults"]
        return [(fault["where"], fault["reason"]) for fault in faults]

    assert told([{"payload": 3}]) == [(["body", "inputs", 0, "payload"], "Input should be a valid string")]
    assert [where for where, _ in told([{"text": "a", "x": 1}])] == [["body", "inputs", 0, "x"]]
    for nothing in ({}, {"words": "a"}, "a", None, [], 3, {"caption": "a"}):
        ((where, reason),) = told([nothing])
        assert where == ["body", "inputs", 0]
        assert "one of payload, payload_base64, text, picture_base64" in reason


def test_a_body_that_is_not_announced_as_json_is_told_so(client: TestClient) -> None:
    answer = client.post("/v1/classify", content='{"inputs": [{"payload": "a"}]}', headers={"Content-Type": "text/xml"})
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_a_model_of_a_sweep_bears_the_figures_of_its_cell(tmp_path: Path) -> None:
    study = tmp_path / "runs" / "study"
    fake_run(study / "models" / "badnets-50-0")
    metric = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100}
    (study / "cells").mkdir()
    write_json(study / "cells" / "badnets-50-0.json", {"metrics": {"clean_accuracy_1": metric, "asr_1": metric}})
    with TestClient(
        create_app(Settings(runs=tmp_path / "runs", jobs=tmp_path / "jobs")), base_url="http://127.0.0.1"
    ) as client:
        (run,) = client.get("/v1/models").json()["runs"]
        assert (run["name"], run["test"]["asr_1"]) == ("study/models/badnets-50-0", metric)
        key = client.get("/models").text.partition('href="/models/')[2].partition('"')[0]
        assert "Success of attacks" in client.get(f"/models/{key}").text
