"""Scanner placeholders such as {{Hostname}} filled with neutral values, so that the scanner's own words are no label.

The rule (every source of nuclei pairs follows it): hosts become one neutral host per template; variables are
resolved; simple helpers are evaluated; call-back addresses become a random label under a neutral domain; names that
say user, password, token or id become plausible values; all else becomes 6 to 10 random characters. Everything is
drawn from a generator seeded by the template's id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from threatclip.pairs.sources.dsl import evaluate, random_text

_HOSTS = (
    "www.example.test",
    "shop.north.test",
    "intranet.office.test",
    "api.backend.test:8443",
    "cms.publisher.test",
    "files.campus.test",
    "192.0.2.44",
    "198.51.100.7:8080",
    "203.0.113.25",
    "10.1.8.30",
)
_CALLBACK_DOMAINS = ("cb-east.test", "oob-relay.test", "x-echo.test", "ping-back.test")
_USERS = ("admin", "user1", "jdoe", "editor", "operator", "test", "maria", "guest")
_PASSWORDS = ("Passw0rd", "admin123", "Summer2019!", "letmein1", "Qx7-rain", "changeme", "test1234")
_INNERMOST = re.compile(rb"\{\{((?:(?!\{\{|\}\}).)*)\}\}", re.DOTALL)
_BROKEN = re.compile(rb"\{\{(Hostname|BaseURL|RootURL)\}(?!\})")  # a slip that upstream templates do make
_PASSES = 8
_TEXT_LIMIT_BYTES = 2**20


class Placeholders:
    """Fills the placeholders of one template; the same name has the same value in all of its requests."""

    def __init__(self, variables: Mapping[str, str], rng: np.random.Generator) -> None:
        self._variables = variables
        self._rng = rng
        self._host = _HOSTS[rng.integers(len(_HOSTS))]
        self._values: dict[str, bytes] = {}
        self._resolving: list[str] = []

    def fill(self, text: str) -> bytes:
        """Return `text` as UTF-8 bytes with no placeholder left."""
        content = _BROKEN.sub(rb"{{\1}}", text.encode("utf-8", "replace"))
        for _ in range(_PASSES):
            content, count = _INNERMOST.subn(self._fill_one, content)
            if not count or len(content) > _TEXT_LIMIT_BYTES:
                break
        return _INNERMOST.sub(lambda _: self._unknown(), content)

    def _fill_one(self, match: re.Match[bytes]) -> bytes:
        expression = match[1].strip()
        name = expression.decode("latin-1")
        if re.fullmatch(r"[\w.-]+", name, re.ASCII):
            return self._value(name)
        found = evaluate(expression, self._value, self._rng)
        return self._unknown() if found is None else found

    def _value(self, name: str) -> bytes:
        if "interactsh" in name or "oast" in name.lower():
            return self._callback()
        if name not in self._values:
            self._values[name] = self._variable(name) if name in self._variables else self._plausible(name)
        return self._values[name]

    def _variable(self, name: str) -> bytes:
        if name in self._resolving or len(self._resolving) > _PASSES:
            return self._unknown()
        self._resolving.append(name)
        try:
            return self.fill(self._variables[name])
        finally:
            self._resolving.pop()

    def _plausible(self, name: str) -> bytes:
        lowered = name.lower()
        for pattern, make in _PLAUSIBLE:
            if pattern.search(lowered):
                return make(self._rng, self._host).encode()
        return self._unknown()

    def _callback(self) -> bytes:
        domain = _CALLBACK_DOMAINS[self._rng.integers(len(_CALLBACK_DOMAINS))]
        return f"{random_text(self._rng, int(self._rng.integers(10, 17)))}.{domain}".encode()

    def _unknown(self) -> bytes:
        return random_text(self._rng, int(self._rng.integers(6, 11))).encode()


def _one_of(choices: tuple[str, ...]) -> Callable[[np.random.Generator, str], str]:
    return lambda rng, _host: choices[rng.integers(len(choices))]


def _digits(rng: np.random.Generator, _host: str) -> str:
    return str(rng.integers(100, 100_000))


def _token(rng: np.random.Generator, _host: str) -> str:
    return random_text(rng, int(rng.choice([10, 32])), "0123456789abcdef")


_PLAUSIBLE: tuple[tuple[re.Pattern[str], Callable[[np.random.Generator, str], str]], ...] = (
    (re.compile(r"^(baseurl|rooturl)$"), lambda _rng, host: f"http://{host}"),
    (re.compile(r"^(hostname|host|fqdn|rdn|dn|ip)$"), lambda _rng, host: host),
    (re.compile(r"^port$"), lambda _rng, host: host.partition(":")[2] or "80"),
    (re.compile(r"^(scheme|schema)$"), lambda _rng, _host: "http"),
    (re.compile(r"^randstr"), lambda rng, _host: random_text(rng, 10)),
    (re.compile(r"mail"), lambda rng, host: f"{_one_of(_USERS)(rng, host)}@example.test"),
    (re.compile(r"pass|pwd"), _one_of(_PASSWORDS)),
    (re.compile(r"token|nonce|csrf|session|sess_?id|cookie|sid$|hash|jwt|api_?key"), _token),
    (re.compile(r"user|uname|login|account"), _one_of(_USERS)),
    (re.compile(r"boundary"), lambda rng, _host: random_text(rng, 16)),
    (re.compile(r"(^|[_-])(id|ids)\d*$|[a-z]id$|^(rand|num|number)_?\d*$|year|month"), _digits),
)
