"""The lenient reader of requests: nothing but line ends and blanks is lost, and what was written reads the same."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from request_cases import HOSTILE_STRUCTURE, conversations, views

from threatclip.pairs.http import Request, is_form, parse_requests, render_requests, unquoted

steady = settings(deadline=None, max_examples=60)


def without_blanks(view: bytes) -> bytes:
    return view.translate(None, b" \t\r\n")


@steady
@given(views)
@example(b"POST / HTTP/1.1\nHost: a\n\r\nb\r\n\r\nGET / HTTP/1.1")
@example(b"GET /\xe2\x80\x85 HTTP/1.1\nA: \xc3\xa0\nB: a\x0bc")
def test_every_byte_but_line_ends_and_blanks_survives_in_order(view: bytes) -> None:
    assert without_blanks(render_requests(parse_requests(view))) == without_blanks(view)


@steady
@given(views)
@example(b"foo\r\r\n\r\nGET / HTTP/1.1")
@example(b"GET / HTTP/1.1\nGET / HTTP/1.1\nHost: a\n\n\n\nGET / HTTP/1.1")
def test_what_was_rendered_parses_to_the_same_requests(view: bytes) -> None:
    requests = parse_requests(view)
    assert parse_requests(render_requests(requests)) == requests
    bare = tuple(request.without_headers() for request in requests)
    assert parse_requests(render_requests(bare)) == bare


@steady
@given(conversations, st.sampled_from(("\n", "\r\n")), st.integers(0, 2))
def test_well_formed_requests_come_back_whole(requests: tuple[Request, ...], end: str, n_leading: int) -> None:
    written = []
    for request in requests:
        head = [f"{request.method} {request.target} {request.version}", *(f"{k}: {v}" for k, v in request.headers)]
        written.append(end.join(head) + (2 * end + request.body if request.body else ""))
    view = n_leading * end + (2 * end).join(written)
    assert parse_requests(view.encode("latin-1")) == requests


@steady
@given(conversations)
def test_without_versions_the_same_requests_are_told(requests: tuple[Request, ...]) -> None:
    bare = tuple(replace(request, headers=(), version="") for request in requests)
    assert parse_requests(render_requests(bare)) == bare


def request(method: str, target: str, version: str = "HTTP/1.1", body: str = "", **headers: str) -> Request:
    return Request(
        method=method, target=target, version=version, body=body, headers=tuple((k, v) for k, v in headers.items())
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("\r\n\n", ()),
        ("<b>no request</b>", (request("", "", "", "<b>no request</b>"),)),
        ("cat /etc/hosts", (request("", "", "", "cat /etc/hosts"),)),
        ("SELECT * FROM t", (request("", "", "", "SELECT * FROM t"),)),
        ("GET out of here", (request("", "", "", "GET out of here"),)),
        ("GET /", (request("GET", "/", ""),)),
        ("\r\nGET / HTTP/1.1\r\n\r\n", (request("GET", "/"),)),
        ("SELECT * HTTP/1.1", (request("SELECT", "*"),)),
        ("OPTIONS *", (request("OPTIONS", "*", ""),)),
        ("get x HTTP/1.0", (request("get", "x", "HTTP/1.0"),)),
        ("GET /a b  c HTTP/1.1", (request("GET", "/a b  c"),)),
        ("GET / HTTP/1.1 # note", (request("GET", "/ HTTP/1.1 # note", ""),)),
        ("POST /x HTTP/1.1\n\na=1", (request("POST", "/x", body="a=1"),)),
        ("POST /x HTTP/1.1\r\n\r\na=1", (request("POST", "/x", body="a=1"),)),
        ("POST /x\n\na=1\n\nPUT /y", (request("POST", "/x", "", "a=1"), request("PUT", "/y", ""))),
        # the head ends at its own blank line, whatever line ends the body has
        ("POST / HTTP/1.1\nHost: h\n\na\r\n\r\nb", (request("POST", "/", body="a\r\n\r\nb", Host="h"),)),
        ("POST / HTTP/1.1\r\nHost: h\r\n\r\na\n\nb", (request("POST", "/", body="a\n\nb", Host="h"),)),
        # without a blank line, the first line that is no header begins the body
        ("POST / HTTP/1.1\nHost: h\nlog=a&pwd=b:c", (request("POST", "/", body="log=a&pwd=b:c", Host="h"),)),
        ('POST / HTTP/1.1\n<?xml a="u:v"?>', (request("POST", "/", body='<?xml a="u:v"?>'),)),
        ("GET /1 HTTP/1.1\nGET /2 HTTP/1.1\nHost: h", (request("GET", "/1"), request("GET", "/2", Host="h"))),
        ("GET / HTTP/1.1\nA: 1\n\t2:\n  3\nB:4", (request("GET", "/", A="1 2: 3", B="4"),)),
        ("GET / HTTP/1.1\nHost : h \nEmpty:", (request("GET", "/", Host="h", Empty=""),)),
        ("say\n\nGET / HTTP/1.1", (request("", "", "", "say"), request("GET", "/"))),
        ("POST / HTTP/1.1\n\none\n\nGET two\n\nthree", (request("POST", "/", body="one\n\nGET two\n\nthree"),)),
        ("POST / HTTP/1.1\n\nin\nGET / HTTP/1.1", (request("POST", "/", body="in\nGET / HTTP/1.1"),)),
    ],
)
def test_how_a_view_is_read(text: str, expected: tuple[Request, ...]) -> None:
    assert parse_requests(text.encode("latin-1")) == expected


def test_parts_of_a_target() -> None:
    one = request("GET", "http://h.test:80/a/b?c=d?e", Host="H", host="second")
    assert (one.path, one.endpoint, one.query) == ("http://h.test:80/a/b", "/a/b", "c=d?e")
    assert one.header("host") == "H"
    assert one.header("cookie") == ""
    assert one.with_query("").target == "http://h.test:80/a/b?"
    assert request("GET", "/a").with_query("b=c").target == "/a"
    assert request("GET", "//host/a").endpoint == "//host/a"


def test_the_version_stays_where_the_line_needs_it() -> None:
    for target in ("x", "?a=b", "* a", "/a HTTP/1.0"):
        assert request("GET", target, A="b").without_headers() == request("GET", target)
    assert request("FOO", "/a").without_headers().version == "HTTP/1.1"
    assert request("GET", "/a HTTP/1").without_headers() == request("GET", "/a HTTP/1")
    assert request("GET", "/a b").without_headers().version == ""


@pytest.mark.parametrize(
    ("kind", "body", "form"),
    [
        (None, "a=1", True),
        (None, "a[b]=1&c=%27\r\n", True),
        (None, '{"a": "b=c"}', False),
        (None, "a=1\nb=2", False),
        (None, "plain", False),
        (None, "", False),
        ("application/x-www-form-urlencoded; charset=UTF-8", "a=1\nb", True),
        ("application/x-www-form-urlencoded", ' {"a": "b=c"}', False),
        ("application/x-www-form-urlencoded", "<a b='c'/>", False),
        ("application/x-www-form-urlencoded", "whoami", False),
        ("application/x-www-form-urlencoded", "", False),
        ("text/plain", "a=1", False),
    ],
)
def test_which_bodies_are_forms(kind: str | None, body: str, form: bool) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    assert is_form(request("POST", "/", body=body, **headers)) is form


@steady
@given(st.binary(max_size=60), st.integers(0, 3))
@example(b"%2525%2b+%zz%4", 2)
def test_unquoting_is_so_many_rounds_of_unquoting(view: bytes, levels: int) -> None:
    plain = view
    for _ in range(levels):
        plain = unquote_to_bytes(plain.replace(b"+", b" "))
    assert unquoted(view, levels=levels) == plain
    assert len(plain) <= len(view)


@pytest.mark.parametrize("name", HOSTILE_STRUCTURE)
def test_a_hostile_megabyte_is_read_in_linear_time(name: str) -> None:
    began = time.process_time()
    view = HOSTILE_STRUCTURE[name]
    requests = parse_requests(view)
    assert without_blanks(render_requests(requests)) == without_blanks(view)
    unquoted(view)
    assert time.process_time() - began < 8  # seconds; quadratic time would take hours
