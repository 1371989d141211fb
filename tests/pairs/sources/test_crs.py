from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import BadRow
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Crs
from threatclip.pairs.sources.rows import Row, SkippedRow

RULE = """
---
meta:
  author: someone
rule_id: 942999
tests:
  - test_id: 1
    desc: a quote
    stages:
      - input:
          method: POST
          port: 80
          headers:
            Host: localhost
            Accept: yes
          uri: /post
          data: "id=1' OR '1'='1"
        output:
          log:
            expect_ids: [942999]
  - test_id: 2
    stages:
      - input: {uri: "/get?x=o'clock", version: ""}
        output: {log: {no_expect_ids: [942999]}}
      - input: {encoded_request: "R0VUIC//"}
        output: {status: 200}
"""
LEGACY = """
meta: {}
tests:
  - test_title: 941998-1
    stages:
      - stage:
          input: {method: GET, uri: /a, data: [x, y]}
          output: {log_contains: 'id "941998"'}
      - stage:
          input: {method: GET, uri: /b}
          output: {no_log_contains: 'id "941998"'}
"""


def read(path: Path, text: str) -> list[Row]:
    path.write_text(text)
    return list(Crs().read(path))


def test_tests_of_a_rule_become_pairs(tmp_path: Path) -> None:
    first, second, third = read(tmp_path / "942999.yaml", RULE)
    assert first == Pair(
        id="crs-942999-1-0",
        view=b"POST /post HTTP/1.1\nHost: localhost\nAccept: yes\n\nid=1' OR '1'='1",
        label="sql-injection",
        group="crs-942999",
        meta={"source": "crs", "rule": "942999", "expect": "match"},
    )
    assert isinstance(second, Pair)
    assert second.view == b"GET /get?x=o'clock \n"
    assert (second.label, second.meta["expect"]) == (None, "no-match")
    assert isinstance(third, Pair)
    assert third.view == base64.b64decode("R0VUIC//")
    assert (third.id, third.label, third.meta["expect"]) == ("crs-942999-2-1", None, "unknown")


def test_the_older_format_is_read_and_the_file_names_the_rule(tmp_path: Path) -> None:
    rows = read(tmp_path / "941998.yaml", LEGACY)
    assert [(row.id, row.label, row.view) for row in rows if isinstance(row, Pair)] == [
        ("crs-941998-941998-1-0", "xss", b"GET /a HTTP/1.1\n\nx\ny"),
        ("crs-941998-941998-1-1", None, b"GET /b HTTP/1.1\n"),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("meta: {}", SkippedRow, "not a rule test"),
        ("# only a comment", SkippedRow, "not a rule test"),
        ("tests: [1]", BadRow, "test 1 has no list of stages"),
        ("tests: [{test_id: 7, stages: [1]}]", BadRow, "has no input"),
        ("tests: [{test_id: 7, stages: [{input: {encoded_request: '!'}}]}]", BadRow, "not base64"),
        ("tests: [{test_id: 7, stages: [{input: {uri: {}}}]}]", BadRow, "uri is a dict, not text"),
        ("tests: [", BadRow, "not YAML"),
    ],
)
def test_what_is_no_test_is_told(tmp_path: Path, text: str, kind: type, reason: str) -> None:
    (row,) = read(tmp_path / "932000.yaml", text)
    assert type(row) is kind
    assert reason in row.reason  # type: ignore[union-attr]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=4,
    ),
    field=st.sampled_from(["uri", "method", "headers", "data", "version", "encoded_request", "log", "input", "output"]),
)
def test_any_value_in_any_key_is_a_row_not_an_exception(tmp_path: Path, value: object, field: str) -> None:
    request: dict[str, object] = {"uri": "/"}
    output: dict[str, object] = {"log": {"expect_ids": [1]}}
    stage: dict[str, object] = {"input": request, "output": output}
    {"input": stage, "output": stage, "log": output}.get(field, request)[field] = value
    text = yaml.safe_dump({"rule_id": 941000, "tests": [{"test_id": 1, "stages": [stage]}]})
    assert len(read(tmp_path / "941000.yaml", text)) == 1


def test_json_lines_are_read(tmp_path: Path) -> None:
    lines = [
        {"rule_id": "932100", "test_id": 3, "stage": 0, "expect": "match", "payload": "GET /;id"},
        {"rule_id": "932100", "test_id": 4, "stage": 0, "expect": "no-match", "payload": "GET /"},
        {"rule_id": "932100", "test_id": 5, "stage": 0, "expect": "match", "payload": ""},
    ]
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    attack, harmless, empty = Crs().read(path)
    assert isinstance(attack, Pair)
    assert (attack.id, attack.label) == ("crs-932100-3-0", "command-injection")
    assert isinstance(harmless, Pair)
    assert harmless.label is None
    assert isinstance(empty, SkippedRow)


@pytest.mark.data
def test_the_real_tests_are_read_whole(data_dir: Path) -> None:
    rows = list(Crs().read(data_dir / "payloads" / "crs_regression_payloads.jsonl.gz"))
    assert len(rows) == 5051
    expect = [row.meta["expect"] for row in rows if isinstance(row, Pair)]
    assert (expect.count("match"), expect.count("no-match")) == (4022, 994)
