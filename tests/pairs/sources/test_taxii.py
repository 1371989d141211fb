"""TAXII 2.1 without a network: pages, credentials, limits and everything a server may answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from stix_cases import OBJECTS
from threatclip.errors import InputError
from threatclip.pairs import taxii
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.taxii import Taxii
from threatclip.pairs.taxii import collection_url, read_collection

ID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
URL = f"https://taxii.example.test/api/collections/{ID}/"
INFO = {"id": ID, "title": "All", "can_read": True, "can_write": False}


class Answer:
    """One answer of a server, as requests gives it."""

    def __init__(self, value: Any, status: int = 200, kind: str = "application/taxii+json;version=2.1") -> None:
        self._content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.status_code, self.headers = status, {"Content-Type": kind}

    def iter_content(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self._content), size):
            yield self._content[start : start + size]

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Server:
    """A server in place of a session: pages of two objects, and what it was asked."""

    def __init__(self, objects: list[Any], **special: Any) -> None:
        self._objects, self._special = objects, special
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get(self, url: str, **options: Any) -> Answer:
        self.asked.append((urlsplit(url).path, options))
        if "fault" in self._special:
            raise self._special["fault"]
        if not url.endswith("/objects/"):
            return self._special.get("info", Answer(INFO))
        if "answer" in self._special:
            return self._special["answer"]
        start = int((options["params"].get("next") or ("0",))[0])
        page: dict[str, Any] = {"objects": self._objects[start : start + 2]}
        if start + 2 < len(self._objects):
            page |= {"more": True, "next": str(start + 2)}
        return Answer(page)


def read(server: Server, url: str = URL, **options: Any) -> list[Any]:
    return read_collection(url, open_session=lambda: server, environment=options.pop("environment", {}), **options)


def test_all_pages_are_read() -> None:
    server = Server(OBJECTS)
    assert read(server) == OBJECTS
    assert len(server.asked) == 1 + (len(OBJECTS) + 1) // 2
    for _, options in server.asked:
        assert options["allow_redirects"] is False
        assert options["timeout"] > 0
        assert "auth" not in options


def test_a_collection_becomes_pairs_through_the_path_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "Session", lambda: Server(OBJECTS))
    rows = list(Taxii(label="group", actors="group").read(Path(URL)))
    assert {row.label for row in rows if isinstance(row, Pair)} == {"G9001", "G9002"}


def test_credentials_come_from_the_environment() -> None:
    server = Server(OBJECTS)
    read(server, environment={taxii.USER: "u", taxii.PASSWORD: "p"}, added_after="2024-01-01T00:00:00Z")
    assert server.asked[0][1]["auth"] == ("u", "p")
    assert server.asked[-1][1]["params"]["added_after"] == "2024-01-01T00:00:00Z"
    server = Server(OBJECTS)
    read(server, environment={taxii.TOKEN: "t"})
    assert server.asked[0][1]["headers"]["Authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("special", "says"),
    [
        ({"answer": Answer({}, 401)}, "answered 401; set THREATCLIP_TAXII_USER"),
        ({"answer": Answer({}, 302)}, "it redirects, which is not followed"),
        ({"info": Answer({}, 404)}, "answered 404; is it the URL"),
        ({"answer": Answer({}, kind="text/html")}, "not application/taxii"),
        ({"answer": Answer(b"{")}, "broken JSON"),
        ({"answer": Answer([])}, "without a list of objects"),
        ({"answer": Answer({"objects": {}})}, "without a list of objects"),
        ({"answer": Answer({"objects": [], "more": True})}, "there is more but not where"),
        ({"answer": Answer({"objects": [], "more": True, "next": "a"})}, "there is more but not where"),
        ({"answer": Answer({"objects": [3]})}, "object 1 is a JSON int"),
        ({"info": Answer([])}, "cannot read"),
        ({"info": Answer({"id": ID})}, "cannot read"),
        ({"info": Answer({**INFO, "can_read": False})}, "cannot read"),
        ({"fault": requests.ConnectionError("no\nroute")}, "cannot read .*: no route"),
    ],
)
def test_whatever_a_server_answers_is_told_in_a_line(special: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as told:
        read(Server([], **special))
    assert "\n" not in str(told.value)


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taxii, "BUNDLE_LIMIT_BYTES", 2_000)
    with pytest.raises(InputError, match="more than 2,000 bytes"):
        read(Server(OBJECTS))
    monkeypatch.undo()
    monkeypatch.setattr(taxii, "OBJECT_LIMIT", 3)
    with pytest.raises(InputError, match="more than 3 objects"):
        read(Server(OBJECTS))
    monkeypatch.undo()
    monkeypatch.setattr(taxii, "PAGE_LIMIT", 2)
    with pytest.raises(InputError, match="more than 2 pages"):
        read(Server(OBJECTS))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://taxii.example.test/c", "use https"),
        ("https://user:secret@taxii.example.test/c", "holds a password"),
        ("ftp://x/y", "is no URL"),
        ("bundle.json", "is no URL"),
        ("https://[::1/c", "is no URL"),
        ("https://", "is no URL"),
    ],
)
def test_urls_that_are_not_to_be_asked(url: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as told:
        collection_url(url)
    assert "secret" not in str(told.value)


def test_a_url_survives_being_taken_for_a_path() -> None:
    assert collection_url(str(Path(URL))) == URL
    assert collection_url("http://127.0.0.1:9/c") == "http://127.0.0.1:9/c/"
