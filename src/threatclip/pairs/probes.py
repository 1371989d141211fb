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

from threatclip.pairs.http import STANDARD_HEADERS, Request, is_form, parse_requests, render_requests
from threatclip.pairs.markers import marker_swap

Probe = Callable[[bytes], bytes]

_ATTACK_CHARACTERS = re.compile(r"[^\w./~@-]|\.\.|//|/\.[a-z]", re.ASCII)
_PARENT_FOLDER = re.compile(r"(?:\.|%(?:25)*2e){2}", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"(?!-)(?:[\w.:@~\[\]-]|%5[bBdD])*", re.ASCII)
_KEPT_IN_FIELDS = "".join(map(chr, range(0x21, 0x7F))).replace("&", "").replace("#", "")
"""Only what would break the request line or the parameter is escaped: the value's own encoding is evidence."""
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
    """Keep method, path, query and body of each request; what is left parses to the same requests."""
    return render_requests(tuple(request.without_headers() for request in parse_requests(view)))


def endpoint_only(view: bytes) -> bytes:
    """Keep method and path only: the negative control, which must not tell the class."""
    requests = (replace(r, target=r.endpoint, body="") for r in parse_requests(view) if r.method)
    return render_requests(tuple(request.without_headers() for request in requests))


def request_values(request: Request) -> list[str]:
    """Return what the sender chose in one request, undecoded.

    Query values, form values or the raw body, values of non-standard headers, and the path from the first segment
    that holds attack characters to the last. Names of parameters, the plain endpoint and standard headers are left
    out; a name that holds attack characters is a value.
    """
    if not request.method:
        return [request.body]
    values = [_attack_in(request.endpoint)]
    values += [value for _, value in _named_values(request.query)]
    values += [value for name, value in request.headers if name.lower() not in STANDARD_HEADERS]
    fields = _form_body(request)
    values += [request.body] if fields is None else [value for _, value in _named_values(fields)]
    return [value for value in values if value.strip()]


def _attack_in(path: str) -> str:
    hit = _ATTACK_CHARACTERS.search(path)
    if hit is None:
        return ""
    start = hit.start() if hit[0] == "//" else path.rfind("/", 0, hit.start() + 1) + 1
    rest = path[start:]
    if "//" in rest or _PARENT_FOLDER.search(rest):  # where a climb or another host ends is for the attacker to say
        return rest
    segments = rest.split("/")
    attacks = [place for place, segment in enumerate(segments) if _ATTACK_CHARACTERS.search(f"/{segment}")]
    return "/".join(segments[: attacks[-1] + 1])


def _named_values(text: str) -> list[tuple[str, str]]:
    """Return (what to leave alone, value) of every piece of `a=1&b=2`; put together they are `text` again."""
    pairs = []
    for piece in text.split("&"):
        name, equals, value = piece.partition("=")
        if _PLAIN_NAME.fullmatch(name):
            pairs.append((name + equals, value))
        else:  # a flag such as -s, or an attack that has an equals sign of its own
            pairs.append(("", piece))
    return pairs


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
    raw = [value for value in values if _is_raw(value)]
    short = [quote(value, safe=_KEPT_IN_FIELDS, encoding="latin-1") for value in values if not _is_raw(value)]
    names = rng.integers(len(_NAMES), size=len(short)).tolist()
    fields = "&".join(f"{_NAMES[name]}={value}" for name, value in zip(names, short, strict=True))
    headers = [("Host", _pick(_HOSTS, rng)), ("User-Agent", _AGENT)]
    in_body = not raw and bool(rng.integers(2))
    if in_body:
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    request = Request(
        method="POST" if raw or in_body else "GET",
        target=path if in_body or not fields else f"{path}?{fields}",
        version="HTTP/1.1",
        headers=tuple(headers),
        body=fields if in_body else "\n".join(raw),
    )
    return render_requests((request,))


def _is_raw(value: str) -> bool:
    return "\n" in value or value.lstrip()[:1] in ("{", "<", "[")


def double_encode(view: bytes) -> bytes:
    """Percent-encode every percent sign of paths and of values once more."""
    return _map_values(view, lambda text: text.replace("%", "%25"), path=True)


def case_flip(view: bytes) -> bytes:
    """Flip the case of ASCII letters of values at random: keywords of SQL, HTML and percent escapes do not mind."""
    coins = iter((_generator(view, "case_flip").random(len(view)) < 0.5).tolist())

    def flipped(text: str) -> str:
        return "".join(c.swapcase() if next(coins) and c.isascii() else c for c in text)

    return _map_values(view, flipped)


def sql_comments(view: bytes) -> bytes:
    """Write every blank inside a value as an SQL comment."""
    return _map_values(view, lambda text: re.sub(r"\+|%20|(?<=\S) (?=\S)", "/**/", text))


def parameter_order(view: bytes) -> bytes:
    """Shuffle the parameters of queries and form bodies."""
    rng = _generator(view, "parameter_order")

    def shuffled(text: str) -> str:
        pieces = text.split("&")
        return "&".join(pieces[i] for i in rng.permutation(len(pieces)))

    return render_requests(tuple(_with_fields(request, shuffled) for request in parse_requests(view)))


def dilution(view: bytes) -> bytes:
    """Put 200 harmless characters before and behind: one leading and one trailing ordinary request."""
    rng = _generator(view, "dilution")
    filler = ["&".join(f"{_pick(_NAMES, rng)}={_pick(_WORDS, rng)}" for _ in range(40))[:170] for _ in range(2)]
    first, last = (f"GET /{_pick(_WORDS, rng)}?{text} HTTP/1.1".encode() for text in filler)
    return first + b"\n\n" + view + b"\n\n" + last


def host_change(view: bytes) -> bytes:
    """Name another host in every request's Host header."""
    rng = _generator(view, "host_change")

    def changed(name: str, value: str) -> str:
        return _pick(tuple(host for host in _HOSTS if host != value), rng) if name.lower() == "host" else value

    return render_requests(
        tuple(
            replace(request, headers=tuple((name, changed(name, value)) for name, value in request.headers))
            for request in parse_requests(view)
        )
    )


def _map_values(view: bytes, change: Callable[[str], str], *, path: bool = False) -> bytes:
    """Apply `change` to every query value, every form value and text that is no request (and to paths, if asked).

    Names, headers and other bodies stay: a change inside JSON, XML or multipart breaks the request, not the habit.
    """

    def fields(text: str) -> str:
        return "&".join(kept + change(value) for kept, value in _named_values(text))

    requests = []
    for request in parse_requests(view):
        if not request.method:
            requests.append(replace(request, body=change(request.body)))
            continue
        before, mark, query = request.target.partition("?")
        changed = replace(request, target=f"{change(before)}{mark}{query}") if path else request
        requests.append(_with_fields(changed, fields))
    return render_requests(tuple(requests))


def _with_fields(request: Request, change: Callable[[str], str]) -> Request:
    """Apply `change` to the query and to a form body, without the line ends behind it."""
    fields = _form_body(request)
    body = request.body if fields is None else change(fields) + request.body[len(fields) :]
    return replace(request.with_query(change(request.query)), body=body)


def _form_body(request: Request) -> str | None:
    return request.body.rstrip("\r\n") if request.method and is_form(request) else None


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
