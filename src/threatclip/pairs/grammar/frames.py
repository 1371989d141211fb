"""Realistic HTTP requests around an attack string: any placement, encoding level, headers, and requests before it."""

from __future__ import annotations

import re

import numpy as np

from threatclip.pairs.grammar import escapes
from threatclip.pairs.grammar.engine import FIRST_YEAR
from threatclip.pairs.grammar.places import FILLERS, LINE_END, Draft
from threatclip.pairs.grammar.scene import Scene, draw_scene, surroundings_grammar
from threatclip.pairs.grammar.start import Place
from threatclip.pairs.grammar.terminals import site

_PARAM_SHARES: tuple[tuple[Place, float, float], ...] = (  # place, share, share in applications that speak JSON
    ("query", 0.52, 0.27),
    ("form", 0.25, 0.09),
    ("json", 0.04, 0.40),
    ("multipart", 0.04, 0.02),
    ("cookie", 0.03, 0.02),
    ("header", 0.03, 0.04),
    ("path", 0.05, 0.09),
    ("xmlfield", 0.03, 0.02),
    ("graphql", 0.01, 0.05),
)
PARAM_PLACES: tuple[Place, ...] = tuple(place for place, _, _ in _PARAM_SHARES)
_PLAIN_BOUNDS = np.cumsum([share for _, share, _ in _PARAM_SHARES])
_JSON_BOUNDS = np.cumsum([share for _, _, share in _PARAM_SHARES])
_JSON_STYLES = frozenset({"rest", "node", "graphql", "python"})
_FILE_NAME = re.compile(r'filename\*?="?(?:utf-8\'\')?([^"\r\n]+)')


def draw_place(rng: np.random.Generator, scene: Scene) -> Place:
    """Return where a parameter of `scene` travels."""
    bounds = _JSON_BOUNDS if scene.style in _JSON_STYLES else _PLAIN_BOUNDS
    return PARAM_PLACES[min(int(np.searchsorted(bounds, rng.random())), len(PARAM_PLACES) - 1)]


def wrap_in_request(
    value: str,
    rng: np.random.Generator,
    *,
    place: Place = "param",
    scene: Scene | None = None,
    year: int | None = None,
) -> bytes:
    """Put an attack string into one to three realistic HTTP requests and return their bytes.

    Args:
        value: the attack, unescaped; raw bytes as surrogate escapes.
        rng: the only source of randomness.
        place: where the value stands; `"param"` lets the frame choose.
        scene: path, parameter and year to use; drawn when absent.
        year: the year of a drawn scene.
    """
    chosen = draw_scene(rng, year=year) if scene is None else scene
    draft = Draft(rng, chosen)
    if place == "param":
        place = draw_place(rng, chosen)
    FILLERS[place](draft, value)
    host = site(rng.random)
    newline = "\r\n" if draft.chance(0.3) else "\n"
    requests = [_render(draft, host, newline)]
    if draft.chance(0.16):
        requests.insert(0, _side_request(draft, "first", host))
    shell = _FILE_NAME.search(value) if place == "part" else None
    if shell is not None and draft.chance(0.45):
        name = escapes.for_target(shell[1].rsplit("/", 1)[-1].rsplit("\\", 1)[-1])
        requests.append(_side_request(draft, "after", host, shell=name))
    elif draft.chance(0.05):
        requests.append(_side_request(draft, "second", host))
    return escapes.raw((newline + newline).join(request.replace(LINE_END, newline) for request in requests))


def _render(draft: Draft, host: str, newline: str) -> str:
    """Write the draft; frame line ends are marked so that the payload's own line ends stay as they are."""
    lines = [_request_line(draft)]
    own = {line.partition(":")[0].lower() for line in draft.headers}
    headers = [] if "host" in own else [f"Host: {host}"]
    headers += _client_headers(draft, host, own)
    headers.extend(draft.headers)
    if draft.body and draft.chance(0.6) and "content-length" not in own:
        headers.append(f"Content-Length: {len(escapes.raw(draft.body.replace(LINE_END, newline)))}")
    if draft.chance(0.15):
        headers[1:] = [headers[int(index)] for index in draft.rng.permutation(len(headers) - 1) + 1]
    return LINE_END.join([*lines, *headers]) + (
        f"{LINE_END}{LINE_END}{draft.body}" if draft.body else LINE_END if draft.chance(0.2) else ""
    )


def _request_line(draft: Draft) -> str:
    version = "HTTP/1.1"
    if draft.chance(0.05):
        version = "HTTP/2" if draft.scene.year >= 2020 and draft.chance(0.6) else "HTTP/1.0"
    return f"{draft.method} {escapes.for_target(draft.target)} {version}"


def _client_headers(draft: Draft, host: str, own: set[str]) -> list[str]:
    grammar, since = surroundings_grammar(), draft.scene.year - FIRST_YEAR
    bindings = {"slug": draft.scene.slug, "host": host, "chrome": str(20 + since * 9), "firefox": str(12 + since * 9)}
    headers: list[str] = []
    if draft.chance(0.62) and "user-agent" not in own:
        headers.append("User-Agent: " + grammar.expand("agent", draft.rng, year=draft.scene.year, bindings=bindings))
    for _ in range(int(draft.rng.random() ** 2 * 7)):
        line = grammar.expand("header_line", draft.rng, year=draft.scene.year, bindings=bindings)
        name = line.partition(":")[0].lower()
        if name not in own:
            own.add(name)
            headers.append(line)
    return headers


def _side_request(draft: Draft, rule: str, host: str, *, shell: str = "") -> str:
    bindings = {"slug": draft.scene.slug, "shell": shell, "year": str(draft.scene.year)}
    text = surroundings_grammar().expand(rule, draft.rng, year=draft.scene.year, bindings=bindings)
    line, *rest = text.split("¶")
    return LINE_END.join([line, f"Host: {host}", *rest])
