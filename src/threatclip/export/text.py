"""Text that other tools may show: no control character, lone surrogate or mirrored writing, and of bounded length."""

from __future__ import annotations

import re

_LINE_BREAKS = re.compile(r"[\r\n\v\f\x85\u2028\u2029]+")
# what a terminal obeys, what no UTF-8 can hold, what turns the reading direction, and what is no character at all
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_CUT = "..."


def clean(text: str, *, limit: int) -> str:
    """Return `text` on one line without unsafe characters, of at most `limit` characters, "..." where it was cut."""
    return _cut(" ".join(_UNSAFE.sub("", _LINE_BREAKS.sub(" ", text[: 4 * limit])).split()), limit)


def clean_lines(text: str, *, limit: int) -> str:
    """Return `text` with its lines and tabs, without unsafe characters, of at most `limit` characters."""
    lines = _LINE_BREAKS.sub("\n", text[: 4 * limit]).split("\n")
    return _cut("\n".join(_UNSAFE.sub("", line).rstrip() for line in lines).strip(), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
