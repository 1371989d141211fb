"""Where an attack string may stand in a request, and how often a grammar starts with which rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal[
    "param",  # any parameter: the frame chooses query, form, JSON, cookie, header, path, ...
    "query", "form", "json", "multipart", "cookie", "header", "path", "xmlfield", "graphql",
    "name",  # the name of a parameter, not its value
    "tail",  # the end of the request target, from a slash on
    "target",  # the whole request target
    "xml", "jsonbody", "formbody", "binary",  # a whole body
    "part",  # headers and content of one multipart part
    "put",  # a path and the content put there, joined by SEPARATOR
    "message",  # method and target, header lines and body: everything but host and client headers
]  # fmt: skip

PARAM: tuple[Place, ...] = ("param",)
SEPARATOR = "\x1e"


@dataclass(frozen=True, slots=True)
class Start:
    """One start rule of a grammar, its weight among the starts, and the places where its texts may stand.

    `family` names the technology that the rule attacks ("PHP", "Java" ...), or is empty when any will do: the payloads
    of one flaw keep to one family, and its application and description fit.
    """

    rule: str
    weight: float = 1.0
    places: tuple[Place, ...] = PARAM
    family: str = ""
