"""Nuclei templates: the upstream YAML tree itself, or JSON Lines of requests that were rendered before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.placeholders import Placeholders
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, json_records, rows_of
from threatclip.pairs.sources.values import as_text, as_time, to_utf8
from threatclip.pairs.sources.yaml_files import is_yaml, yaml_records
from threatclip.pairs.weaknesses import weakness_of_cwes
from threatclip.seeds import rng

REQUEST_LIMIT = 8192  # bytes of one request; longer ones are cut
_REQUESTS_LIMIT = 1000
_CVE = re.compile(r"CVE-(\d{4})-\d{4,9}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuclei:
    """A folder of templates, one template, or JSON Lines with `id requests description ...`.

    The view is every request of a template, joined by blank lines; the caption its description; the label the class
    of its first CWE that maps. Tags, name, id and path say the class in plain words and reach neither (tags and
    product facts rest in meta).
    """

    kind: Literal["nuclei"] = "nuclei"
    modality: ClassVar[Modality] = "payload"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every template.

        Raises:
            InputError: an unusable file or folder.
        """
        if path.is_dir() or is_yaml(path):
            yield from rows_of(yaml_records(path), template_pair)
        else:
            yield from rows_of(json_records(path), _rendered_pair)


def _rendered_pair(record: Record) -> Pair:
    row = record.value
    requests = row.get("requests")
    if not isinstance(requests, list) or not all(isinstance(request, str) for request in requests):
        raise RowFault("requests is not a list of strings")
    if not any(requests):
        raise NoPair("no request")
    cwes = row.get("cwe_all") or [row.get("cwe_id") or ""]
    return _pair(
        template_id=as_text(row.get("id"), what="id") or "",
        view=to_utf8("\n\n".join(requests), what="requests"),
        description=row.get("description"),
        label=as_text(row.get("threat_class"), what="threat_class") or weakness_of_cwes(_texts(cwes)),
        cve=as_text(row.get("cve_id"), what="cve_id"),
        year=row.get("year"),
        facts={
            "cwe": " ".join(_texts(cwes)),
            "tags": ",".join(_texts(row.get("tags"))),
            **{name: row.get(name) for name in ("vendor", "product", "kind")},
        },
    )


def template_pair(record: Record) -> Pair:
    """Return the pair of one parsed template.

    Raises:
        NoPair: a YAML file that is no template, or a template without an HTTP request.
        RowFault: a template that is broken.
    """
    template = record.value
    if not isinstance(template, dict) or "id" not in template or not isinstance(template.get("info"), dict):
        raise NoPair("not a template: no id or info")
    template_id, info = template["id"], template["info"]
    if not isinstance(template_id, str) or not template_id:
        raise RowFault("the id is not text")
    requests = list(template_requests(template))
    if not requests:
        raise NoPair("no HTTP request")
    placeholders = Placeholders(_variables(template), rng(0, f"nuclei/{template_id}"))
    rendered = [cut for text in requests if (cut := placeholders.fill(text)[:REQUEST_LIMIT].strip())]
    classified = _mapping(info.get("classification"))
    cwes = _texts(classified.get("cwe-id"))
    cve = next(iter(_texts(classified.get("cve-id"))), None) or (template_id if _CVE.fullmatch(template_id) else None)
    match = _CVE.fullmatch(cve or "")
    facts = _mapping(info.get("metadata"))
    return _pair(
        template_id=template_id,
        view=b"\n\n".join(rendered),
        description=info.get("description"),
        label=weakness_of_cwes(cwes),
        cve=cve.upper() if cve else None,
        year=match[1] if match else None,
        facts={
            "cwe": " ".join(cwes),
            "tags": ",".join(_texts(info.get("tags"))),
            "vendor": facts.get("vendor"),
            "product": facts.get("product"),
            "kind": "http",
        },
    )


def template_requests(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the request texts of a template, placeholders and all: `raw` ones, then one for each `path`."""
    blocks = template.get("http") or template.get("requests") or []
    if not isinstance(blocks, list):
        raise RowFault("http is not a list")
    count = 0
    for block in blocks:
        if not isinstance(block, dict):
            raise RowFault("an http block is not a mapping")
        for text in (*_raw_requests(block), *_path_requests(block)):
            count += 1
            if count > _REQUESTS_LIMIT:
                raise RowFault(f"more than {_REQUESTS_LIMIT} requests")
            yield text


def _raw_requests(block: Mapping[str, Any]) -> Iterator[str]:
    for raw in _texts(block.get("raw"), separator=None):
        lines = raw.replace("\r\n", "\n").lstrip("\n").split("\n")
        while lines and (lines[0].startswith("@") or not lines[0].strip()):
            lines.pop(0)  # annotations to the scanner, such as @timeout
        if text := "\n".join(lines).strip():
            yield text


def _path_requests(block: Mapping[str, Any]) -> Iterator[str]:
    headers = "".join(f"\n{name}: {value}" for name, value in _mapping(block.get("headers")).items())
    body = block.get("body")
    body = f"\n\n{body.strip()}" if isinstance(body, str) and body.strip() else ""
    method = block.get("method") or "GET"
    for path in _texts(block.get("path"), separator=None):
        target = re.sub(r"^\{\{\s*(BaseURL|RootURL)\s*\}\}", "", path) or "/"
        yield f"{method} {target} HTTP/1.1\nHost: {{{{Hostname}}}}{headers}{body}"


def _variables(template: Mapping[str, Any]) -> dict[str, str]:
    """Return what placeholders stand for: the template's variables, and the first of each list of payloads."""
    found: dict[str, str] = {}
    blocks = template.get("http") or template.get("requests") or []
    for block in blocks:
        for name, values in _mapping(block.get("payloads")).items():
            first = next(iter(values.values()), None) if isinstance(values, dict) else values
            # a plain string names a word list that is not here: it stays unknown
            if isinstance(first, list) and first and isinstance(first[0], str):
                found.setdefault(name, first[0])
    variables = _mapping(template.get("variables"))
    return found | {name: value for name, value in variables.items() if isinstance(value, str)}


def _pair(
    *,
    template_id: str,
    view: bytes,
    description: Any,
    label: str | None,
    cve: str | None,
    year: Any,
    facts: Mapping[str, Any],
) -> Pair:
    caption = as_text(description, what="description")
    meta = {"source": "nuclei", "cve": cve, **facts}
    return Pair(
        id=template_id,
        view=view,
        caption=caption.strip() or None if caption else None,
        label=label,
        group=cve or template_id,
        time=as_time(year, what="year"),
        meta={name: text for name, value in meta.items() if (text := as_text(value, what=name))},
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any, *, separator: str | None = ",") -> list[str]:
    """Return a list of strings from a list, or from one string that may hold several."""
    if isinstance(value, str):
        value = value.split(separator) if separator else [value]
    if not isinstance(value, list):
        return []
    return [item.strip() if separator else item for item in value if isinstance(item, str) and item.strip()]
