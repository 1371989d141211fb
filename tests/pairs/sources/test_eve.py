from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import BadRow
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Eve
from threatclip.pairs.sources.rows import Row, SkippedRow

RAW = b"GET /\x00\xff HTTP/1.1\r\n\r\n"


def read(tmp_path: Path, *events: object, end: bytes = b"\n") -> list[Row]:
    path = tmp_path / "eve.json"
    path.write_bytes(b"\n".join(event if isinstance(event, bytes) else orjson.dumps(event) for event in events) + end)
    return list(Eve().read(path))


def test_the_base64_payload_comes_before_the_printable_one_before_the_http_fields(tmp_path: Path) -> None:
    event = {
        "timestamp": "2021-02-03T04:05:06.123456+0000",
        "flow_id": 42,
        "event_type": "alert",
        "src_ip": "192.0.2.1",
        "dest_port": 80,
        "alert": {"signature": "a rule", "signature_id": 7},
        "payload": base64.b64encode(RAW).decode(),
        "payload_printable": "GET /.. HTTP/1.1",
        "http": {"url": "/x", "hostname": "h"},
    }
    bare = {name: value for name, value in event.items() if name != "payload"}
    last = {name: value for name, value in bare.items() if name != "payload_printable"}
    rows = read(tmp_path, event, bare, last)
    assert [row.view for row in rows if isinstance(row, Pair)] == [
        RAW,
        b"GET /.. HTTP/1.1",
        b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
    ]
    first = rows[0]
    assert isinstance(first, Pair)
    assert first.id == "42:1"
    assert first.time == datetime(2021, 2, 3, 4, 5, 6, 123456, tzinfo=UTC)
    assert first.meta == {
        "source": "eve",
        "payload_from": "payload",
        "event_type": "alert",
        "src_ip": "192.0.2.1",
        "dest_port": "80",
        "signature": "a rule",
        "signature_id": "7",
    }


def test_a_request_is_rebuilt_from_the_http_fields(tmp_path: Path) -> None:
    http = {
        "http_method": "POST",
        "url": "/a?b=1",
        "protocol": "HTTP/1.0",
        "hostname": "h.test",
        "http_user_agent": "agent",
        "http_refer": "http://r.test/",
        "http_content_type": "text/html",
        "request_headers": [{"name": "X-A", "value": "1"}, {"name": "user-agent", "value": "real"}, 3],
        "http_request_body": base64.b64encode(b"x=\xff").decode(),
        "http_request_body_printable": "x=.",
        "status": 200,
    }
    (row,) = read(tmp_path, {"event_type": "http", "http": http})
    assert isinstance(row, Pair)
    assert row.id == "eve:1"
    assert row.view == (
        b"POST /a?b=1 HTTP/1.0\r\nHost: h.test\r\nReferer: http://r.test/\r\nContent-Type: text/html\r\n"
        b"X-A: 1\r\nuser-agent: real\r\n\r\nx=\xff"
    )
    del http["http_request_body"]
    (row,) = read(tmp_path, {"http": http})
    assert isinstance(row, Pair)
    assert row.view.endswith(b"\r\n\r\nx=.")


def test_events_without_a_payload_are_skipped_and_broken_ones_are_bad(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        {"event_type": "stats"},
        {"event_type": "alert", "payload": "not base64!"},
        {"event_type": "alert", "payload": 7.5, "payload_printable": {}},
        {"http": "text"},
        {"http": {"url": "/", "http_request_body": "?"}},
        {"payload_printable": "x", "timestamp": "noon"},
        b'{"payload_printable": "\\ud800"}',
        b"\xff\xfe",
        b'{"timestamp": "2021-02-03T04:05:0',
        end=b"",
    )
    assert isinstance(rows[0], SkippedRow)
    assert rows[0].reason == "the event has neither payload, payload_printable nor http.url"
    assert all(isinstance(row, BadRow) for row in rows[1:])
    assert rows[-1].reason.startswith("the last line is cut off")  # type: ignore[union-attr]
    assert [row.line for row in rows] == list(range(1, 10))  # type: ignore[union-attr]


def test_gzip_is_read_and_its_break_is_told(tmp_path: Path) -> None:
    path = tmp_path / "eve.json.gz"
    whole = gzip.compress(b'{"payload_printable": "x"}\n' * 3)
    path.write_bytes(whole)
    assert len(list(Eve().read(path))) == 3
    path.write_bytes(whole[:-4])
    assert [type(row) for row in Eve().read(path)] == [Pair, Pair, Pair, BadRow]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    event=st.dictionaries(
        st.sampled_from(["timestamp", "flow_id", "payload", "payload_printable", "alert", "http", "src_ip"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["url", "hostname", "request_headers", "http_request_body", "name"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=4,
        ),
    )
)
def test_any_event_is_a_row_not_an_exception(tmp_path: Path, event: dict[str, object]) -> None:
    try:
        line = orjson.dumps(event)
    except TypeError:  # a lone surrogate: orjson refuses to write it
        return
    assert len(read(tmp_path, line)) == 1


@pytest.mark.data
def test_the_real_streams_are_read_whole(data_dir: Path) -> None:
    rows = list(Eve().read(data_dir / "suricata" / "suricata_verify_http_requests.eve.jsonl.gz"))
    assert len(rows) == 804
    assert all(isinstance(row, Pair) and row.meta["payload_from"] == "payload" for row in rows)
