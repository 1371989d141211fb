"""Where sentences begin and end, and what of them is shown: file names, versions, addresses and "e.g." stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from threatclip.pairs.reports.document import SENTENCE_LIMIT, Document, ReportFault, Sentence

LONGEST = 2_000
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_REFANGED = (
    (re.compile(r"\bh(?:xx|\*\*|XX)p(s?)(?=\[?:)", re.IGNORECASE), r"http\1"),
    (re.compile(r"\bfxp(?=\[?:)", re.IGNORECASE), "ftp"),
    (re.compile(r"\[://\]"), "://"),
    (re.compile(r"\[:\]"), ":"),
    (re.compile(r" ?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\}) ?", re.IGNORECASE), "."),
    (re.compile(r" ?(?:\[@\]|\[at\]|\(at\)|\{at\}) ?", re.IGNORECASE), "@"),
)


def sentences_of(document: Document) -> tuple[Sentence, ...]:
    """Return the sentences of a document, in order, without the white space around them.

    A sentence ends where the library says so and white space follows; blank lines end one too; one of more than 2,000
    characters is cut at a space.

    Raises:
        ReportFault: more than 100,000 sentences.
    """
    found = []
    for start, end in _spans(document.text):
        found.append(Sentence(start=start, end=end, page=document.page_of(start)))
        if len(found) > SENTENCE_LIMIT:
            raise ReportFault(f"it has more than {SENTENCE_LIMIT:,} sentences")
    return tuple(found)


def shown(text: str, *, refang: bool = False) -> str:
    """Return a sentence on one line, words that a line break had cut put together; see `refanged`."""
    joined = " ".join(_HYPHENATED.sub("", text).split())
    return refanged(joined) if refang else joined


def refanged(text: str) -> str:
    """Return `text` with defanged indicators as they were: hxxp, [.], (dot), [:], [at] and their kin."""
    for pattern, whole in _REFANGED:
        text = pattern.sub(whole, text)
    return text


def _spans(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for gap in _PARAGRAPH.finditer(text):
        yield from _spans_of_paragraph(text, at, gap.start())
        at = gap.end()
    yield from _spans_of_paragraph(text, at, len(text))


def _spans_of_paragraph(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    from sentencex import get_sentence_boundaries

    begun = start
    for boundary in get_sentence_boundaries("en", text[start:end]):
        stop = start + boundary["end_index"]
        if stop < end and not text[stop - 1].isspace() and not text[stop].isspace():
            continue  # within a word, as in a query string: no sentence ends there
        yield from _pieces(text, begun, stop)
        begun = stop
    yield from _pieces(text, begun, end)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        stop = end
        if end - start > LONGEST:
            space = text.rfind(" ", start + 1, start + LONGEST)
            stop = space if space > 0 else start + LONGEST
        last = stop
        while last > start and text[last - 1].isspace():
            last -= 1
        if last > start:
            yield start, last
        start = stop
