"""A model card as a page shows it: the few forms of Markdown that cards have, as plain blocks for a template.

Whoever made a bundle wrote its card. Nothing of it becomes markup: blocks hold text, which the template escapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Kind = Literal["heading", "words", "items", "table", "code"]
Piece = tuple[bool, str]  # whether it is code, and its text
Text = tuple[Piece, ...]
_MOST_CHARS = 20_000
_RULE = re.compile(r"\|?[\s|:-]+\|?")
_ITEM = re.compile(r"\s*[-*+]\s+")
_HEADING = re.compile(r"(#{1,6})\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: `lines` are its paragraphs, items or code; `rows` of a table, the first one its head."""

    kind: Kind
    lines: tuple[Text, ...] = ()
    rows: tuple[tuple[Text, ...], ...] = ()


def blocks_of(card: str) -> list[Block]:
    """Return the blocks of a card without its front matter; what is no known form is a paragraph."""
    found: list[Block] = []
    parts = _without_front_matter(card[:_MOST_CHARS].replace("\r\n", "\n")).split("```")
    for place, part in enumerate(parts):
        if place % 2:
            code = part.partition("\n")[2] or part
            found.append(Block(kind="code", lines=(((True, code.rstrip("\n")),),)))
            continue
        for kind, lines in groupby(part.split("\n"), key=_kind):
            if kind is not None:
                found += _blocks(kind, list(lines))
    return found


def _without_front_matter(card: str) -> str:
    if not card.startswith("---\n"):
        return card
    _, closed, rest = card[4:].partition("\n---\n")
    return rest if closed else card


def _kind(line: str) -> Kind | None:
    if not line.strip():
        return None
    if _HEADING.match(line):
        return "heading"
    if line.startswith("|"):
        return "table"
    return "items" if _ITEM.match(line) or line.startswith("  ") else "words"


def _blocks(kind: Kind, lines: Sequence[str]) -> list[Block]:
    if kind == "heading":
        return [Block(kind=kind, lines=(text_of(line.lstrip("#").strip()),)) for line in lines]
    if kind == "table":
        rows = [line for line in lines if not _RULE.fullmatch(line.strip())]
        return [Block(kind=kind, rows=tuple(_cells(row) for row in rows))] if rows else []
    if kind == "items":
        return [Block(kind=kind, lines=tuple(text_of(item) for item in _items(lines)))]
    return [Block(kind=kind, lines=(text_of(" ".join(line.strip() for line in lines)),))]


def _items(lines: Sequence[str]) -> list[str]:
    """Return items, each with the lines that go on with it."""
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line) or not items:
            items.append(_ITEM.sub("", line, count=1).strip())
        else:
            items[-1] += f" {line.strip()}"
    return items


def _cells(row: str) -> tuple[Text, ...]:
    return tuple(text_of(cell.strip()) for cell in row.strip().strip("|").split("|"))


def text_of(line: str) -> Text:
    """Return the pieces between backticks apart, without the signs of emphasis."""
    return tuple(
        (place % 2 == 1, piece if place % 2 else piece.replace("**", ""))
        for place, piece in enumerate(line.split("`"))
        if piece
    )
