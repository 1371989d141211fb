"""Text filters of the grammars: encodings and evasions, each a pure function of (draw, text)."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

Draw = Callable[[], float]

_SQL_SPACES = ("/**/", "+", "%20", "%0a", "%09", "%0b", "\t", "\n", "/*{}*/", "%a0", "--%0a", "/*!*/")
_QUOTE_PAIRS = ("''", '""', "\\", "$@", "``")
_HTML_ESCAPES = ("&#{0};", "&#x{0:x};", "&#x{0:X};", "&#{0:07d};", "&#x{0:04x}")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _url_all(_: Draw, text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in _raw(text))


def _url(_: Draw, text: str) -> str:
    return quote(_raw(text), safe="")


def _url_some(draw: Draw, text: str) -> str:
    return "".join(f"%{byte:02X}" if byte > 127 or draw() < 0.4 else chr(byte) for byte in _raw(text))


def _url_unicode(_: Draw, text: str) -> str:
    return "".join(f"%u{ord(char):04x}" for char in text)


def _mixed_case(draw: Draw, text: str) -> str:
    return "".join(char.upper() if draw() < 0.5 else char.lower() for char in text)


def _html_entities(draw: Draw, text: str) -> str:
    style = _HTML_ESCAPES[int(draw() * len(_HTML_ESCAPES))]
    return "".join(style.format(ord(char)) for char in text)


def _char_codes(_: Draw, text: str) -> str:
    return ",".join(str(ord(char)) for char in text)


def _sql_spaces(draw: Draw, text: str) -> str:
    space = _SQL_SPACES[int(draw() * len(_SQL_SPACES))].replace("{}", str(int(draw() * 9999)))
    return text.replace(" ", space)


def _sql_comment_words(draw: Draw, text: str) -> str:
    """Wrap words in MySQL version comments: UNION -> /*!50000UNION*/."""
    version = ("", "50000", "12345", "00000", "44575")[int(draw() * 5)]
    return " ".join(f"/*!{version}{word}*/" if word.isalpha() and word.isupper() else word for word in text.split(" "))


def _shell_spaces(draw: Draw, text: str) -> str:
    space = ("${IFS}", "$IFS", "$IFS$9", "${IFS%??}", "%09", "<", "\t")[int(draw() * 7)]
    return text.replace(" ", space)


def _shell_quotes(draw: Draw, text: str) -> str:
    """Break words with empty quotes or backslashes, which a shell removes: cat -> c''at."""
    mark = _QUOTE_PAIRS[int(draw() * len(_QUOTE_PAIRS))]
    return "".join(
        char + mark
        if char.isalpha() and index + 1 < len(text) and text[index + 1].isalpha() and draw() < 0.35
        else char
        for index, char in enumerate(text)
    )


def _shell_glob(draw: Draw, text: str) -> str:
    """Replace some letters by globs: /etc/passwd -> /e?c/p*wd."""
    return "".join("?" if char.isalpha() and draw() < 0.3 else char for char in text)


def _caret(draw: Draw, text: str) -> str:
    return "".join(char + "^" if char.isalpha() and draw() < 0.3 else char for char in text)


def _brace_list(_: Draw, text: str) -> str:
    return "{" + text.replace(" ", ",") + "}"


def _utf16_b64(_: Draw, text: str) -> str:
    return base64.b64encode(text.encode("utf-16-le", "surrogatepass")).decode()


def _chr_joined(joiner: str, name: str) -> Callable[[Draw, str], str]:
    return lambda _, text: joiner.join(f"{name}({ord(char)})" for char in text)


def _split_quotes(joiner: str, mark: str) -> Callable[[Draw, str], str]:
    def split(draw: Draw, text: str) -> str:
        at = 1 + int(draw() * max(len(text) - 1, 1))
        return f"{mark}{text[:at]}{mark}{joiner}{mark}{text[at:]}{mark}"

    return split


def _log4j_noise(draw: Draw, text: str) -> str:
    """Hide letters in nested lookups: jndi -> ${lower:j}${::-n}di."""
    styles = (
        "${{lower:{0}}}",
        "${{upper:{0}}}",
        "${{::-{0}}}",
        "${{env:{1}:-{0}}}",
        "${{sys:{1}:-{0}}}",
        "${{date:'{0}'}}",
    )
    noise = "".join("ABCDEFGHIJKLMNOP"[int(draw() * 16)] for _ in range(3))
    share = 0.25 + draw() * 0.75
    style = styles[int(draw() * len(styles))]
    return "".join(style.format(char, noise) if char.isalnum() and draw() < share else char for char in text)


def _gap(draw: Draw, text: str) -> str:
    """Nest the text in itself, so that a filter that removes it once leaves it whole: script -> scrscriptipt."""
    at = 1 + int(draw() * max(len(text) - 1, 1))
    return text[:at] + text + text[at:]


def _java_string(_: Draw, text: str) -> str:
    """Write the text as Java's serialization does: two bytes of length, then the bytes."""
    length = len(_raw(text)) & 0xFFFF
    return length.to_bytes(2, "big").decode("ascii", "surrogateescape") + text


