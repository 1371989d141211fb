"""STIX bundles from strangers: the objects of one JSON file, newest version of each, within limits.

Plain dicts, so that reading needs no library; whoever takes a field checks its type with `text_of` and its kin. Both
STIX 2.0 and 2.1 are read: what we use of them is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from threatclip.errors import InputError

BUNDLE_LIMIT_BYTES = 256 * 2**20
OBJECT_LIMIT = 1_000_000
TEXT_LIMIT = 200_000
_ID = re.compile(r"[a-z][a-z0-9-]{0,99}--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_CHUNK_BYTES = 2**20

StixObject = Mapping[str, Any]


class ObjectFault(Exception):  # noqa: N818 - the caller says whether it becomes a BadRow or an InputError
    """Why an object cannot be used."""


def read_bundle(path: Path) -> list[StixObject]:
    """Return the objects of a STIX bundle, or of a JSON list of objects, plain or gzip'd; see `newest`.

    Raises:
        InputError: no such file, too large, not JSON, no bundle, an object without a valid id.
        StorageError: the disk refused to read it.
    """
    from threatclip.pairs.sources.lines import open_bytes  # here: the sources read bundles too

    parts, size = [], 0
    with open_bytes(path) as stream:
        try:
            while part := stream.read(_CHUNK_BYTES):
                parts.append(part)
                size += len(part)
                if size > BUNDLE_LIMIT_BYTES:
                    raise InputError(f"{path} holds more than {BUNDLE_LIMIT_BYTES:,} bytes; no STIX bundle is so large")
        except (EOFError, OSError) as error:
            raise InputError(f"{path} breaks off or is no whole gzip ({error}); fetch it again") from error
    try:
        value = orjson.loads(b"".join(parts).removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}; give a STIX bundle") from error
    found = value.get("objects") if isinstance(value, dict) and value.get("type") == "bundle" else value
    if not isinstance(found, list):
        raise InputError(f"{path} is no STIX bundle: want an object of type bundle with a list of objects")
    return newest(found, where=str(path))


def newest(objects: Iterable[Any], *, where: str) -> list[StixObject]:
    """Return one object per id in order of first sight: of several versions the one modified last.

    Raises:
        InputError: too many objects, or one that is none or has no valid id and type.
    """
    by_id: dict[str, StixObject] = {}
    for number, item in enumerate(objects, start=1):
        if number > OBJECT_LIMIT:
            raise InputError(f"{where} holds more than {OBJECT_LIMIT:,} objects; split it")
        if not isinstance(item, dict):
            raise InputError(f"{where}: object {number} is a JSON {type(item).__name__}, no STIX object")
        found, kind = item.get("id"), item.get("type")
        if not isinstance(found, str) or not isinstance(kind, str) or not _is_id(found, kind):
            raise InputError(f"{where}: object {number} has the id {str(found)[:80]!a}; want TYPE--UUID of its type")
        known = by_id.get(found)
        if known is None or _version(item) > _version(known):
            by_id[found] = item
    return list(by_id.values())


def _is_id(found: str, kind: str) -> bool:
    return _ID.fullmatch(found) is not None and found.startswith(f"{kind}--")


def _version(item: StixObject) -> tuple[datetime, datetime]:
    oldest = datetime.min.replace(tzinfo=UTC)
    try:
        return time_of(item, "modified") or oldest, time_of(item, "created") or oldest
    except ObjectFault:
        return oldest, oldest


def text_of(item: StixObject, name: str, *, limit: int = TEXT_LIMIT) -> str:
    """Return the string `item[name]`, or "" where it is absent.

    Raises:
        ObjectFault: another type, or longer than `limit` characters.
    """
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ObjectFault(f"{name} is a JSON {type(value).__name__}, not text")
    if len(value) > limit:
        raise ObjectFault(f"{name} is longer than {limit:,} characters")
    return value


def texts_of(item: StixObject, name: str) -> tuple[str, ...]:
    """Return the list of strings `item[name]`, or () where it is absent.

    Raises:
        ObjectFault: no list, or a member that is no string.
    """
    value = item.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ObjectFault(f"{name} is not a list of texts")
    return tuple(value)


def dicts_of(item: StixObject, name: str) -> tuple[StixObject, ...]:
    """Return the list of objects `item[name]`, or () where it is absent.

    Raises:
        ObjectFault: no list, or a member that is no object.
    """
    value = item.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ObjectFault(f"{name} is not a list of objects")
    return tuple(value)


def time_of(item: StixObject, name: str) -> datetime | None:
    """Return the timestamp `item[name]` in UTC, or None where it is absent.

    Raises:
        ObjectFault: no ISO 8601 time.
    """
    text = text_of(item, name, limit=100)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ObjectFault(f"{name} {text[:40]!a} is no time: want ISO 8601") from error
