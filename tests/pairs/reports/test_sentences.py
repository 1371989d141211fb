"""Sentences end where sentences end, and everything between has its place."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.pairs.reports import sentences
from threatclip.pairs.reports.document import Document, ReportFault
from threatclip.pairs.reports.sentences import LONGEST, refanged, sentences_of, shown


def split(text: str) -> list[str]:
    return [text[one.start : one.end] for one in sentences_of(Document(text=text))]


@pytest.mark.parametrize(
    "parts",
    [
        ["The actor (e.g. a group) ran cmd.exe /c whoami.", "It then used rundll32.exe.", "Done."],
        ["Version 2.1.3 of the tool v1.0 was seen at 10.0.0.1.", "It called back."],
        ["Visit hxxp://evil[.]example[.]test/a.php?X=1 now.", "See https://a.test/?A=b.C&d=E for more."],
        ["Files: a.dll, b.exe, etc.", "The server was evil.example.test.", "Then T1059.001 was used!"],
        ["The U.S. branch wrote to 198.51.100.7:443, i.e. its server.", "Nothing else."],
        ["See Fig. 3 for details.", "Dr. Smith said so."],
    ],
)
def test_names_versions_addresses_and_abbreviations_stay_whole(parts: list[str]) -> None:
    assert split(" ".join(parts)) == parts


def test_blank_lines_end_a_sentence_and_single_line_breaks_do_not() -> None:
    assert split("A heading\n\nThey ran\nit. Then left") == ["A heading", "They ran\nit.", "Then left"]


def test_a_very_long_sentence_is_cut_at_a_space() -> None:
    found = split("word " * 1_000)
    assert len(found) == 3
    assert max(map(len, found)) <= LONGEST
    assert [len(piece) for piece in split("x" * 4_001)] == [2_000, 2_000, 1]


@given(st.text(alphabet="aB1 .!?\n\t…。(\"'é\u0301İ\U0001f600[]:/", max_size=80))
def test_no_visible_character_is_lost_or_told_twice(text: str) -> None:
    document = Document(text=text, pages=(0, 5))
    found = sentences_of(document)
    assert "".join("".join(text[one.start : one.end] for one in found).split()) == "".join(text.split())
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(one.page == (1 if one.start < 5 else 2) for one in found)


@pytest.mark.parametrize(
    ("defanged", "whole"),
    [
        ("hxxps://evil[.]example[.]test/a", "https://evil.example.test/a"),
        ("hXXp[:]//a(.)b{.}c", "http://a.b.c"),
        ("hxxp[://]10.0.0[.]1", "http://10.0.0.1"),
        ("mail a [at] b[dot]test", "mail a@b.test"),
        ("fxp://x", "ftp://x"),
        ("an array[0] and f(x) stay, hxxp too", "an array[0] and f(x) stay, hxxp too"),
    ],
)
def test_defanged_indicators_are_written_as_they_were(defanged: str, whole: str) -> None:
    assert refanged(defanged) == whole


def test_what_is_shown_is_one_line() -> None:
    assert shown("They drop-\nped a  file\nat a[.]b") == "They dropped a file at a[.]b"
    assert shown("at a[.]b", refang=True) == "at a.b"


def test_too_many_sentences_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "SENTENCE_LIMIT", 2)
    with pytest.raises(ReportFault, match="more than 2 sentences"):
        split("One. Two. Three.")
