"""A model card as a page shows it: its Markdown as plain blocks for a template.

Whoever made a bundle wrote its card. Nothing of it becomes markup: blocks hold text, which the template escapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

Kind = Literal["heading", "words", "items", "table", "code"]
Piece = tuple[bool, str]  # whether it is code, and its text
Text = tuple[Piece, ...]
_MOST_CHARS = 20_000
_READER = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink", "reference"])
_ENDS = {"heading_open": "heading_close", "bullet_list_open": "bullet_list_close", "table_open": "table_close"}
_ENDS |= {"ordered_list_open": "ordered_list_close"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: `lines` are its paragraphs, items or code; `rows` of a table, the first one its head."""

    kind: Kind
    lines: tuple[Text, ...] = ()
    rows: tuple[tuple[Text, ...], ...] = ()


def blocks_of(card: str) -> list[Block]:
    """Return the blocks of a card without its front matter; links and pictures are text."""
    tokens = _READER.parse(_without_front_matter(card[:_MOST_CHARS].replace("\r\n", "\n")))
    found: list[Block] = []
    place = 0
    while place < len(tokens):
        end = _end(tokens, place)
        found += _blocks(tokens[place : end + 1])
        place = end + 1
    return found


def _without_front_matter(card: str) -> str:
    if not card.startswith("---\n"):
        return card
    _, closed, rest = card[4:].partition("\n---\n")
    return rest if closed else card


def _end(tokens: Sequence[Token], place: int) -> int:
    """Return where the block ends that begins at a place; lists within lists belong to the outer one."""
    start = tokens[place]
    closing = _ENDS.get(start.type)
    later = range(place + 1, len(tokens))
    return next((i for i in later if tokens[i].type == closing and tokens[i].level == start.level), place)


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    first = tokens[0]
    texts = tuple(text for token in tokens if (text := _text(token)))
    if first.type in ("fence", "code_block"):
        yield Block(kind="code", lines=(((True, first.content.rstrip("\n")),),))
    elif first.type == "table_open":
        yield Block(kind="table", rows=tuple(_rows(tokens)))
    elif texts:
        kind: Kind = "words" if first.type == "inline" else "heading" if first.type == "heading_open" else "items"
        yield Block(kind=kind, lines=texts)


def _rows(tokens: Sequence[Token]) -> Iterator[tuple[Text, ...]]:
    row: list[Text] = []
    for token in tokens:
        if token.type == "inline":
            row.append(_text(token))
        elif token.type == "tr_close":
            yield tuple(row)
            row = []


def _text(token: Token) -> Text:
    """Return the pieces of a line, code apart, without the signs of emphasis; of no line, nothing."""
    if token.type in ("fence", "code_block"):
        return ((True, token.content.rstrip("\n")),)
    pieces: list[Piece] = []
    for child in token.children or ():
        code = child.type == "code_inline"
        text = " " if child.type in ("softbreak", "hardbreak") else child.content
        if pieces and text and pieces[-1][0] == code:
            pieces[-1] = (code, pieces[-1][1] + text)
        elif text:
            pieces.append((code, text))
    return tuple(pieces)
