"""A TAXII 2.1 collection over the network, in bounds: one host, no redirect, limits of bytes, pages and objects."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from threatclip.errors import InputError, NotInstalledError
from threatclip.pairs.stix_bundle import BUNDLE_LIMIT_BYTES, OBJECT_LIMIT, StixObject, newest

USER, PASSWORD, TOKEN = "THREATCLIP_TAXII_USER", "THREATCLIP_TAXII_PASSWORD", "THREATCLIP_TAXII_TOKEN"
PAGE_LIMIT = 10_000
_PER_PAGE = 1_000
_TIMEOUT_S = 60
_CHUNK_BYTES = 2**16
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Session(Protocol):
    """What is used of `requests.Session`."""

    def get(self, url: str, **options: Any) -> Any:
        """Answer one GET."""


def collection_url(given: str) -> str:
    """Return the URL of a collection; a path that a URL was taken for gets its second slash back.

    Raises:
        InputError: no URL, plain http to another machine, a name and password in it.
    """
    url = re.sub(r"^(https?):/+", r"\1://", given.strip())
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise InputError(f"{given[:200]!a} is no URL ({error}); give the URL of a TAXII 2.1 collection") from error
    if parts.scheme not in ("https", "http") or not host:
        raise InputError(f"{given[:200]!a} is no URL; give the URL of a TAXII 2.1 collection")
    if parts.username is not None or parts.password is not None:
        raise InputError(
            f"the URL of a collection holds a password; put it in {USER} and {PASSWORD} of the environment"
        )
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise InputError(f"http://{host} would be read unencrypted; use https")
    return url if url.endswith("/") else f"{url}/"


def read_collection(
    given: str,
    *,
    added_after: str | None = None,
    environment: Mapping[str, str] | None = None,
    open_session: Callable[[], Session] | None = None,
) -> list[StixObject]:
    """Fetch all objects of the collection at a URL, the newest version of each.

    Name and password, or a token, come from the environment: THREATCLIP_TAXII_USER and THREATCLIP_TAXII_PASSWORD, or
    THREATCLIP_TAXII_TOKEN.

    Raises:
        NotInstalledError: without taxii2-client.
        InputError: the URL, the server's answer, or a limit; the network failed.
    """
    try:
        import requests
        from taxii2client.exceptions import TAXIIServiceException
        from taxii2client.v21 import Collection
    except ImportError as error:
        raise NotInstalledError("TAXII needs taxii2-client; install threatclip[taxii]") from error
    url = collection_url(given)
    session = (open_session or requests.Session)()
    connection = _Connection(session, _credentials(os.environ if environment is None else environment))
    try:
        collection = Collection(url, conn=connection)
        return newest(_all_pages(collection, added_after), where=url)
    except (requests.RequestException, TAXIIServiceException, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"cannot read {url}: {reason}; is it a TAXII 2.1 collection?") from error


def _credentials(environment: Mapping[str, str]) -> dict[str, Any]:
    token, user, password = (environment.get(name) for name in (TOKEN, USER, PASSWORD))
    if token:
        return {"headers": {"Authorization": f"Bearer {token}"}}
    return {"auth": (user, password)} if user and password else {}


def _all_pages(collection: Any, added_after: str | None) -> list[Any]:
    found: list[Any] = []
    seen, following = set[str](), None
    for _ in range(PAGE_LIMIT):
        envelope = collection.get_objects(limit=_PER_PAGE, next=following, added_after=added_after)
        objects = envelope.get("objects", []) if isinstance(envelope, dict) else None
        if not isinstance(objects, list):
            raise InputError(f"{collection.url} answered without a list of objects; is it a TAXII 2.1 collection?")
        found += objects
        if len(found) > OBJECT_LIMIT:
            raise InputError(
                f"{collection.url} holds more than {OBJECT_LIMIT:,} objects; ask for less with --added-after"
            )
        if envelope.get("more") is not True:
            return found
        following = envelope.get("next")
        if not isinstance(following, str) or not following or following in seen:
            raise InputError(f"{collection.url} says there is more but not where; report it to the server's owner")
        seen.add(following)
    raise InputError(f"{collection.url} has more than {PAGE_LIMIT:,} pages; ask for less with --added-after")


class _Connection:
    """The connection that taxii2-client reads through: its own has no limits and follows redirects."""

    def __init__(self, session: Session, credentials: dict[str, Any]) -> None:
        self._session, self._credentials = session, credentials
        self._left = BUNDLE_LIMIT_BYTES

    def get(self, url: str, headers: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of one answer.

        Raises:
            InputError: a status other than 200, another type, too many bytes in all answers together, no JSON.
        """
        options = {name: value for name, value in self._credentials.items() if name != "headers"}
        merged = {**(headers or {}), **self._credentials.get("headers", {})}
        with self._session.get(
            url, headers=merged, params=params, stream=True, timeout=_TIMEOUT_S, allow_redirects=False, **options
        ) as answer:
            if answer.status_code != 200:
                raise InputError(f"{url} answered {answer.status_code}{_advice(answer.status_code)}")
            kind = str(answer.headers.get("Content-Type", ""))
            if not kind.replace(" ", "").startswith("application/taxii+json"):
                raise InputError(f"{url} answered {kind[:80]!a}, not application/taxii+json; it must speak TAXII 2.1")
            content = self._read(answer, url)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{url} answered with broken JSON: {error}") from error

    def _read(self, answer: Any, url: str) -> bytes:
        content = bytearray()
        for part in answer.iter_content(_CHUNK_BYTES):
            content += part
            self._left -= len(part)
            if self._left < 0:
                raise InputError(f"{url} sent more than {BUNDLE_LIMIT_BYTES:,} bytes; ask for less with --added-after")
        return bytes(content)

    def close(self) -> None:
        """Do nothing: the session goes with the call that made it."""


def _advice(status: int) -> str:
    if status in (401, 403):
        return f"; set {USER} and {PASSWORD}, or {TOKEN}"
    if 300 <= status < 400:
        return ": it redirects, which is not followed; give the URL it leads to"
    return "; is it the URL of a collection?" if status == 404 else ""
