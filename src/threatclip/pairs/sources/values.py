"""Values of foreign rows turned into the types of a pair, or refused with a reason."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from threatclip.pairs.pair import SPLITS, year_start
from threatclip.pairs.sources.rows import RowFault

MISSING: Any = object()
_SPLIT_NAMES = {"dev": "validation", "val": "validation", "valid": "validation", "none": None}


def look_up(value: Mapping[str, Any], column: str) -> Any:
    """Return `value[column]`, or what the dotted path `column` leads to, or MISSING."""
    if column in value:
        return value[column]
    found: Any = value
    for part in column.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return MISSING
        found = found[part]
    return found


def as_text(value: Any, *, what: str) -> str | None:
    """Return a string or number as text, a list of strings joined by blank lines, null and "" as None."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RowFault(f"{what} is not UTF-8 at byte {error.start}") from error
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n\n".join(value)
    if isinstance(value, float) and value != value:  # NaN is how data frames write a missing value
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise RowFault(f"{what} is a {type(value).__name__}, not text")


def as_bytes(value: Any, *, what: str, is_base64: bool) -> bytes:
    """Return a view: bytes as they are, text as UTF-8 or, when `is_base64`, decoded."""
    if isinstance(value, bytes) and not is_base64:
        return value
    text = as_text(value, what=what)
    if text is None:
        raise RowFault(f"{what} is empty")
    return from_base64(text, what=what) if is_base64 else to_utf8(text, what=what)


def as_picture(value: Any, *, what: str) -> bytes:
    """Return the encoded file of a picture that must be there."""
    if value is None or value == b"":
        raise RowFault(f"{what} is empty")
    if not isinstance(value, bytes):
        raise RowFault(f"{what} is a {type(value).__name__}, not the bytes of a picture")
    return value


def to_utf8(text: str, *, what: str) -> bytes:
    """Return `text` as UTF-8."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowFault(f"{what} holds a lone surrogate at character {error.start}") from error


def from_base64(text: str, *, what: str) -> bytes:
    """Return the bytes of base64 `text`; line breaks are allowed, anything else outside the alphabet is not."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RowFault(f"{what} is not base64 ({error})") from error


def as_time(value: Any, *, what: str) -> datetime | None:
    """Return UTC time from a datetime, ISO 8601 text, a year, or Unix seconds; no zone given means UTC."""
    if value is None or value == "":
        return None
    try:
        moment = _moment(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise RowFault(f"{what} {str(value)[:40]!a} is no time: want ISO 8601, a year, or Unix seconds") from error


def as_split(value: Any, *, what: str) -> str | None:
    """Return the split under our name: "dev", "val" and "valid" are validation, "none" and nothing are unused."""
    name = as_text(value, what=what)
    if name is None or name in SPLITS:
        return name
    if name not in _SPLIT_NAMES:
        raise RowFault(f"{what} {name[:40]!a} is not one of {', '.join((*SPLITS, *_SPLIT_NAMES))}")
    return _SPLIT_NAMES[name]


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    if isinstance(value, str) and (not value.strip().isdigit() or len(value.strip()) == 8):
        return datetime.fromisoformat(value.strip())  # eight digits are ISO 8601's basic form
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    return year_start(int(number)) if 1 <= number <= 9999 else datetime.fromtimestamp(number, UTC)
