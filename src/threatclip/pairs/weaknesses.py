"""The weakness classes: their CWE numbers and the generic texts ("anchors") that stand for a class.

Twelve classes show in a payload; three more show in descriptions only and serve text training. Anchors name no
product and no known case, so that a model cannot win by remembering one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One class: `name` as stored in labels, `title` for people, generic `anchors`, CWE numbers."""

    name: str
    title: str
    anchors: tuple[str, ...]
    cwe: tuple[int, ...]


def _numbers(*parts: int | range) -> tuple[int, ...]:
    return tuple(chain.from_iterable([part] if isinstance(part, int) else part for part in parts))


_PAYLOAD = (
    Weakness(
        name="xss",
        title="Cross-site scripting",
        anchors=(
            "cross-site scripting attack",
            "script injected into a web page and run in the victim's browser",
            "user input is echoed into HTML without encoding, so attacker-supplied JavaScript executes",
            "a request parameter carries a script tag or an event handler such as onerror or onload",
            "reflected or stored XSS through improperly neutralized markup",
        ),
        cwe=_numbers(range(79, 88)),
    ),
    Weakness(
        name="sql-injection",
        title="SQL injection",
        anchors=(
            "SQL injection attack",
            "attacker-controlled input changes the meaning of a database query",
            "a parameter closes a quote and appends UNION SELECT, a boolean condition or a time delay",
            "unsanitized value is concatenated into an SQL statement and lets a remote user read the database",
        ),
        cwe=(89, 564),
    ),
    Weakness(
        name="path-traversal",
        title="Path traversal and file inclusion",
        anchors=(
            "directory path traversal or local file inclusion attack",
            "dot-dot-slash sequences reach files outside the intended directory",
            "a file name parameter lets a remote user read arbitrary files such as the password file",
            "the application includes or downloads a local file chosen by the attacker",
        ),
        cwe=_numbers(range(22, 41), 73, 98),
    ),
    Weakness(
        name="command-injection",
        title="Operating system command injection",
        anchors=(
            "operating system command injection attack",
            "shell metacharacters in a parameter run commands on the server",
            "input is passed to a system shell, so an attacker can append commands with a semicolon, pipe or backtick",
            "remote users execute arbitrary OS commands such as id, ping or wget through a web interface",
        ),
        cwe=(77, 78, 88),
    ),
    Weakness(
        name="code-injection",
        title="Code and template injection",
        anchors=(
            "code injection or server-side template injection attack",
            "attacker-supplied text is evaluated as program code by the server's interpreter",
            "an expression language or template is evaluated with user input and yields remote code execution",
            "a request calls eval or a script engine with code chosen by the attacker",
        ),
        cwe=_numbers(range(94, 98), 917, 1336),
    ),
    Weakness(
        name="deserialization",
        title="Insecure deserialization",
        anchors=(
            "insecure deserialization attack",
            "a serialized object from an untrusted sender is decoded and triggers a gadget chain",
            "the server unmarshals attacker-controlled object data, which leads to code execution",
            "crafted Java, PHP, .NET or Python serialized data in a request body or cookie",
        ),
        cwe=(502,),
    ),
    Weakness(
        name="file-upload",
        title="Unrestricted file upload",
        anchors=(
            "unrestricted file upload of a web shell",
            "a multipart request stores an executable script on the server",
            "missing checks of type or extension let an attacker upload a dangerous file and then run it",
            "arbitrary file upload that leads to remote code execution",
        ),
        cwe=(434,),
    ),
    Weakness(
        name="ssrf",
        title="Server-side request forgery",
        anchors=(
            "server-side request forgery attack",
            "the server fetches a URL that the attacker supplies",
            "a parameter makes the application send requests to internal hosts or an attacker's listener",
            "abuse of a proxy, webhook or import feature to reach internal services or cloud metadata",
        ),
        cwe=(918,),
    ),
    Weakness(
        name="xxe",
        title="XML external entity injection",
        anchors=(
            "XML external entity injection attack",
            "an XML document declares an external entity that the parser resolves",
            "a DOCTYPE with a SYSTEM entity reads local files or contacts a remote server",
            "improper restriction of XML external entity references in an XML parser",
        ),
        cwe=(611, 776, 827),
    ),
    Weakness(
        name="open-redirect",
        title="Open redirect",
        anchors=(
            "open redirect attack",
            "a link on a trusted site forwards the visitor to a website chosen by the attacker",
            "the redirect or return URL parameter is not validated and points to an external domain",
            "URL redirection to an untrusted site, used for phishing",
        ),
        cwe=(601,),
    ),
    Weakness(
        name="info-exposure",
        title="Sensitive information disclosure",
        anchors=(
            "sensitive information disclosure",
            "an unprotected page or file reveals configuration, credentials, logs or internal details",
            "a remote visitor can read data that should not be public, such as debug output or a backup",
            "exposure of sensitive information to an unauthorized actor",
        ),
        cwe=(200, 201, 209, 215, 219, 359, 497, 530, 532, 538, 540, 548, 552, 668),
    ),
    Weakness(
        name="access-control",
        title="Authentication bypass and missing authorization",
        anchors=(
            "authentication bypass or missing authorization",
            "an administrative function can be used without logging in",
            "default or hard-coded credentials give an attacker access",
            "a missing permission check lets an unprivileged user act as another user or as administrator",
            "improper access control of an endpoint that changes settings or creates accounts",
        ),
        cwe=_numbers(
            *(259, 264, 266, 269, 276, 284, 285),
            *(range(287, 291), 294, range(302, 307), 425, 521, 522, 620, 639, 640, 732, 798, 862, 863, 1188, 1392),
        ),
    ),
)

