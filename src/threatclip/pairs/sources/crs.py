"""Regression tests of web firewall rules in the ftw format of the OWASP Core Rule Set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.errors import BadRow
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, json_records, rows_of
from threatclip.pairs.sources.values import as_text, from_base64, to_utf8
from threatclip.pairs.sources.yaml_files import is_yaml, yaml_records

# the rule family, by the first three digits of a rule's number; families of answers and of set-up have no class
_FAMILIES = {
    "913": "scanner",
    "920": "protocol-enforcement",
    "921": "protocol-attack",
    "922": "protocol-attack",
    "930": "path-traversal",
    "931": "path-traversal",
    "932": "command-injection",
    "933": "code-injection",
    "934": "code-injection",
    "941": "xss",
    "942": "sql-injection",
    "943": "session-fixation",
    "944": "code-injection",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crs:
    """A folder of test files, one test file, or JSON Lines with `rule_id test_id stage expect payload`.

    `meta.expect` is "match", "no-match" (a harmless look-alike) or "unknown"; only what must match has a label: the
    class of its rule family, or `threat_class` in JSON Lines.
    """

    kind: Literal["crs"] = "crs"
    modality: ClassVar[Modality] = "payload"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every stage of every test.

        Raises:
            InputError: an unusable file or folder.
        """
        if path.is_dir() or is_yaml(path):
            yield from rows_of(_stages(yaml_records(path)), _stage_pair)
        else:
            yield from rows_of(json_records(path), _json_pair)


def _json_pair(record: Record) -> Pair:
    row = record.value
    payload = as_text(row.get("payload"), what="payload")
    if payload is None:
        raise NoPair("no payload")
    parts = [as_text(row.get(name), what=name) or "" for name in ("rule_id", "test_id", "stage")]
    expect = as_text(row.get("expect"), what="expect") or "unknown"
    label = as_text(row.get("threat_class"), what="threat_class") or _FAMILIES.get(parts[0][:3])
    return _pair("-".join(parts), to_utf8(payload, what="payload"), parts[0], expect, label)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    rule: str
    test: str
    number: int
    content: Mapping[str, Any]


def _stages(records: Iterable[Record | BadRow]) -> Iterator[Record | BadRow]:
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        tests = record.value.get("tests") if isinstance(record.value, dict) else None
        if not isinstance(tests, list):
            yield Record(path=record.path, line=1, value=None)
            continue
        rule = str(record.value.get("rule_id") or record.path.stem)
        for place, test in enumerate(tests, start=1):
            stages = test.get("stages") if isinstance(test, dict) else None
            if not isinstance(stages, list):
                yield BadRow(path=str(record.path), line=1, reason=f"test {place} has no list of stages")
                continue
            title = str(test.get("test_id") or test.get("test_title") or place)
            for number, stage in enumerate(stages):
                content = stage.get("stage", stage) if isinstance(stage, dict) else {}
                value = _Stage(rule=rule, test=title, number=number, content=content)
                yield Record(path=record.path, line=1, value=value)


def _stage_pair(record: Record) -> Pair:
    if record.value is None:
        raise NoPair("not a rule test: no list of tests")
    stage: _Stage = record.value
    name = f"{stage.rule}-{stage.test}-{stage.number}"
    request = stage.content.get("input") if isinstance(stage.content, dict) else None
    if not isinstance(request, dict):
        raise RowFault(f"{name} has no input")
    output = stage.content.get("output")
    expect = _expectation(output if isinstance(output, dict) else {}, stage.rule)
    return _pair(name, _request_bytes(request), stage.rule, expect, _FAMILIES.get(stage.rule[:3]))


def _request_bytes(request: Mapping[str, Any]) -> bytes:
    whole = as_text(request.get("encoded_request"), what="encoded_request")
    if whole is not None:
        return from_base64(whole, what="encoded_request")
    method = as_text(request.get("method"), what="method") or "GET"
    uri = as_text(request.get("uri"), what="uri") or "/"
    version = request.get("version", "HTTP/1.1")  # an empty one is a test of its own
    headers = request.get("headers")
    named = headers.items() if isinstance(headers, dict) else ()
    lines = [f"{method} {uri} {version}", *(f"{name}: {value}" for name, value in named)]
    head = to_utf8("\n".join(lines) + "\n", what="the request")
    coded = as_text(request.get("encoded_data"), what="encoded_data")
    body = from_base64(coded, what="encoded_data") if coded else to_utf8(_body(request.get("data")), what="data")
    return head + b"\n" + body if body else head


def _body(data: Any) -> str:
    if isinstance(data, list):
        return "\n".join(str(line) for line in data)
    return as_text(data, what="data") or ""


def _expectation(output: Mapping[str, Any], rule: str) -> str:
    log = output.get("log")
    log = log if isinstance(log, dict) else {}
    legacy = f'id "{rule}"'  # how the format said it before there were lists of ids
    if log.get("expect_ids") or log.get("match_regex") or legacy in str(output.get("log_contains", "")):
        return "match"
    if log.get("no_expect_ids") or log.get("no_match_regex") or legacy in str(output.get("no_log_contains", "")):
        return "no-match"
    return "unknown"


def _pair(name: str, view: bytes, rule: str, expect: str, label: str | None) -> Pair:
    return Pair(
        id=f"crs-{name}",
        view=view,
        label=label if expect == "match" else None,
        group=f"crs-{rule}",
        meta={"source": "crs", "rule": rule, "expect": expect},
    )
