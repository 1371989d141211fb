"""Strings that tell a test author's habit rather than an attack, and what else would do the same.

alert is in 93% of the public exploits of cross-site scripting and etc/passwd in 66% of those of path traversal: a
model that knows the strings knows the exploits, not the weakness. They stand in payloads plain or percent-encoded,
once or more often; both are found, and the encoding of what stands between their words is kept.
"""

from __future__ import annotations

import re

_PERCENT = r"%(?:25)*"
_SLASH = rf"(?:[/\\]|{_PERCENT}(?:2f|5c|c0%af))"
_SLASHES = rf"(?:\.?{_SLASH})+"  # also /./ and //
_DOT = rf"(?:\.|{_PERCENT}2e)"
_OPEN = rf"(?:\(|{_PERCENT}28)"
_BLANKS = rf"(?:[\s+]|{_PERCENT}(?:20|09|0a))*"
_CALLED = rf"{_BLANKS}(?:{_OPEN}|`|{_PERCENT}60|&lpar;|&#0*40;|\.(?:call|bind|apply)\b)|\)\("
_AFTER_ESCAPE = (  # %3E and %253E and \x3e and \n end in what looks like the start of a word
    r"(?<=%(?!25)[0-9a-f]{2})|(?<=%25(?!25)[0-9a-f]{2})|(?<=%2525[0-9a-f]{2})"
    r"|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=\\[nrt])"
)
_WORD_START = rf"(?:(?<![a-z0-9_%])|{_AFTER_ESCAPE})"
_HOST_START = rf"(?:(?<![a-z0-9_.%-])|{_AFTER_ESCAPE})"
_LABELS = r"(?:[\w-]+\.)*"

_PUBLIC_HOSTS = (
    rf"{_LABELS}oast{_DOT}(?:pro|live|site|online|fun|me)",
    rf"{_LABELS}(?:interactsh|interact|burpcollaborator){_DOT}(?:sh|com|net)",
    rf"{_LABELS}evil{_DOT}(?:com|org|net|tld|test|local|host|example|io)",
    rf"(?<!\nhost: )(?:www\.)?example{_DOT}(?:com|org|net)",  # in a Host header it is nobody's habit
)
_SHELL_BEFORE = (
    rf"(?:;(?<!&lt;)(?<!&gt;)(?<!&amp;)(?<!&quot;)|[|`]|&&|{_PERCENT}(?:3b|7c|60|26|0a)"
    rf"|(?:\$|{_PERCENT}24){_OPEN}|/bin/|%2fbin%2f"
    rf"|(?:system|exec|passthru|popen){_OPEN}(?:[\"']|{_PERCENT}2[27])?"
    r"|\b(?:cmd|command|exec)[\"']?\s*[=:]\s*[\"']?)"
)
_SHELL_AFTER = rf"(?=\Z|[;|`)&\s+\"'<>#\\]|{_PERCENT}(?:3b|7c|60|29|26|20|0a|0d|22|27|23))"


def _benchmark(match: re.Match[str]) -> str:
    """Write the delay in the way of its opening parenthesis; its closing one stands in the payload already."""
    before, opened, seconds = match["before"], match["open"], match["seconds"]
    if opened == "(":
        return f"{before}BENCHMARK({seconds}000000,SHA1(1)"
    escape = opened[:-2]
    return f"{before}BENCHMARK{opened}{seconds}000000{escape}2CSHA1{opened}1{escape}29"


_MARKERS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (rf"{_HOST_START}[\w.-]+{_DOT}(?:x-listen|cb-one|pingback|oobnet){_DOT}test", "attacker.test"),
        (rf"{_HOST_START}(?:{'|'.join(_PUBLIC_HOSTS)})(?![a-z0-9_-])", "attacker.test"),
        (rf"document({_DOT}|_)domain", r"top\1name"),
        (
            rf"{_WORD_START}alert(?={_CALLED})",
            "confirm",
        ),
        (rf"(etc{_SLASHES})passwd", r"\1hostname"),
        (rf"(?:windows|winnt){_SLASHES}win({_DOT})ini", r"boot\1ini"),
        (rf"(?P<before>{_WORD_START})sleep{_BLANKS}(?P<open>{_OPEN}){_BLANKS}(?P<seconds>\d+)(?:\.\d+)?", _benchmark),
        (rf"{_WORD_START}md5(?={_BLANKS}{_OPEN})", "crc32"),
        (rf"wp-content({_SLASH}+)(?:plugins|themes)", r"modules\1extra"),
        (rf"wp-admin({_SLASH}+)admin-ajax({_DOT})php", r"backend\1async\2php"),
        (rf"wp-admin|wp-login{_DOT}php", "backend"),
        (r"wp-(?:json|includes|content)", "library"),
        (rf"({_SHELL_BEFORE}{_BLANKS})(?-i:id){_SHELL_AFTER}", r"\1whoami"),
    )
)


def marker_swap(view: bytes) -> bytes:
    """Swap the strings that are test authors' habits for others that do the same: the attack stays what it was."""
    text = view.decode("latin-1")
    for pattern, replacement in _MARKERS:
        text = pattern.sub(replacement, text)
    return text.encode("latin-1")