_TEXT_ONLY = (
    Weakness(
        name="csrf",
        title="Cross-site request forgery",
        anchors=(
            "cross-site request forgery attack",
            "a forged request from another site acts with the victim's logged-in session",
            "missing anti-CSRF token lets an attacker change settings through a malicious link",
        ),
        cwe=(352,),
    ),
    Weakness(
        name="memory-safety",
        title="Memory corruption",
        anchors=(
            "memory corruption vulnerability",
            "buffer overflow, out-of-bounds access or use after free",
            "crafted input overflows a buffer or frees memory twice and may execute code or crash the program",
        ),
        cwe=_numbers(range(119, 128), 131, 190, 191, 193, 415, 416, 476, 787, 788, 805, 824, 843),
    ),
    Weakness(
        name="dos-resource",
        title="Resource exhaustion",
        anchors=(
            "denial of service by resource exhaustion",
            "crafted input causes an endless loop, excessive memory use or a very slow regular expression",
            "uncontrolled consumption of CPU or memory makes the service unavailable",
        ),
        cwe=(400, 401, 404, 674, 770, 772, 834, 835, 1333),
    ),
)

WEAKNESSES: Mapping[str, Weakness] = {weakness.name: weakness for weakness in _PAYLOAD}
TEXT_WEAKNESSES: Mapping[str, Weakness] = {weakness.name: weakness for weakness in (*_PAYLOAD, *_TEXT_ONLY)}

_CLASS_OF_CWE = {number: weakness.name for weakness in TEXT_WEAKNESSES.values() for number in weakness.cwe}
_CWE = re.compile(r"(?:CWE-)?(\d{1,5})", re.IGNORECASE | re.ASCII)


def weakness_of_cwes(cwes: Iterable[str | int], *, text_only: bool = True) -> str | None:
    """Return the class of the first of `cwes` ("CWE-79", "79" or 79) that maps, or None.

    CWE-20, CWE-74 and NVD's "Other" map to nothing: they say too little. With `text_only=False` the three classes
    that no payload shows are left out.
    """
    for cwe in cwes:
        match = _CWE.fullmatch(str(cwe).strip())
        name = _CLASS_OF_CWE.get(int(match[1])) if match else None
        if name is not None and (text_only or name in WEAKNESSES):
            return name
    return None
