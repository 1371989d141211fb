"""Random terminals of the grammars: names, numbers, hosts. Every host is reserved for examples or is private."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Draw = Callable[[], float]


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ONSETS = _split("b c d f g h j k l m n p r s t v w z br cl dr fl gr kr pl pr sk sl st tr vel qu sh th")
_VOWELS = _split("a e i o u ai ea io ou")
_CODAS = ["", "", "", "n", "r", "s", "l", "x", "m", "nd", "rt", "ck"]
_WORDS = _split(
    """page id cat item user name view action file path url query search lang mode type sort order key token data value
    code ref next back from to date year month title email group role status state filter field column list table
    index module plugin theme template report export import config setting option profile account session login
    product shop cart price stock brand news post comment topic forum thread message mail subject body content
    image photo album gallery video media upload document folder archive backup log event task job queue node
    device host port server client service route network interface vlan zone country city map location book"""
)
_HEX = "0123456789abcdef"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_ALNUM = _LOWER + "0123456789"
_BASE64 = _LOWER.upper() + _ALNUM + "+/"
_DOCUMENTATION_NETS = ("192.0.2", "198.51.100", "203.0.113")
_PORTS = ("80", "443", "8080", "8443", "4444", "1337", "9001", "53", "8000", "5555")
_VICTIMS = ("www", "app", "portal", "shop", "intranet", "mail", "dev", "cms", "api", "vpn")
_LISTENERS = ("oob", "dns", "cb", "log", "ping", "collab", "hook", "requestbin", "canary", "listener")
_ROGUES = ("evil", "attacker", "bad", "hacker", "malicious", "phish", "rogue", "exploit")
_TOP_LEVELS = ("test", "test", "test", "example", "example", "invalid")


def pick(draw: Draw, choices: Sequence[str]) -> str:
    """Return one of `choices`, evenly."""
    return choices[int(draw() * len(choices))]


def _letters(alphabet: str, low: int, high: int) -> Callable[[Draw], str]:
    size = len(alphabet)

    def letters(draw: Draw) -> str:
        length = low if low == high else low + int(draw() * (high - low + 1))
        return "".join([alphabet[int(draw() * size)] for _ in range(length)])

    return letters


def number(low: int, high: int) -> Callable[[Draw], str]:
    """Return a terminal for whole numbers from `low` to `high`."""
    return lambda draw: str(low + int(draw() * (high - low + 1)))


def syllables(draw: Draw) -> str:
    """Return an invented, pronounceable word of two or three syllables."""
    count = 2 if draw() < 0.65 else 3
    return "".join(pick(draw, _ONSETS) + pick(draw, _VOWELS) for _ in range(count)) + pick(draw, _CODAS)


def _word(draw: Draw) -> str:
    return pick(draw, _WORDS)


def _identifier(draw: Draw) -> str:
    kind = draw()
    if kind < 0.5:
        return _word(draw)
    if kind < 0.7:
        return f"{_word(draw)}_{_word(draw)}"
    if kind < 0.82:
        return _word(draw) + _word(draw).capitalize()
    return _letters(_LOWER, 1, 6)(draw)


def example_ip(draw: Draw) -> str:
    """Return an address of the three documentation networks (RFC 5737)."""
    return f"{pick(draw, _DOCUMENTATION_NETS)}.{1 + int(draw() * 254)}"


def private_ip(draw: Draw) -> str:
    """Return an address of the private networks (RFC 1918)."""
    last = 1 + int(draw() * 254)
    kind = draw()
    if kind < 0.4:
        return f"192.168.{int(draw() * 256)}.{last}"
    if kind < 0.75:
        return f"10.{int(draw() * 256)}.{int(draw() * 256)}.{last}"
    return f"172.{16 + int(draw() * 16)}.{int(draw() * 256)}.{last}"


def site(draw: Draw) -> str:
    """Return a host name of a victim's kind."""
    kind = draw()
    top = pick(draw, _TOP_LEVELS)
    if kind < 0.35:
        return f"{pick(draw, _VICTIMS)}.{syllables(draw)}.{top}"
    if kind < 0.65:
        return f"{syllables(draw)}.{top}"
    if kind < 0.85:
        return example_ip(draw) if draw() < 0.7 else private_ip(draw)
    return pick(draw, ("localhost", "127.0.0.1", f"host{int(draw() * 99)}.{top}", f"target.{top}"))


def attacker(draw: Draw) -> str:
    """Return a host under the attacker's control: call-back names, look-alikes, plain addresses."""
    kind = draw()
    top = pick(draw, _TOP_LEVELS)
    if kind < 0.35:
        label = _letters(_ALNUM, 4, 24)(draw)
        zone = pick(draw, _LISTENERS)
        return f"{label}.{zone}.{top}" if draw() < 0.7 else f"{label}.{syllables(draw)}.{top}"
    if kind < 0.6:
        return f"{syllables(draw)}.{top}"
    if kind < 0.72:
        return f"{pick(draw, _ROGUES)}.{top}"
    if kind < 0.78:
        return pick(draw, ("example.com", "example.org", "example.net", "www.example.com"))
    return example_ip(draw)


def _zone(draw: Draw) -> str:
    """Return a domain that can take a label in front."""
    return f"{syllables(draw)}.{pick(draw, _TOP_LEVELS)}"


def _port(draw: Draw) -> str:
    return pick(draw, _PORTS) if draw() < 0.6 else str(1024 + int(draw() * 60000))


def _uuid(draw: Draw) -> str:
    text = _letters(_HEX, 32, 32)(draw)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _version(draw: Draw) -> str:
    major, minor = int(draw() * 12), int(draw() * 20)
    return f"{major}.{minor}" if draw() < 0.3 else f"{major}.{minor}.{int(draw() * 30)}"


TERMINALS: dict[str, Callable[[Draw], str]] = {
    "word": _word,
    "name": _identifier,
    "coined": syllables,
    "d": number(0, 9),
    "dd": number(10, 99),
    "small": number(1, 9),
    "tens": number(1, 40),
    "int": number(1, 9999),
    "big": number(100000, 99999999),
    "neg": number(-9999, -1),
    "year": number(2009, 2024),
    "hex4": _letters(_HEX, 4, 4),
    "hex8": _letters(_HEX, 8, 8),
    "hex16": _letters(_HEX, 16, 16),
    "hex32": _letters(_HEX, 32, 32),
    "hex40": _letters(_HEX, 40, 40),
    "hex64": _letters(_HEX, 64, 64),
    "b16": _letters(_BASE64, 16, 16),
    "b40": _letters(_BASE64, 40, 40),
    "b64s": _letters(_BASE64, 60, 160),
    "ab": _letters(_LOWER, 1, 2),
    "abc": _letters(_LOWER, 3, 5),
    "rand": _letters(_ALNUM, 5, 10),
    "rand20": _letters(_ALNUM, 16, 24),
    "site": site,
    "attacker": attacker,
    "zone": _zone,
    "ip": example_ip,
    "priv": private_ip,
    "port": _port,
    "uuid": _uuid,
    "version": _version,
    "oct": number(0, 255),
}
