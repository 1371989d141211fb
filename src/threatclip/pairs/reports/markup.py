"""The words of plain text, Markdown and HTML: what a reader sees; no script, no style, nothing hidden."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Any

from threatclip.pairs.reports.document import TEXT_LIMIT, Document, ReportFault

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_DECLARED_WITHIN = 4_096
_FRONT_MATTER = re.compile(r"\A---\n.{0,20000}?\n(?:---|\.\.\.)\n", re.DOTALL)
_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")
_DROPPED = (
    "script style noscript template svg math iframe object embed canvas audio video nav form button select textarea "
    "head"
).split()
_HIDDEN = ("[hidden]", '[aria-hidden="true" i]', "dialog:not([open])")
_UNSEEN = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|(?:opacity|font-size):0(?:\.0*)?(?:[a-z]+|%)?)"
    r"(?:!important)?(?:;|$)"
)
_UNREAD = re.compile(r"/\*.*?\*/|\s+", re.DOTALL)
_BLOCKS = (
    "address article aside blockquote dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header "
    "hr li main ol p pre section summary table tr ul caption"
).split()


def plain_text(content: bytes) -> Document:
    """Return a text file's text; UTF-8, or else Windows-1252.

    Raises:
        ReportFault: too much text, or none at all: null characters.
    """
    return _document(_text(content))


def markdown_text(content: bytes) -> Document:
    """Return the words of CommonMark with tables: paragraphs apart, links by their text, pictures by their names.

    Raises:
        ReportFault: too much text, or none at all: null characters.
    """
    from markdown_it import MarkdownIt

    source = _FRONT_MATTER.sub("", _text(content).replace("\r\n", "\n"))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(source)
    return _document("\n\n".join(_blocks(tokens)))


def html_text(content: bytes) -> Document:
    """Return the words of HTML that are shown: blocks apart; scripts, styles, forms and hidden parts dropped.

    Raises:
        ReportFault: too much text, or no element.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_decoded(content, html=True))
    titled = tree.css_first("title")
    title = "" if titled is None else titled.text(separator=" ").strip()
    tree.strip_tags(_DROPPED)
    _drop_hidden(tree)
    if tree.body is None:
        raise ReportFault("it holds no element of HTML")
    for name in _BLOCKS:
        for node in tree.css(name):
            node.insert_before("\n\n")
            node.insert_after("\n\n")
    for node in tree.css("br"):
        node.insert_before("\n")
    for node in tree.css("td,th"):
        node.insert_after(" ")
    return _document(f"{title}\n\n{tree.body.text()}")


def _drop_hidden(tree: Any) -> None:
    """Take out what no reader sees; inner elements before outer ones, which take theirs along."""
    for selector in _HIDDEN:
        for node in reversed(tree.css(selector)):
            node.decompose()
    unseen = [node for node in tree.css("[style]") if _is_unseen(node.attributes.get("style") or "")]
    for node in reversed(unseen):
        node.decompose()


def _is_unseen(style: str) -> bool:
    return _UNSEEN.search(_UNREAD.sub("", style).lower()) is not None


def _text(content: bytes) -> str:
    text = _decoded(content)
    if "\0" in text:
        raise ReportFault("it holds null characters and is no text; UTF-16 must begin with its byte order mark")
    return text


def _decoded(content: bytes, *, html: bool = False) -> str:
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    declared = _DECLARED.search(content[:_DECLARED_WITHIN]) if html and encoding is None else None
    for name in (encoding, declared and declared[1].decode(), "utf-8"):
        try:
            if name and codecs.lookup(name)._is_text_encoding:
                return content.decode(name)
        except (LookupError, UnicodeError):
            continue
    return content.decode("cp1252", "replace")


def _blocks(tokens: Sequence[Any]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline":
            yield "".join(_words(token.children or ()))
        elif token.type in ("fence", "code_block"):
            yield token.content


def _words(tokens: Sequence[Any]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("text", "code_inline", "image"):
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"


def _document(text: str) -> Document:
    if len(text) > TEXT_LIMIT:
        raise ReportFault(f"it holds more than {TEXT_LIMIT:,} characters of text")
    clean = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    return Document(text=_BLANK_LINES.sub("\n\n", clean).strip("\n"))
