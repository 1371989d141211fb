"""API keys: made here, shown once, kept as hashes, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError, InputError

PREFIX = "tc_"
_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_KEYS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Who holds a key, and the key's SHA-256: 256 random bits need no slow hash."""

    name: str
    sha256: str
    created: str


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file.

    Raises:
        InputError: no such file, or one without keys.
        DamagedArtifactError: it is no file of keys.
    """
    value = read_json(path)
    rows = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(rows, list) or len(rows) > _MAX_KEYS:
        raise DamagedArtifactError(f"{path} is no file of API keys; make one with `threatclip serve --new-key NAME`")
    try:
        keys = tuple(Key(name=row["name"], sha256=row["sha256"], created=row["created"]) for row in rows)
        whole = all(len(bytes.fromhex(key.sha256)) == hashlib.sha256().digest_size for key in keys)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedArtifactError(f"{path} holds a broken API key ({error!r}); restore it") from error
    if not whole:
        raise DamagedArtifactError(f"{path} holds a broken API key; restore it")
    if not keys:
        raise InputError(f"{path} holds no API key; make one with `threatclip serve --new-key NAME`")
    return keys


def add_key(path: Path, name: str) -> str:
    """Make a key, keep its hash in the file `path`, and return the key, which nobody can read there again.

    Raises:
        InputError: no fit name, or one that is taken.
        StorageError: the disk refused.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"the name {name[:40]!a} of a key must be letters, digits, dots, dashes: it stands in the log")
    keys = read_keys(path) if path.exists() else ()
    if name in {key.name for key in keys}:
        raise InputError(f"{path} has a key named {name!r}; choose another name, or remove that key's entry")
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    made = Key(name=name, sha256=_hash(secret), created=datetime.now(UTC).isoformat(timespec="seconds"))
    rows = [{"name": key.name, "sha256": key.sha256, "created": key.created} for key in (*keys, made)]
    write_json(path, {"keys": rows})
    path.chmod(0o600)
    return secret


def holder(keys: tuple[Key, ...], secret: str | None) -> str | None:
    """Return the name of the key that `secret` is, or None; every key is compared, whichever fits."""
    if secret is None:
        return None
    digest, found = _hash(secret), None
    for key in keys:
        if hmac.compare_digest(key.sha256, digest):
            found = key.name
    return found


def secret_of(authorization: str | None, x_api_key: str | None) -> str | None:
    """Return what a request brings as its key: X-API-Key, a bearer token, or the password of a browser's login."""
    if x_api_key:
        return x_api_key
    scheme, _, value = (authorization or "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
