"""How an attack string is put at each place of one request: the frame's fillers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from threatclip.pairs.grammar import escapes
from threatclip.pairs.grammar.scene import Scene, surroundings_grammar
from threatclip.pairs.grammar.start import SEPARATOR, Place
from threatclip.pairs.grammar.terminals import TERMINALS, pick

LINE_END = "\ue000"  # a frame's own line end until it is known; no grammar writes this character
_FORM = "application/x-www-form-urlencoded"


class Draft:
    """One request in the making; the frame functions fill it in."""

    def __init__(self, rng: np.random.Generator, scene: Scene) -> None:
        self.rng = rng
        self.scene = scene
        self.method = "GET"
        self.target = scene.path
        self.headers: list[str] = []
        self.body = ""

    def word(self, rule: str) -> str:
        """Expand a rule of the surroundings."""
        return surroundings_grammar().expand(
            rule, self.rng, year=self.scene.year, bindings={"slug": self.scene.slug, "year": str(self.scene.year)}
        )

    def terminal(self, name: str) -> str:
        return TERMINALS[name](self.rng.random)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def post(self, content_type: str, body: str, *, methods: tuple[str, ...] = ("POST",)) -> None:
        self.method = pick(self.rng.random, methods)
        self.headers.append(f"Content-Type: {content_type}")
        self.body = body

    def others(self) -> list[tuple[str, str]]:
        """Return none to four harmless parameters."""
        count = int(self.rng.random() ** 1.7 * 5)
        return [(self.terminal("name"), self.word("extra_value")) for _ in range(count)]

    def with_others(self, name: str, value: str) -> list[tuple[str, str]]:
        fields = self.others()
        fields.insert(int(self.rng.random() * (len(fields) + 1)), (name, value))
        return fields


def _query(draft: Draft, value: str) -> None:
    fields = draft.with_others(draft.scene.parameter, escapes.for_query(value, draft.rng))
    glue = "&" if "?" in draft.target else "?"
    draft.target += glue + "&".join(f"{name}={text}" for name, text in fields)
    if draft.chance(0.08):
        draft.post(_FORM, "&".join(f"{name}={text}" for name, text in draft.others()))


def _form(draft: Draft, value: str) -> None:
    fields = draft.with_others(draft.scene.parameter, escapes.for_query(value, draft.rng))
    draft.post(
        _FORM, "&".join(f"{name}={text}" for name, text in fields), methods=("POST", "POST", "POST", "POST", "PUT")
    )


def _json(draft: Draft, value: str) -> None:
    pairs = [f'"{draft.scene.parameter}":{escapes.for_json(value, draft.rng)}']
    for name, text in draft.others():
        pairs.insert(int(draft.rng.random() * (len(pairs) + 1)), f'"{name}":{_json_scalar(text)}')
    body = "{" + ",".join(pairs) + "}"
    for _ in range(int(draft.rng.random() ** 3 * 3)):
        body = f'{{"{draft.terminal("name")}":{body}}}' if draft.chance(0.75) else f"[{body}]"
    draft.post(_json_type(draft), body, methods=("POST", "POST", "POST", "PUT", "PATCH"))


def _json_scalar(text: str) -> str:
    return text if (text.isdigit() and not text.startswith("0")) or text in ("true", "false", "0") else f'"{text}"'


def _json_type(draft: Draft) -> str:
    return "application/json" if draft.chance(0.8) else "application/json; charset=utf-8"


def _graphql(draft: Draft, value: str) -> None:
    field, name = draft.terminal("word"), draft.scene.parameter
    literal = escapes.for_json(value, draft.rng)
    if draft.chance(0.5):
        body = f'{{"query":"query Q($v:String){{ {field}({name}:$v){{ id }} }}","variables":{{"v":{literal}}}}}'
    else:
        inner = literal.replace("\\", "\\\\").replace('"', '\\"')
        body = f'{{"query":"{pick(draft.rng.random, ("query", "mutation"))} {{ {field}({name}: {inner}) {{ id }} }}"}}'
    draft.post(_json_type(draft), body)


def _multipart(draft: Draft, value: str) -> None:
    part = f'Content-Disposition: form-data; name="{draft.scene.parameter}"\r\n\r\n{value}'
    _part(draft, part)


def _part(draft: Draft, value: str) -> None:
    boundary = draft.word("boundary")
    head, blank, content = value.partition("\r\n\r\n")
    parts = [head.replace("\r\n", LINE_END) + LINE_END + LINE_END + content if blank else value]
    for name, text in draft.others()[:3]:
        field = f'Content-Disposition: form-data; name="{name}"{LINE_END}{LINE_END}{text}'
        parts.insert(int(draft.rng.random() * (len(parts) + 1)), field)
    body = "".join(f"--{boundary}{LINE_END}{part}{LINE_END}" for part in parts) + f"--{boundary}--"
    draft.post(f"multipart/form-data; boundary={boundary}", body)


def _cookie(draft: Draft, value: str) -> None:
    cookie = f"{draft.scene.parameter}={escapes.for_cookie(value, draft.rng)}"
    more = "; ".join(f"{name}={text}" for name, text in draft.others()[:2])
    draft.headers.append(f"Cookie: {cookie}; {more}" if more else f"Cookie: {cookie}")


def _header(draft: Draft, value: str) -> None:
    draft.headers.append(f"{draft.word('attack_header')}: {escapes.for_header(value) or '-'}")
    if draft.chance(0.2):
        draft.post(_FORM, "&".join(f"{name}={text}" for name, text in draft.others()))


def _path(draft: Draft, value: str) -> None:
    base = draft.target.partition("?")[0].rsplit("/", 1)[0]
    after = pick(draft.rng.random, ("", "", "", "/", f"/{draft.terminal('word')}", f".{draft.terminal('abc')}"))
    draft.target = f"{base}/{escapes.for_path(value, draft.rng)}{after}"


def _xml_field(draft: Draft, value: str) -> None:
    text, root, name = escapes.for_xml(value, draft.rng), draft.terminal("word"), draft.terminal("word")
    fields = "".join(f"<f{index}>{other}</f{index}>" for index, (_, other) in enumerate(draft.others()))
    body = f"<{root}>{fields}<{name}>{text}</{name}></{root}>"
    if draft.chance(0.4):
        soap = "http://schemas.xmlsoap.org/soap/envelope/"
        body = f'<soap:Envelope xmlns:soap="{soap}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    _xml(draft, ('<?xml version="1.0"?>' if draft.chance(0.7) else "") + body)


def _name(draft: Draft, value: str) -> None:
    text = escapes.for_query(value, draft.rng).replace("=", "%3D")
    fields = "&".join(f"{name}={other}" for name, other in draft.with_others(text, draft.word("extra_value")))
    if draft.chance(0.6):
        draft.target += ("&" if "?" in draft.target else "?") + fields
    else:
        draft.post(_FORM, fields)


def _tail(draft: Draft, value: str) -> None:
    prefix = ""
    if draft.chance(0.3):
        prefix = draft.target.partition("?")[0].rsplit("/", 1)[0]
    draft.target = prefix + value


def _target(draft: Draft, value: str) -> None:
    draft.target = (f"/{draft.scene.slug}" if draft.chance(0.08) else "") + value
    if draft.chance(0.05):
        draft.method = pick(draft.rng.random, ("POST", "HEAD", "OPTIONS"))


def _xml(draft: Draft, value: str) -> None:
    types = ("text/xml", "application/xml", "text/xml; charset=utf-8", "application/soap+xml", "application/xml")
    draft.post(pick(draft.rng.random, types), value, methods=("POST", "POST", "POST", "PUT"))
    if "nvelope" in value and draft.chance(0.5):
        draft.headers.append(f'SOAPAction: "{draft.terminal("word")}"')


def _json_body(draft: Draft, value: str) -> None:
    draft.post(_json_type(draft), value, methods=("POST", "POST", "POST", "POST", "PUT"))


def _form_body(draft: Draft, value: str) -> None:
    draft.post(_FORM, escapes.for_target(value))


def _binary(draft: Draft, value: str) -> None:
    types = ("application/octet-stream", "text/plain", _FORM, "application/x-java-serialized-object", "*/*")
    draft.post(pick(draft.rng.random, types), value)


def _put(draft: Draft, value: str) -> None:
    path, _, content = value.partition(SEPARATOR)
    draft.target = path
    draft.post(pick(draft.rng.random, ("text/plain", _FORM, "application/octet-stream")), content, methods=("PUT",))


def _message(draft: Draft, value: str) -> None:
    head, _, body = value.partition("\n\n")
    line, *headers = head.split("\n")
    draft.method, _, target = line.partition(" ")
    draft.target = target.strip() or draft.scene.path
    draft.headers.extend(line for line in headers if ":" in line)
    draft.body = body


FILLERS: Mapping[Place, Callable[[Draft, str], None]] = {
    "query": _query,
    "form": _form,
    "json": _json,
    "graphql": _graphql,
    "multipart": _multipart,
    "cookie": _cookie,
    "header": _header,
    "path": _path,
    "xmlfield": _xml_field,
    "name": _name,
    "tail": _tail,
    "target": _target,
    "xml": _xml,
    "jsonbody": _json_body,
    "formbody": _form_body,
    "binary": _binary,
    "part": _part,
    "put": _put,
    "message": _message,
}
