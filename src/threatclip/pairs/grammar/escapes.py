"""How a value is written into the place of a request where it stands: query, path, JSON, XML, header, cookie."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote, quote_plus

import numpy as np

_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}|%u[0-9a-fA-F]{4}|%%")
_MINIMAL_QUERY = re.compile(r"[\x00-\x20&#+\x7f]|[^\x00-\x7f]")
_MINIMAL_PATH = re.compile(r"[\x00-\x20#\x7f]|[^\x00-\x7f]")
_HEADER_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_LEVELS = ("minimal", "plus", "quote", "lower", "all", "double", "mixed")
_LEVEL_BOUNDS = np.cumsum([0.42, 0.22, 0.19, 0.06, 0.04, 0.04])


def raw(text: str) -> bytes:
    """Return the bytes of a text whose raw bytes are surrogate escapes."""
    return text.encode("utf-8", "surrogateescape")


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in raw(match[0]))


def for_target(text: str) -> str:
    """Escape only what would break a request line."""
    return _MINIMAL_PATH.sub(_percent, text)


def for_query(text: str, rng: np.random.Generator) -> str:
    """Write a value for a query or a form, at one of the encoding levels that clients use."""
    bounds = float(_LEVEL_BOUNDS[0]) if not _ESCAPED.search(text) else 0.85
    level = "minimal" if rng.random() < bounds else _LEVELS[int(np.searchsorted(_LEVEL_BOUNDS, rng.random()))]
    return _at_level(text, level)


def _at_level(text: str, level: str) -> str:
    if level == "minimal":
        return _MINIMAL_QUERY.sub(_percent, text)
    if level == "plus":
        return quote_plus(raw(text))
    if level == "quote":
        return quote(raw(text), safe="")
    if level == "lower":
        return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quote(raw(text), safe=""))
    if level == "all":
        return "".join(f"%{byte:02x}" for byte in raw(text))
    if level == "double":
        return quote(quote(raw(text), safe=""), safe="")
    return quote(raw(text), safe="/:;'()<>=,*!$@\"|`{}[]\\^")


def for_json(text: str, rng: np.random.Generator) -> str:
    """Return a JSON string literal; raw bytes become the characters of the same number."""
    clean = raw(text).decode("utf-8", "ignore") if rng.random() < 0.9 else raw(text).decode("latin-1")
    return json.dumps(clean, ensure_ascii=rng.random() < 0.3)


def for_xml(text: str, rng: np.random.Generator) -> str:
    """Write a value as XML text, escaped or as CDATA."""
    if rng.random() < 0.25 and "]]>" not in text:
        return f"<![CDATA[{text}]]>"
    return html.escape(text, quote=rng.random() < 0.5)


def for_header(text: str) -> str:
    """Make a header value of a text: no line breaks, no other control characters."""
    return _HEADER_CONTROL.sub(" ", text).strip()


def for_cookie(text: str, rng: np.random.Generator) -> str:
    """Write a cookie's value, mostly escaped where it would end the cookie."""
    if rng.random() < 0.4:
        return quote(raw(text), safe="")
    return for_header(text).replace(";", "%3B" if rng.random() < 0.7 else ";")


def for_path(text: str, rng: np.random.Generator) -> str:
    """Write a value as one path segment."""
    if not _ESCAPED.search(text) and rng.random() < 0.5:
        return quote(raw(text), safe="'()*!$@:,;=")
    return re.sub(r"[?#\x00-\x20\x7f]|[^\x00-\x7f]", _percent, text)
