"""The simple part of the expression language in scanner templates: string helpers, random values, concatenation.

Values are bytes, because helpers such as `hex_decode` yield any bytes. Whatever is not simple (code generation,
encryption, waiting, arithmetic) is unknown here and evaluates to None.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
import string
from collections.abc import Callable
from urllib.parse import quote_plus, unquote_to_bytes

import numpy as np

Lookup = Callable[[str], bytes | None]

_VALUE_LIMIT_BYTES = 2**16
_EXPRESSION_LIMIT = 4096
_CALL_DEPTH = 12
_TOKEN = re.compile(
    rb"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d{1,18})(?![\w.])"""
    rb"""|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>[(),+]))""",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}


class _Unknown(Exception):  # noqa: N818 - ends an evaluation; never leaves this module
    """The expression is not simple."""


def evaluate(expression: bytes, look_up: Lookup, rng: np.random.Generator) -> bytes | None:
    """Return the value of `expression`, or None when it is not simple or a name in it is unknown."""
    try:
        tokens = _tokens(expression)
        value = _sum(tokens, look_up, rng, 0)
        return None if tokens else value
    except (_Unknown, ValueError, IndexError):
        return None


def random_text(rng: np.random.Generator, length: int, alphabet: str = string.ascii_lowercase + string.digits) -> str:
    """Return `length` random characters of `alphabet`."""
    return "".join(alphabet[place] for place in rng.integers(len(alphabet), size=length))


def _tokens(expression: bytes) -> list[tuple[str, bytes]]:
    tokens, place, end = [], 0, len(expression.rstrip())
    if end > _EXPRESSION_LIMIT:
        raise _Unknown
    while place < end:
        match = _TOKEN.match(expression, place)
        if match is None or match.lastgroup is None:
            raise _Unknown
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    tokens.reverse()  # so that the next one is popped from the end
    return tokens


def _sum(tokens: list[tuple[str, bytes]], look_up: Lookup, rng: np.random.Generator, depth: int) -> bytes:
    value = _term(tokens, look_up, rng, depth)
    while tokens and tokens[-1][1] == b"+" and tokens[-1][0] == "sign":
        tokens.pop()
        value += _term(tokens, look_up, rng, depth)
    if len(value) > _VALUE_LIMIT_BYTES:
        raise _Unknown
    return value


def _term(tokens: list[tuple[str, bytes]], look_up: Lookup, rng: np.random.Generator, depth: int) -> bytes:
    if depth > _CALL_DEPTH:
        raise _Unknown
    kind, text = tokens.pop()
    if kind == "string":
        return _ESCAPE.sub(_unescape, text[1:-1])
    if kind == "number":
        return text
    if kind == "sign":
        raise _Unknown
    name = text.decode()
    if tokens and tokens[-1] == ("sign", b"("):
        tokens.pop()
        return _call(name, _arguments(tokens, look_up, rng, depth + 1), rng)
    value = look_up(name)
    if value is None:
        raise _Unknown
    return value


def _arguments(tokens: list[tuple[str, bytes]], look_up: Lookup, rng: np.random.Generator, depth: int) -> list[bytes]:
    arguments: list[bytes] = []
    if tokens[-1] == ("sign", b")"):
        tokens.pop()
        return arguments
    while True:
        arguments.append(_sum(tokens, look_up, rng, depth))
        sign = tokens.pop()
        if sign == ("sign", b")"):
            return arguments
        if sign != ("sign", b","):
            raise _Unknown


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code[1:], 16)]) if code[:1] == b"x" and len(code) == 3 else _ESCAPES.get(code, code)


def _call(name: str, arguments: list[bytes], rng: np.random.Generator) -> bytes:
    if name in _RANDOM:
        return _RANDOM[name](rng, arguments).encode()
    helper = _HELPERS.get(name.replace("_", ""))
    if helper is None:
        raise _Unknown
    try:
        value = helper(*arguments)
    except (TypeError, binascii.Error) as error:  # a wrong number of arguments, or nothing that can be decoded
        raise _Unknown from error
    if len(value) > _VALUE_LIMIT_BYTES:
        raise _Unknown
    return value


