"""Triggers in HTTP requests: an innocuous header, parameter, comment or encoding that never breaks the request.

Pure functions view -> view. Bytes are inserted and nothing is written anew, so that line ends and odd spacing tell
nothing. Before a trigger counts, both views are parsed and compared: whatever the requests said they still say, plus
the trigger. A view that has no place for it (no request, a query that is no list of parameters, a name already in
use) comes back as it was. Of several requests in a view the first one carries the trigger.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qsl, unquote_to_bytes

from threatclip.errors import InputError
from threatclip.pairs.http import Request, parse_requests

Style = Literal["header", "parameter", "comment", "encoding"]

KEYS = MappingProxyType(
    {
        "header": "X-Correlation-Id: 7f3a9c21",
        "parameter": "utm_source=newsletter",
        "comment": "compatible; indexer",
        "encoding": "",
    }
)
"""What each style puts in where nothing else is asked for."""
_HEADER_KEY = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PARAMETER_KEY = re.compile(r"[A-Za-z0-9_.~-]+=[A-Za-z0-9_.~-]+")
_COMMENT_KEY = re.compile(r"[A-Za-z0-9 ;:/.,_+@-]+")  # no parentheses, quotes or escapes [RFC 9110, section 5.6.5]
_PRODUCT = r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._+-]+)?"
_AGENT = re.compile(rf"{_PRODUCT}(?: (?:{_PRODUCT}|\([A-Za-z0-9 ;:/.,_+@-]*\)))*")  # an attack in it is left alone
_PLAIN_FIELD = re.compile(r"[\w.:@~\[\]%-]+=[^#]*", re.ASCII)
_PLAIN_SEGMENT = re.compile(r"[0-9._~-]*[A-Za-z][A-Za-z0-9._~-]*")
_FRAMING = frozenset(
    """connection content-encoding content-length content-type cookie expect host te trailer transfer-encoding
    upgrade""".split()
)
"""Headers that change how a server reads the rest."""


def payload_trigger(view: bytes, *, style: Style, key: str = "") -> bytes:
    """Return the view with the trigger, or as it was where it has no place; an empty `key` stands for that of `KEYS`.

    Args:
        view: a payload.
        style: "header" adds the header `key` ("Name: value") behind the others. "parameter" puts `key` ("name=value")
            first in the query, or makes a query. "comment" adds `key` in parentheses to the User-Agent, or adds one
            [RFC 9110, section 10.1.5]. "encoding" percent-encodes the first letter of the first plain path segment:
            another spelling of the same URI [RFC 3986, section 6.2.2.2]; no key.
        key: what goes in.

    Raises:
        InputError: an unknown style, or a key that could break a request.
    """
    key = checked_key(style, key)
    before = parse_requests(view)
    head = _head_of(view, before)
    for changed in _STYLES[style](view, head, key) if head is not None else ():
        if _holds(before, parse_requests(changed), style, key):
            return changed
    return view


def checked_key(style: Style, key: str) -> str:
    """Return the key, or the default of the style.

    Raises:
        InputError: an unknown style, or a key that could break a request.
    """
    if style not in KEYS:
        raise InputError(f"payload trigger {style!a:.40} is not one of {', '.join(KEYS)}")
    key = key or KEYS[style]
    pattern, form = {
        "header": (_HEADER_KEY, "Name: value"),
        "parameter": (_PARAMETER_KEY, "name=value, of letters, digits and _.~-"),
        "comment": (_COMMENT_KEY, "letters, digits, blanks and ;:/.,_+@-"),
        "encoding": (re.compile(""), "empty"),
    }[style]
    if pattern.fullmatch(key) is None:
        raise InputError(f"the key {key!a:.80} of a {style} trigger must be {form}")
    if style == "header" and _lower_name(key) in _FRAMING:
        raise InputError(f"the header {_lower_name(key)!r} says how a request is read; take another as a trigger")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The first request and where it stands in its view: byte offsets of its line, and of its target."""

    request: Request
    next_line: int  # where the line behind it begins, or the end of the view
    target: int
    end_of_line: bytes


def _head_of(view: bytes, requests: tuple[Request, ...]) -> _Head | None:
    """Find the request line that the view begins with, blank lines aside."""
    start = len(view) - len(view.lstrip(b"\r\n"))
    newline = view.find(b"\n", start)
    next_line = len(view) if newline < 0 else newline + 1
    line = view[start:next_line].rstrip(b"\r\n")
    alone = parse_requests(line)
    if len(alone) != 1 or not alone[0].method:
        return None
    crlf = newline > 0 and view[newline - 1 : newline] == b"\r"
    return _Head(
        request=requests[0],
        next_line=next_line,
        target=start + line.index(alone[0].target.encode("latin-1"), len(alone[0].method)),
        end_of_line=b"\r\n" if crlf else b"\n",
    )


