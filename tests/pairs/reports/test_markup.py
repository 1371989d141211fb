"""The words of HTML, Markdown and PDF: what a reader sees, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_pages import encrypted, pdf
from pypdf import PdfReader
from pypdf.errors import DependencyError

from threatclip.pairs.reports import pdf as pdf_reader
from threatclip.pairs.reports.document import Document, ReportFault
from threatclip.pairs.reports.markup import html_text, markdown_text, plain_text
from threatclip.pairs.reports.pdf import pdf_text

HTML = b"""<!doctype html><html><head><title>The Case</title><style>p {}</style></head><body><nav>Menu</nav>
<h1>A <i>big</i> case</h1><p>They ran <b>cmd.exe</b> &amp; left.<br>Next line.</p><script>alert("no")</script>
<div style="display:none">hidden</div><p hidden>hidden</p><noscript>no</noscript><svg><text>no</text></svg>
<table><tr><td>one</td><td>two</td></tr></table><!-- no --><img alt="no" src=x onerror=no>tail</body></html>"""


def test_html_is_what_a_reader_sees() -> None:
    words = html_text(HTML).text
    assert [line.strip() for line in words.split("\n") if line.strip()] == [
        "The Case",
        "A big case",
        "They ran cmd.exe & left.",
        "Next line.",
        "one two",
        "tail",
    ]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("<p>Übung</p>".encode(), "Übung"),
        ("\ufeff<p>Übung</p>".encode(), "Übung"),
        ("<p>Übung</p>".encode("utf-16"), "Übung"),
        ('<meta charset="iso-8859-1"><p>Übung</p>'.encode("latin-1"), "Übung"),
        (b'<meta charset="rot13"><p>Hello</p>', "Hello"),
        (b'<meta charset="base64"><p>Hello</p>', "Hello"),
        ("<p>Übung</p>".encode("cp1252"), "Übung"),
    ],
)
def test_encodings_are_found(content: bytes, word: str) -> None:
    assert word in html_text(content).text


@pytest.mark.parametrize(
    "hidden",
    [
        'style="DISPLAY : NONE"',
        'style="color:red; visibility : hidden"',
        'style="display:none !important"',
        'style="dis/**/play:none"',
        'style="font-size: 0px;"',
        'style="opacity:0.0"',
        "aria-hidden=TRUE",
        "hidden",
    ],
)
def test_what_is_hidden_is_not_read_however_it_is_spelled(hidden: str) -> None:
    inner = f"<p {hidden}>no <span style='display:none'>no</span> <b hidden>no</b></p>"
    source = f"<div {hidden}>{inner}</div>{inner}<dialog>no</dialog><p style='opacity:0.9;font-size:10px'>seen</p>"
    assert html_text(source.encode() * 50).text.split() == ["seen"] * 50


@pytest.mark.parametrize("read", [plain_text, markdown_text])
def test_null_characters_are_no_text(read: Callable[[bytes], Document]) -> None:
    for content in (b"MZ\x00\x01 They ran it.", "They ran it.".encode("utf-16-le")):
        with pytest.raises(ReportFault, match="it holds null characters and is no text"):
            read(content)


def test_markdown_is_its_words() -> None:
    source = b"---\ntitle: no\n---\n# A *big* case\r\n\r\nThey ran `cmd.exe`\nand [left](http://no.test).\n\n"
    source += b"- one\n- two\n\n| a | b |\n|---|---|\n| c | d |\n\n```sh\nwhoami\n```\n\n<script>no</script>\n\n"
    source += b"![a map](no.png) <b>bold</b>\n"
    words = markdown_text(source).text
    assert words.split("\n\n") == [
        "A big case",
        "They ran cmd.exe\nand left.",
        *("one", "two", "a", "b", "c", "d", "whoami", "a map bold"),
    ]


def test_plain_text_keeps_its_words() -> None:
    assert plain_text(b"a\r\nb\r\r\r\nc").text == "a\nb\n\nc"
    assert plain_text(b"\xfcber").text == "über"


@given(st.binary(max_size=300))
def test_any_bytes_are_words_or_refused(content: bytes) -> None:
    for read in (plain_text, markdown_text, html_text, pdf_text):
        try:
            found = read(content)
        except ReportFault:
            continue
        assert isinstance(found, Document)
        found.text.encode("utf-8")


def test_a_pdf_has_pages() -> None:
    found = pdf_text(pdf(["They ran cmd.exe.\nIt waited.", "Then it left."]))
    assert "They ran cmd.exe." in found.text
    assert found.page_of(0) == 1
    assert found.page_of(found.text.index("Then")) == 2
    assert Document(text="x").page_of(0) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "it is no PDF"),
        (b"%PDF-1.4\nnothing", "it is a broken PDF"),
        (pdf(["a"])[:200], "it is a broken PDF"),
        (encrypted(pdf(["secret words here"])), "it is encrypted"),
        (pdf([""]), "it holds no text; if it is a scan"),
    ],
)
def test_a_pdf_that_cannot_be_read_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(ReportFault, match=says):
        pdf_text(content)


def test_a_pdf_that_opens_without_a_password_is_read() -> None:
    assert "They ran cmd.exe." in pdf_text(encrypted(pdf(["They ran cmd.exe."]), password="")).text


def test_a_cipher_without_its_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise DependencyError("cryptography>=3.1 is required for AES algorithm")

    monkeypatch.setattr(PdfReader, "decrypt", missing)
    with pytest.raises(ReportFault, match="encrypted by AES; save it without encryption, or install cryptography"):
        pdf_text(encrypted(pdf(["words"])))


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReportFault, match="broken PDF"):
        pdf_text(pdf(["a"], inflated=b" " * 80_000_000))
    monkeypatch.setattr(pdf_reader, "PAGE_LIMIT", 2)
    with pytest.raises(ReportFault, match="3 pages, more than 2"):
        pdf_text(pdf(["a", "b", "c"]))
    monkeypatch.setattr(pdf_reader, "TEXT_LIMIT", 5)
    with pytest.raises(ReportFault, match="more than 5 characters"):
        pdf_text(pdf(["much too long"]))
    with pytest.raises(ReportFault, match=r"more than 5,000,000 characters"):
        plain_text(b"x" * 5_000_001)