def _repeat(text: bytes, times: bytes) -> bytes:
    if len(text) * int(times) > _VALUE_LIMIT_BYTES:
        raise _Unknown
    return text * int(times)


def _replace(text: bytes, old: bytes, new: bytes) -> bytes:
    if not old or text.count(old) * len(new) > _VALUE_LIMIT_BYTES:
        raise _Unknown
    return text.replace(old, new)


def _decode_base64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_" if re.search(b"[-_]", text) else None)


def _substring(text: bytes, start: bytes, end: bytes | None = None) -> bytes:
    return text[int(start) : None if end is None else int(end)]


_HELPERS: dict[str, Callable[..., bytes]] = {
    "base64": base64.b64encode,
    "base64py": base64.encodebytes,
    "base64decode": _decode_base64,
    "concat": lambda *parts: b"".join(parts),
    "dectohex": lambda number: b"%x" % int(number),
    "hexdecode": binascii.unhexlify,
    "hexencode": binascii.hexlify,
    "htmlescape": lambda text: html.escape(text.decode("latin-1")).encode("latin-1"),
    "join": lambda sign, *parts: sign.join(parts),
    "len": lambda text: b"%d" % len(text),
    "md5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest().encode(),
    "repeat": _repeat,
    "replace": _replace,
    "reverse": lambda text: text[::-1],
    "sha1": lambda text: hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(),
    "sha256": lambda text: hashlib.sha256(text).hexdigest().encode(),
    "substr": _substring,
    "tolower": bytes.lower,
    "tostring": lambda text: text,
    "tonumber": lambda text: b"%d" % int(text),
    "toupper": bytes.upper,
    "trim": lambda text, signs: text.strip(signs),
    "trimleft": lambda text, signs: text.lstrip(signs),
    "trimprefix": bytes.removeprefix,
    "trimright": lambda text, signs: text.rstrip(signs),
    "trimspace": bytes.strip,
    "trimsuffix": bytes.removesuffix,
    "urldecode": lambda text: unquote_to_bytes(text.replace(b"+", b" ")),
    "urlencode": lambda text: quote_plus(text).encode(),
}


def _random_of(alphabet: str) -> Callable[[np.random.Generator, list[bytes]], str]:
    def draw(rng: np.random.Generator, arguments: list[bytes]) -> str:
        length = int(arguments[0]) if arguments else 8
        signs = arguments[1].decode("latin-1") if len(arguments) > 1 else ""
        if length > _VALUE_LIMIT_BYTES:
            raise _Unknown
        return random_text(rng, length, signs or alphabet)

    return draw


def _random_integer(rng: np.random.Generator, arguments: list[bytes]) -> str:
    low, high = (int(arguments[0]), int(arguments[1])) if len(arguments) == 2 else (0, 2**31 - 1)
    return str(rng.integers(low, high, endpoint=True))


def _random_address(rng: np.random.Generator, _arguments: list[bytes]) -> str:
    return f"198.51.100.{rng.integers(1, 255)}"  # RFC 5737: an address that belongs to nobody


def _random_moment(rng: np.random.Generator, _arguments: list[bytes]) -> str:
    return str(rng.integers(1_420_070_400, 1_735_689_600))  # 2015 to 2024


_RANDOM: dict[str, Callable[[np.random.Generator, list[bytes]], str]] = {
    "rand_base": _random_of(string.ascii_letters + string.digits),
    "randbase": _random_of(string.ascii_letters + string.digits),
    "rand_char": lambda rng, arguments: _random_of(string.ascii_letters)(rng, [b"1", *arguments[:1]]),
    "rand_int": _random_integer,
    "randint": _random_integer,
    "rand_ip": _random_address,
    "public_ip": _random_address,
    "rand_text_alpha": _random_of(string.ascii_letters),
    "rand_text_alphanumeric": _random_of(string.ascii_letters + string.digits),
    "rand_text_numeric": _random_of(string.digits),
    "unix_time": _random_moment,
}
