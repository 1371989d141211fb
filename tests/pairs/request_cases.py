"""Requests for tests: pieces that parsers trip over, well-formed requests, and one-megabyte hostile views."""

from __future__ import annotations

from hypothesis import strategies as st

from threatclip.pairs.http import Request

PIECES = (
    "GET / HTTP/1.1",
    "POST /a?b=c&d=%3Ce%3E HTTP/1.0",
    "PUT /no/version",
    "get http://h.test/x HTTP/2",
    "M-SEARCH * HTTP/1.1",
    "GET  /two  HTTP/1.1 ",
    "GET /a HTTP/1.0 HTTP/1.1",
    "FOO bar HTTP/1.1",
    "FOO bar",
    "Host: a.test",
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Type: application/json",
    "X-Odd :  v",
    " folded",
    "no header at all",
    "a=1&b=%27&c&=d",
    '{"k": [1, "v"]}',
    "\n",
    "\r\n",
    "\n\n",
    "\r\n\r\n",
    "\r",
    " ",
    "\t",
    ":",
    "?",
    "&",
    "=",
    "%",
    "../",
    "//",
    "\x00",
    "\x0b",
    "\x1c",
    "\x85",
    "\xa0",
    "\xe9",
    "alert(",
    "%3Cscript%3Ealert%281%29",
    ";id;",
    "sleep(5)",
)

pieced_views = st.lists(st.sampled_from(PIECES), max_size=14).map(lambda parts: "".join(parts).encode("latin-1"))
views = st.one_of(st.binary(max_size=200), pieced_views, st.tuples(pieced_views, st.binary(max_size=30)).map(b"".join))

_word = st.text("abcdefgh", min_size=1, max_size=6)
_value = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20)
_header = st.tuples(st.sampled_from(("Host", "Cookie", "X-Own")), _value.map(lambda text: text.strip(" \t")))
_form = st.lists(st.tuples(_word, _word), min_size=1, max_size=3).map(
    lambda rows: "&".join(f"{a}={b}" for a, b in rows)
)
_multipart = st.lists(_value, min_size=1, max_size=3).map(
    lambda values: (
        "".join(f'--b1\r\nContent-Disposition: form-data; name="f"\r\n\r\n{value}\r\n' for value in values) + "--b1--"
    )
)
_json = st.lists(_word, max_size=3).map(lambda words: '{"words":\n\n["' + '", "'.join(words) + '"]}')

requests = st.builds(
    Request,
    method=st.sampled_from(("GET", "POST", "DELETE", "PROPFIND")),
    target=st.lists(_word, min_size=1, max_size=3).map(lambda words: "/" + "/".join(words) + "?" + words[0] + "=1"),
    version=st.sampled_from(("HTTP/1.1", "HTTP/1.0", "HTTP/2")),
    headers=st.lists(_header, max_size=3).map(tuple),
    body=st.one_of(st.just(""), _form, _multipart, _json),
)
conversations = st.lists(requests, min_size=1, max_size=4).map(tuple)

MEGABYTE = 1_000_000


def megabyte(unit: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a view of a million bytes that is one piece over and over."""
    n_bytes = MEGABYTE - len(before) - len(after)
    return before + (unit * (n_bytes // len(unit) + 1))[:n_bytes] + after


_TARGET = {"before": b"GET /x?", "after": b" HTTP/1.1"}
_HEAD = b"POST /x HTTP/1.1\nHost: a.test\n"
_FORM_HEAD = _HEAD + b"Content-Type: application/x-www-form-urlencoded\n\na="
HOSTILE_STRUCTURE = {
    "blank lines": megabyte(b"\n"),
    "request lines": megabyte(b"GET / HTTP/1.1\n"),
    "requests": megabyte(b"GET /a?b=%63 HTTP/1.1\n\n"),
    "headers": megabyte(b"a:b\n", before=_HEAD),
    "folded headers": megabyte(b" a\n", before=_HEAD),
    "carriage returns": megabyte(b"\r", before=_HEAD),
    "slashes": megabyte(b"/", before=b"GET ", after=b"x HTTP/1.1"),
    "climbs": megabyte(b"%2E.//", before=b"GET ", after=b" HTTP/1.1"),
    "parameters": megabyte(b"a=<&", **_TARGET),
    "flags": megabyte(b"&;", **_TARGET),
    "high bytes": megabyte(b"\xff\x85\xa0", **_TARGET),
    "form": megabyte(b"b&", before=_FORM_HEAD),
    "escapes": megabyte(b"%25", before=_FORM_HEAD),
}
_HOSTILE_UNITS = ["a", "%", "%25", "a.", "%2Fa.oast"]
_HOSTILE_UNITS += ["alert(", "alert ", "etc%252f.", "sleep %28", "cmd: ", "| "]
HOSTILE_MARKERS = {unit: megabyte(unit.encode()) for unit in _HOSTILE_UNITS}