def _dotnet_string(_: Draw, text: str) -> str:
    """Write the text with a 7-bit encoded length in front, as .NET's binary formatter does."""
    length, prefix = len(_raw(text)), b""
    while length > 0x7F:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return (prefix + bytes([length])).decode("ascii", "surrogateescape") + text


def _json_inner(_: Draw, text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


FILTERS: dict[str, Callable[[Draw, str], str]] = {
    "url": _url,
    "urlall": _url_all,
    "urlsome": _url_some,
    "url2": lambda _, text: quote(quote(_raw(text), safe=""), safe=""),
    "plus": lambda _, text: quote_plus(_raw(text)),
    "uni": _url_unicode,
    "b64": lambda _, text: base64.b64encode(_raw(text)).decode(),
    "b64url": lambda _, text: base64.urlsafe_b64encode(_raw(text)).decode().rstrip("="),
    "b32": lambda _, text: base64.b32encode(_raw(text)).decode(),
    "u16b64": _utf16_b64,
    "hex": lambda _, text: _raw(text).hex(),
    "slashx": lambda _, text: "".join(f"\\x{byte:02x}" for byte in _raw(text)),
    "slasho": lambda _, text: "".join(f"\\{byte:03o}" for byte in _raw(text)),
    "slashu": lambda _, text: "".join(f"\\u{ord(char):04x}" for char in text),
    "html": lambda _, text: html.escape(text, quote=False),
    "ent": _html_entities,
    "codes": _char_codes,
    "upper": lambda _, text: text.upper(),
    "lower": lambda _, text: text.lower(),
    "cap": lambda _, text: text[:1].upper() + text[1:],
    "case": _mixed_case,
    "rev": lambda _, text: text[::-1],
    "sqlsp": _sql_spaces,
    "sqlver": _sql_comment_words,
    "ifs": _shell_spaces,
    "quotes": _shell_quotes,
    "glob": _shell_glob,
    "caret": _caret,
    "brace": _brace_list,
    "chrdot": _chr_joined(".", "chr"),
    "chrplus": _chr_joined("+", "chr"),
    "chrpipe": _chr_joined("||", "CHR"),
    "charplus": _chr_joined("+", "CHAR"),
    "split": _split_quotes(".", "'"),
    "splitplus": _split_quotes("+", "'"),
    "splitdq": _split_quotes("+", '"'),
    "log": _log4j_noise,
    "gap": _gap,
    "jstr": _java_string,
    "netstr": _dotnet_string,
    "js": _json_inner,
    "phps": lambda _, text: f's:{len(_raw(text))}:"{text}";',
    "phpo": lambda _, text: f'O:{len(_raw(text))}:"{text}"',
    "len": lambda _, text: str(len(_raw(text))),
}
