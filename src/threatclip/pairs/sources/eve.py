"""Suricata EVE JSON: what a client sent, from whichever field of the event holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, json_records, rows_of, stem_of
from threatclip.pairs.sources.values import as_text, as_time, from_base64, to_utf8

_HTTP_HEADERS = (
    ("hostname", "Host"),
    ("http_user_agent", "User-Agent"),
    ("http_refer", "Referer"),
    ("http_content_type", "Content-Type"),
    ("cookie", "Cookie"),
)
_META = ("event_type", "src_ip", "dest_ip", "dest_port", "direction", "app_proto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Eve:
    """EVE JSON, one event a line, plain or gzip'd.

    The view is the base64 `payload`; without it `payload_printable` (in which Suricata has put dots for bytes that
    do not print); without that, the request rebuilt from the http fields. An event with none of the three is skipped
    with a reason. `meta.payload_from` tells which it was; the id is `FLOW:LINE`, or `FILE:LINE` without a flow.
    """

    kind: Literal["eve"] = "eve"
    modality: ClassVar[Modality] = "payload"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every event.

        Raises:
            InputError: an unusable file.
        """
        yield from rows_of(json_records(path), eve_pair)


def eve_pair(record: Record) -> Pair:
    """Return what the client sent in one event.

    Raises:
        RowFault: the event is broken.
        NoPair: it holds nothing that a client sent.
    """
    event = record.value
    view, origin = _payload(event)
    alert = event.get("alert") if isinstance(event.get("alert"), dict) else {}
    facts = {name: event.get(name) for name in _META}
    facts |= {"signature": alert.get("signature"), "signature_id": alert.get("signature_id")}
    flow = as_text(event.get("flow_id"), what="flow_id")
    return Pair(
        id=f"{flow or stem_of(record.path)}:{record.line}",
        view=view,
        time=as_time(event.get("timestamp"), what="timestamp"),
        meta={
            "source": "eve",
            "payload_from": origin,
            **{name: text for name, value in facts.items() if (text := as_text(value, what=name))},
        },
    )


def _payload(event: Mapping[str, Any]) -> tuple[bytes, str]:
    coded = as_text(event.get("payload"), what="payload")
    if coded is not None:
        return from_base64(coded, what="payload"), "payload"
    printable = as_text(event.get("payload_printable"), what="payload_printable")
    if printable is not None:
        return to_utf8(printable, what="payload_printable"), "payload_printable"
    http = event.get("http")
    if http is not None and not isinstance(http, dict):
        raise RowFault("http is not an object")
    if http and http.get("url") is not None:
        return _rebuilt(http), "http"
    raise NoPair("the event has neither payload, payload_printable nor http.url")


def _rebuilt(http: Mapping[str, Any]) -> bytes:
    """Return the request that the http fields tell of; headers that EVE did not log are missing."""

    def field(name: str) -> str:
        return as_text(http.get(name), what=f"http.{name}") or ""

    lines = [f"{field('http_method') or 'GET'} {field('url') or '/'} {field('protocol') or 'HTTP/1.1'}"]
    logged = http.get("request_headers")
    logged = [item for item in logged if isinstance(item, dict)] if isinstance(logged, list) else []
    headers = [(as_text(item.get("name"), what="a header's name") or "", item.get("value")) for item in logged]
    named = {name.lower() for name, _ in headers}
    headers = [(title, http.get(name)) for name, title in _HTTP_HEADERS if title.lower() not in named] + headers
    for title, value in headers:
        text = as_text(value, what=f"header {title}")
        if title and text is not None:
            lines.append(f"{title}: {text}")
    coded, printable = field("http_request_body"), field("http_request_body_printable")
    body = from_base64(coded, what="http_request_body") if coded else to_utf8(printable, what="the body")
    return to_utf8("\r\n".join(lines), what="http") + b"\r\n\r\n" + body