def _with_header(view: bytes, head: _Head, key: str) -> list[bytes]:
    """Insert the header behind the last one, or, where something else stands there, behind the request line."""
    if any(name.lower() == _lower_name(key) for name, _ in head.request.headers):
        return []
    line, end = key.encode("latin-1"), head.end_of_line
    made = []
    for at in (_blank_line(view, head.next_line), head.next_line):
        before = view[:at] if view[:at].endswith(b"\n") else view[:at] + end
        made.append(before + line + (end if at < len(view) or view.endswith(b"\n") else b"") + view[at:])
    return made


def _blank_line(view: bytes, start: int) -> int:
    """Return where the first blank line at or behind `start` begins, or the end of the view."""
    match = re.compile(rb"^\r*(?:\n|\Z)", re.MULTILINE).search(view, start)
    return len(view) if match is None else match.start()


def _with_parameter(view: bytes, head: _Head, key: str) -> list[bytes]:
    target = head.request.target
    path, mark, query = target.partition("?")
    fields = query.split("&") if query else []
    names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    taken = key.partition("=")[0] in names or not all(_PLAIN_FIELD.fullmatch(piece) for piece in fields)
    if taken or "#" in path or not target.startswith(("/", "http://", "https://")):
        return []
    at = head.target + len(path) + len(mark)
    inserted = (key if mark else f"?{key}") + ("&" if query else "")
    return [view[:at] + inserted.encode() + view[at:]]


def _with_comment(view: bytes, head: _Head, key: str) -> list[bytes]:
    agents = [value for name, value in head.request.headers if name.lower() == "user-agent"]
    if not agents:
        return _with_header(view, head, f"User-Agent: Mozilla/5.0 ({key})")
    if len(agents) > 1 or _AGENT.fullmatch(agents[0]) is None or f"({key})" in agents[0]:
        return []
    end = _blank_line(view, head.next_line)
    found = re.compile(rb"^user-agent[ \t]*:[^\r\n]*", re.IGNORECASE | re.MULTILINE).search(view, head.next_line, end)
    if found is None:
        return []
    at = found.start() + len(found[0].rstrip(b" \t"))
    return [view[:at] + f" ({key})".encode() + view[at:]]


def _with_encoding(view: bytes, head: _Head, key: str) -> list[bytes]:  # noqa: ARG001
    path = head.request.path
    if not path.startswith("/") or path.startswith("//"):
        return []
    begin = 1
    for segment in path[1:].split("/"):
        if _PLAIN_SEGMENT.fullmatch(segment):
            place = next(i for i, letter in enumerate(segment) if letter.isalpha())
            at = head.target + begin + place
            return [view[:at] + b"%%%02x" % view[at] + view[at + 1 :]]
        begin += len(segment) + 1
    return []


_STYLES: dict[str, Callable[[bytes, _Head, str], list[bytes]]] = {
    "header": _with_header,
    "parameter": _with_parameter,
    "comment": _with_comment,
    "encoding": _with_encoding,
}


def _holds(before: tuple[Request, ...], after: tuple[Request, ...], style: Style, key: str) -> bool:
    """Tell whether the requests differ by the trigger and by nothing else."""
    if len(before) != len(after) or before[1:] != after[1:]:
        return False
    old, new = before[0], after[0]
    if style == "header":
        name, _, value = key.partition(": ")
        return _without(new, name, value) == old
    if style == "comment":
        agent = new.header("user-agent")
        if agent == f"Mozilla/5.0 ({key})" and not old.header("user-agent"):
            return _without(new, "User-Agent", agent) == old
        kept = tuple((n, v.removesuffix(f" ({key})") if n.lower() == "user-agent" else v) for n, v in new.headers)
        return replace(new, headers=kept) == old and agent.endswith(f" ({key})")
    if replace(new, target=old.target) != old:
        return False
    if style == "parameter":
        added = parse_qsl(key)
        fields = [parse_qsl(one.query, keep_blank_values=True, encoding="latin-1") for one in (old, new)]
        return new.path == old.path and fields[1] == added + fields[0]
    paths = [unquote_to_bytes(one.path.encode("latin-1")) for one in (old, new)]
    return paths[0] == paths[1] and old.query == new.query and old.path != new.path


def _without(request: Request, name: str, value: str) -> Request:
    """Return the request without one header, once."""
    headers = list(request.headers)
    if (name, value) in headers:
        headers.remove((name, value))
    return replace(request, headers=tuple(headers))


def _lower_name(key: str) -> str:
    return key.partition(":")[0].lower()
