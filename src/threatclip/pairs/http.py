"""A lenient reader of HTTP requests as they stand in a payload view.

A view may hold several requests joined by a blank line, with LF or CRLF, cut anywhere, or no HTTP at all. Bytes are
read as Latin-1 so that every byte survives `parse` followed by `render`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

STANDARD_HEADERS = frozenset(
    """accept accept-charset accept-encoding accept-language authorization cache-control connection content-length
    content-type cookie dnt expect host if-modified-since if-none-match keep-alive origin pragma proxy-connection range
    referer sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user te transfer-encoding
    upgrade-insecure-requests user-agent x-requested-with""".split()
)
_REQUEST_LINE = re.compile(r"^([A-Za-z]{2,20}) (\S.*?)(?: (HTTP/[\d.]+))?\r?$")
_BOUNDARY = re.compile(r"\r?\n\r?\n(?=[A-Z]{3,10} \S[^\n]{0,8192}? HTTP/\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request; `method` is empty when the text was no request and stands whole in `body`."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def path(self) -> str:
        """The target up to the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target behind the first question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """Return the first value of a header, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def with_target(self, path: str, query: str) -> Request:
        """Return the same request for another path and query."""
        return replace(self, target=f"{path}?{query}" if query else path)


def parse_requests(view: bytes) -> tuple[Request, ...]:
    """Split a payload view into its requests, in order; text that is no request comes back as a body only."""
    text = view.decode("latin-1")
    return tuple(_parse_one(part) for part in _BOUNDARY.split(text)) if text else ()


def _parse_one(text: str) -> Request:
    line, _, rest = text.partition("\n")
    match = _REQUEST_LINE.match(line)
    if match is None or not (match[3] or match[2].startswith(("/", "http://", "https://", "*"))):
        return Request(method="", target="", version="", headers=(), body=text)
    if rest.startswith(("\n", "\r\n")):  # no header at all: the body starts behind the blank line
        head, body = "", rest.lstrip("\r").removeprefix("\n")
    else:
        head, blank, body = rest.partition("\r\n\r\n" if "\r\n\r\n" in rest else "\n\n")
        head = head if blank else rest
    headers = []
    for row in head.splitlines():
        name, colon, value = row.partition(":")
        if colon:
            headers.append((name.strip(), value.strip()))
        elif headers and row.strip():  # an obsolete folded line belongs to the header above it
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {row.strip()}")
    return Request(method=match[1], target=match[2], version=match[3] or "", headers=tuple(headers), body=body)


def render_requests(requests: tuple[Request, ...]) -> bytes:
    """Write requests back as one view with LF line ends, joined by a blank line."""
    parts = []
    for request in requests:
        if not request.method:
            parts.append(request.body)
            continue
        lines = [f"{request.method} {request.target} {request.version}".rstrip()]
        lines += [f"{name}: {value}" for name, value in request.headers]
        parts.append("\n".join(lines) + (f"\n\n{request.body}" if request.body else ""))
    return "\n\n".join(parts).encode("latin-1")


def form_fields(text: str) -> list[tuple[str, str]]:
    """Split `a=1&b=2` into undecoded (name, value) pairs; a piece without `=` is a name with an empty value."""
    pieces = (piece.partition("=") for piece in text.split("&") if piece)
    return [(name, value) for name, _, value in pieces]


def is_form(request: Request) -> bool:
    """Tell whether the body is URL-encoded form data, by its header or, lacking one, by its looks."""
    kind = request.header("content-type").lower()
    if kind:
        return "x-www-form-urlencoded" in kind
    return re.fullmatch(r"[\w.\[\]%-]+=[^\n]*", request.body.strip()) is not None


def unquoted(view: bytes, *, levels: int = 2) -> bytes:
    """Undo up to `levels` levels of URL encoding of a whole view: the attack as the application sees it."""
    for _ in range(levels):
        plain = unquote_to_bytes(view.replace(b"+", b" "))
        if plain == view:
            break
        view = plain
    return view
