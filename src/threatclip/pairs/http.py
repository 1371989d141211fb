"""A lenient reader of HTTP requests as they stand in a payload view.

A view may hold several requests joined by a blank line, with LF or CRLF, cut anywhere, or no HTTP at all. Bytes are
read as Latin-1, so that `parse` followed by `render` loses line ends and the blanks around headers and nothing else,
and what was rendered parses to the same requests again. Every step is linear in the length of the view.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

STANDARD_HEADERS = frozenset(
    """accept accept-charset accept-encoding accept-language authorization cache-control connection content-length
    content-type cookie dnt expect host if-modified-since if-none-match keep-alive origin pragma proxy-connection range
    referer sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user te transfer-encoding
    upgrade-insecure-requests user-agent x-requested-with""".split()
)
_METHODS = frozenset(
    """CONNECT COPY DEBUG DELETE GET HEAD LOCK MKCOL MOVE OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REPORT SEARCH
    TRACE TRACK UNLOCK""".split()
)
_METHOD = re.compile(r"[A-Za-z][A-Za-z-]{1,19}")
_VERSION = re.compile(r"HTTP/\d[\d.]*")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_FORM = re.compile(r"[\w.\[\]%-]+=[^\n]*", re.ASCII)


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
    def endpoint(self) -> str:
        """The path without the scheme and host that a request to a proxy begins with."""
        return _AUTHORITY.sub("", self.path, count=1)

    @property
    def query(self) -> str:
        """The target behind the first question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """Return the first value of a header (name in lower case), or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def with_query(self, query: str) -> Request:
        """Return the same request with another query; a target without a question mark stays as it is."""
        path, mark, _ = self.target.partition("?")
        return replace(self, target=path + mark + query if mark else path)

    def without_headers(self) -> Request:
        """Return method, target and body; the version stays only where the line were no request line without it."""
        row = f"{self.method} {self.target}"
        told = not self.version or _request_line(row) == (self.method, self.target, "")
        return replace(self, headers=(), version="" if told else self.version)


def parse_requests(view: bytes) -> tuple[Request, ...]:
    """Split a payload view into its requests, in order; text that is no request comes back as a body only.

    A request begins at the start, behind a blank line, or within the headers of the one before. Its headers end at a
    blank line or at the first line that is no header; a body goes on, over blank lines, to the next request.
    """
    requests: list[Request] = []
    part = _Part(body=[])
    after_blank = True
    for line in view.decode("latin-1").split("\n"):
        row = line.rstrip("\r")
        if part.body is None and part.takes_header(row):
            pass
        elif (part.body is None or after_blank) and (start := _request_line(row)) is not None:
            requests += part.finished(before_request=True)
            part = _Part(start=start)
        elif part.body is None:
            part.body = [line] if row else []
        else:
            part.body.append(line)
        after_blank = not row
    return (*requests, *part.finished(before_request=False))


@dataclass(slots=True)
class _Part:
    """What has been read of one request; `body` is None while its headers are being read."""

    start: tuple[str, str, str] = ("", "", "")
    headers: list[tuple[str, list[str]]] = field(default_factory=list)
    body: list[str] | None = None

    def takes_header(self, row: str) -> bool:
        """Read one line of the head; False when it is no header."""
        if row.startswith((" ", "\t")) and self.headers:  # an obsolete folded line belongs to the header above it
            self.headers[-1][1].append(row.strip(" \t\r"))
            return True
        match = _HEADER.fullmatch(row)
        if match is not None:
            self.headers.append((match[1], [match[2].strip(" \t\r")]))
        return match is not None

    def finished(self, *, before_request: bool) -> list[Request]:
        """Return the request, or nothing where there was nothing but line ends."""
        body = "\n".join(self.body or [])
        if before_request:  # the blank line that parts two requests belongs to neither
            body = "\n".join((self.body or [])[:-1]).rstrip("\r")
        if not self.start[0] and not body.strip("\r\n"):
            return []
        method, target, version = self.start
        headers = tuple((name, " ".join(filter(None, values))) for name, values in self.headers)
        return [Request(method=method, target=target, version=version, headers=headers, body=body)]


def _request_line(row: str) -> tuple[str, str, str] | None:
    """Return method, target and version; without a version, the method must be known and the target a path or URL."""
    method, _, rest = row.partition(" ")
    if _METHOD.fullmatch(method) is None:
        return None
    rest = rest.strip(" \t\r")
    target, _, version = rest.rpartition(" ")
    target = target.strip(" \t\r")
    if target and _VERSION.fullmatch(version):
        return method, target, version
    if method in _METHODS and (rest.startswith(("/", "http://", "https://")) or rest == "*"):
        return method, rest, ""
    return None


def render_requests(requests: tuple[Request, ...]) -> bytes:
    """Write requests back as one view with LF line ends, joined by a blank line."""
    parts = []
    for request in requests:
        if not request.method:
            parts.append(request.body)
            continue
        lines = [f"{request.method} {request.target}" + (f" {request.version}" if request.version else "")]
        lines += [f"{name}: {value}" for name, value in request.headers]
        parts.append("\n".join(lines) + (f"\n\n{request.body}" if request.body else ""))
    return "\n\n".join(parts).encode("latin-1")


def is_form(request: Request) -> bool:
    """Tell whether the body is URL-encoded form data, by its header or, lacking one, by its looks."""
    kind = request.header("content-type").lower()
    if kind:  # scanners send JSON, XML and bare text under the form type that their client sets by default
        bare = request.body.lstrip()
        return "x-www-form-urlencoded" in kind and "=" in bare and bare[0] not in "{[<"
    return _FORM.fullmatch(request.body.strip()) is not None


def unquoted(view: bytes, *, levels: int = 2) -> bytes:
    """Undo up to `levels` levels of URL encoding of a whole view: the attack as the application sees it."""
    for _ in range(levels):
        plain = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), view.replace(b"+", b" "))
        if plain == view:
            break
        view = plain
    return view
