"""Probes: pure functions that remove or swap what a model should not need (spec of the shortcut score S).

Each maps a payload view to a view and is deterministic: whatever it draws at random is seeded by the SHA-256 of its
input. A probe used as a training view no longer measures anything, so `marker_swap` and `STRESS_PROBES` are never
offered to training.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import quote

import numpy as np

from threatclip.pairs.http import (
    STANDARD_HEADERS,
    Request,
    form_fields,
    is_form,
    parse_requests,
    render_requests,
)

Probe = Callable[[bytes], bytes]

_ATTACK_CHARACTERS = re.compile(r"[^\w./~@-]|\.\.|%[0-9A-Fa-f]{2}|//|/\.[a-z]", re.ASCII)
_WORDS = tuple(
    "account archive basket board catalog center client content detail device entry event file folder form gallery "
    "group home image invoice item ledger list login mail manage member menu news note order page panel partner portal "
    "post price print product profile project query record report request result review route sale search section "
    "service setting shop site stock store survey system table task team ticket update user vendor view".split()
)
_NAMES = tuple("a arg c data f field id in input k key name nr opt p param q ref s sel t target v val value x".split())
_EXTENSIONS = ("", "", "", ".php", ".asp", ".aspx", ".jsp", ".do", ".cgi", ".html", ".json")
_HOSTS = ("www.example.com", "example.org", "app.example.net", "192.0.2.10", "198.51.100.24:8080")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64)"


def _generator(view: bytes, name: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(name.encode() + b"\x00" + view).digest()))


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def no_headers(view: bytes) -> bytes:
    """Keep method, path, query and body of each request."""
    return render_requests(tuple(replace(r, headers=(), version="") for r in parse_requests(view)))


def endpoint_only(view: bytes) -> bytes:
    """Keep method and path only: the negative control, which must not tell the class."""
    requests = (r for r in parse_requests(view) if r.method)
    return render_requests(tuple(replace(r, target=r.path, headers=(), version="", body="") for r in requests))


def request_values(request: Request) -> list[str]:
    """Return what the sender chose in one request, undecoded.

    Query values, form values or the raw body, values of non-standard headers, and path segments that hold attack
    characters. Parameter names, the plain endpoint and standard headers are left out.
    """
    if not request.method:
        return [request.body]
    values = [segment for segment in _attack_segments(request.path) if segment]
    values += [value or name for name, value in form_fields(request.query)]
    values += [value for name, value in request.headers if name.lower() not in STANDARD_HEADERS]
    if request.body:
        values += [value for _, value in form_fields(request.body)] if is_form(request) else [request.body]
    return [value for value in values if value.strip()]


def _attack_segments(path: str) -> list[str]:
    hit = _ATTACK_CHARACTERS.search(path)
    if hit is None:
        return []
    start = path.rfind("/", 0, hit.start() + 1) + 1
    return [path[start:] if ".." in path[start:] else segment for segment in path[start:].split("/", 1)[:1]]


def values_only(view: bytes) -> bytes:
    """Keep the values of every request, one a line."""
    values = [value for request in parse_requests(view) for value in request_values(request)]
    return "\n".join(values).encode("latin-1")


def template_swap(view: bytes) -> bytes:
    """Put the values of a view into one new random request: other path, names, method, host and agent."""
    rng = _generator(view, "template_swap")
    values = [value for request in parse_requests(view) for value in request_values(request)]
    return framed(values, rng)


def framed(values: list[str], rng: np.random.Generator) -> bytes:
    """Return one random request that carries `values`: short ones as parameters, a raw body as the body."""
    path = "/" + "/".join(_pick(_WORDS, rng) for _ in range(int(rng.integers(1, 4)))) + _pick(_EXTENSIONS, rng)
    raw = [value for value in values if "\n" in value or value.lstrip()[:1] in ("{", "<", "[")]
    short = [value for value in values if value not in raw]
    fields = "&".join(f"{_pick(_NAMES, rng)}={_as_field(value)}" for value in short)
    headers = [("Host", _pick(_HOSTS, rng)), ("User-Agent", _AGENT)]
    in_body = not raw and bool(rng.integers(2))
    method = "POST" if raw or in_body else "GET"
    if in_body:
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    request = Request(
        method=method, target=path, version="HTTP/1.1", headers=tuple(headers), body="\n".join(raw) or fields * in_body
    )
    return render_requests((request.with_target(path, "" if in_body else fields),))


def _as_field(value: str) -> str:
    """Escape only what would break the request line or the parameter: the value's own encoding is evidence."""
    return quote(value, safe="".join(map(chr, range(0x21, 0x7F))).replace("&", "").replace("#", ""), encoding="latin-1")


