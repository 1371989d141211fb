"""The generated parts of the pages about attacks and defenses: a row a member, read from the union."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any, get_type_hints

from threatclip.attacks import ATTACKS
from threatclip.defenses.detectors import DETECTORS
from threatclip.defenses.filters import FILTERS
from threatclip.defenses.repairs import REPAIRS
from threatclip.defenses.scanners import SCANNERS
from threatclip.experiments.config import default_settings

BEGIN, END = "<!-- written by `make docs` from here -->", "<!-- to here -->"


def attacks_page(page: str) -> str:
    """Return the page about attacks with its tables written anew; see `page_of`."""
    return page_of(ATTACKS, page)


def filters_page(page: str) -> str:
    """Return the page about filters with its tables written anew; see `page_of`."""
    return page_of(FILTERS, page)


def repairs_page(page: str) -> str:
    """Return the page about repairs with its tables written anew; see `page_of`."""
    return page_of(REPAIRS, page)


def detectors_page(page: str) -> str:
    """Return the page about detectors and scanners with its tables written anew; see `page_of`."""
    return page_of({**DETECTORS, **SCANNERS}, page)


def page_of(members: Mapping[str, Any], page: str) -> str:
    """Return the page with everything between its two marks written anew from the members of a union.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN if not begin else END}")
    return f"{before}{BEGIN}\n\n{_tables(members)}\n{END}{after}"


def _tables(members: Mapping[str, Any]) -> str:
    """Return the table of members and the parameters of each, as Markdown."""
    rows = [
        f"| [`{kind}`](#{kind}) | {', '.join(member.modalities)} | {about(member)} | {member.paper} |"
        for kind, member in members.items()
    ]
    parts = ["\n".join(["| kind | views | what it does | source |", "|---|---|---|---|", *rows])]
    parts += [_parameters(kind, member) for kind, member in members.items()]
    return "\n\n".join(parts) + "\n"


def about(member: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(member) or "").partition("\n")[0]


def _parameters(kind: str, member: Any) -> str:
    defaults, required = default_settings(member)
    rows = []
    for name, text in _documented(member).items():
        if name in required:
            rows.append(f"| `{name}` | must be given | {text} |")
        elif isinstance(defaults[name], dict):
            of_inner = _documented(get_type_hints(member)[name])
            rows += [
                f"| `{name}.{inner}` | {_code(value)} | {of_inner[inner]} |" for inner, value in defaults[name].items()
            ]
        else:
            rows.append(f"| `{name}` | {_code(defaults[name])} | {text} |")
    body = re.sub(r"\s+", " ", _body(inspect.getdoc(member) or ""))
    table = "\n".join(["| parameter | default | |", "|---|---|---|", *rows]) if rows else "No parameters."
    return "\n\n".join(part for part in (f"### `{kind}`", body, table) if part)


def _body(documented: str) -> str:
    """Return a docstring without its parameters."""
    return documented.partition("Attributes:")[0].strip()


def _documented(component: Any) -> dict[str, str]:
    """Return what the docstring of a dataclass says of each parameter."""
    found: dict[str, str] = {}
    name = ""
    for line in (inspect.getdoc(component) or "").partition("Attributes:\n")[2].splitlines():
        begins = re.match(r"^    (\w+): (.*)$", line)
        if begins:
            name, found[begins[1]] = begins[1], begins[2]
        elif line.strip() and name:
            found[name] += " " + line.strip()
    return {parameter: text.replace("|", "\\|") for parameter, text in found.items()}


def _code(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return ", ".join(f"`{item['kind']}`" for item in value)  # members of a union, each with its own defaults
    return (
        f"`{value:.4g}`" if isinstance(value, float) else f"`{value if isinstance(value, str) else json.dumps(value)}`"
    )