_OPEN = r"(?:\(|%28)"
_CALLBACK = re.compile(
    r"[\w.-]+\.(?:x-listen|cb-one|pingback|oobnet)\.test|[\w.-]*\b(?:oast|interact|burpcollaborator|evil)\.\w+"
    r"|\b(?:www\.)?example\.com"
)
_MARKERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"document(\.|%2e)domain", r"top\1name"),
        (rf"\balert(?={_OPEN}|`|%60)", "confirm"),
        (r"(etc(?:/|%2f|%252f|\\|%5c)+)passwd", r"\1hostname"),
        (r"windows(?:/|%2f|%252f|\\|%5c)+win\.ini", "boot.ini"),
        (rf"\bsleep\s*{_OPEN}\s*(\d+)", r"BENCHMARK(\g<1>000000,SHA1(1)"),
        (rf"\bmd5(?={_OPEN})", "crc32"),
        (r"wp-content/(?:plugins|themes)", "modules/extra"),
        (r"wp-admin/admin-ajax\.php", "backend/async.php"),
        (r"wp-admin|wp-login\.php", "backend"),
        (r"wp-(?:json|includes|content)", "library"),
        (r"(?<=[;|`(&=\s])id(?=$|[;|`)&\s])|(?<=%3b|%7c|%60|%28)id(?=$|%3b|%7c|%60|%29|[;|`)&\s])", "whoami"),
    )
)


def marker_swap(view: bytes) -> bytes:
    """Swap the strings that are test authors' habits for others that do the same: the attack stays what it was."""
    text = _CALLBACK.sub("attacker.test", view.decode("latin-1"))
    for pattern, replacement in _MARKERS:
        text = pattern.sub(replacement, text)
    return text.encode("latin-1")


def double_encode(view: bytes) -> bytes:
    """Percent-encode every percent sign of targets and form bodies once more."""
    return _map_fields(view, lambda text: text.replace("%", "%25"))


def case_flip(view: bytes) -> bytes:
    """Flip the case of letters at random in decoded values: keywords of SQL and HTML do not mind."""
    rng = _generator(view, "case_flip")
    return _map_fields(
        view,
        lambda text: "".join(c.swapcase() if c.isascii() and c.isalpha() and rng.random() < 0.5 else c for c in text),
    )


def sql_comments(view: bytes) -> bytes:
    """Write every blank inside a value as an SQL comment."""
    return _map_fields(view, lambda text: re.sub(r"\+|%20|(?<=\S) (?=\S)", "/**/", text))


def parameter_order(view: bytes) -> bytes:
    """Shuffle the parameters of queries and form bodies."""
    rng = _generator(view, "parameter_order")

    def shuffled(text: str) -> str:
        pieces = text.split("&")
        return "&".join(pieces[i] for i in rng.permutation(len(pieces)))

    requests = []
    for request in parse_requests(view):
        body = shuffled(request.body) if request.body and is_form(request) else request.body
        requests.append(replace(request.with_target(request.path, shuffled(request.query)), body=body))
    return render_requests(tuple(requests))


def dilution(view: bytes) -> bytes:
    """Put 200 harmless characters before and behind: one leading and one trailing ordinary request."""
    rng = _generator(view, "dilution")
    filler = ["&".join(f"{_pick(_NAMES, rng)}={_pick(_WORDS, rng)}" for _ in range(40))[:170] for _ in range(2)]
    first, last = (f"GET /{_pick(_WORDS, rng)}?{text} HTTP/1.1".encode() for text in filler)
    return first + b"\n\n" + view + b"\n\n" + last


def host_change(view: bytes) -> bytes:
    """Name another host in every request's Host header."""
    rng = _generator(view, "host_change")
    return render_requests(
        tuple(
            replace(r, headers=tuple((k, _pick(_HOSTS, rng) if k.lower() == "host" else v) for k, v in r.headers))
            for r in parse_requests(view)
        )
    )


def _map_fields(view: bytes, change: Callable[[str], str]) -> bytes:
    """Apply `change` to every query value and form value (or raw body), leaving names and structure alone."""

    def fields(text: str) -> str:
        return "&".join(f"{name}={change(value)}" if "=" in piece else piece for piece, name, value in _pieces(text))

    requests = []
    for request in parse_requests(view):
        body = fields(request.body) if request.method and is_form(request) else change(request.body)
        requests.append(replace(request.with_target(request.path, fields(request.query)), body=body))
    return render_requests(tuple(requests))


def _pieces(text: str) -> list[tuple[str, str, str]]:
    return [(piece, piece.partition("=")[0], piece.partition("=")[2]) for piece in text.split("&")]


PROBES: Mapping[str, Probe] = MappingProxyType(
    {
        "no_headers": no_headers,
        "endpoint_only": endpoint_only,
        "values_only": values_only,
        "template_swap": template_swap,
        "marker_swap": marker_swap,
    }
)
"""The five probes of the shortcut score; `endpoint_only` is its negative control."""

STRESS_PROBES: Mapping[str, Probe] = MappingProxyType(
    {
        "double_encode": double_encode,
        "case_flip": case_flip,
        "sql_comments": sql_comments,
        "parameter_order": parameter_order,
        "dilution": dilution,
        "host_change": host_change,
    }
)
"""Further perturbations, reported beside the score and never trained on."""
