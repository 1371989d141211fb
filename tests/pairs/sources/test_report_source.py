"""Reports as pairs: sentences with their places, files that cannot be read, readers that are stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from threatclip.errors import BadRow, InputError, NotInstalledError
from threatclip.pairs.pair import Pair
from threatclip.pairs.reports import reading
from threatclip.pairs.reports.document import Document
from threatclip.pairs.reports.markup import html_text, markdown_text, plain_text
from threatclip.pairs.reports.sentences import sentences_of
from threatclip.pairs.sources.report import Report
from threatclip.pairs.sources.rows import SkippedRow

TEXT = "They ran cmd.exe here. Short. They called hxxp://a[.]test then."


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in this process: what a process of its own does is tested apart."""

    def parsed(kind: str, content: bytes) -> tuple[Document, Any]:
        document = {"text": plain_text, "markdown": markdown_text, "html": html_text}[kind](content)
        return document, sentences_of(document)

    monkeypatch.setattr(reading, "_parsed", parsed)


@pytest.mark.usefixtures("here")
def test_a_report_becomes_its_sentences(tmp_path: Path) -> None:
    (tmp_path / "case.txt").write_text(TEXT)
    first, last = Report().read(tmp_path / "case.txt")
    assert isinstance(first, Pair)
    assert isinstance(last, Pair)
    assert (first.id, first.view, first.group, first.caption) == (
        "case.txt#1",
        b"They ran cmd.exe here.",
        "case.txt",
        None,
    )
    assert last.id == "case.txt#3"  # what is too short keeps its number
    assert TEXT[int(last.meta["start"]) : int(last.meta["end"])] == last.view.decode()
    *_, refanged = Report(refang=True, n_words=1).read(tmp_path / "case.txt")
    assert isinstance(refanged, Pair)
    assert refanged.view == b"They called http://a.test then."


@pytest.mark.usefixtures("here")
def test_a_folder_of_reports_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.md").write_text("# One two three\n")
    (tmp_path / "a.HTML").write_text("<p>One two three.</p>")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "data.csv").write_text("a,b")
    (tmp_path / ".hidden.txt").write_text("not this one")
    rows = list(Report().read(tmp_path))
    assert [row.id for row in rows if isinstance(row, Pair)] == ["a.HTML#1", "b/x.md#1"]
    assert [row.reason for row in rows if isinstance(row, BadRow)] == ["it is empty"]
    assert [Path(row.path).name for row in rows if isinstance(row, SkippedRow)] == ["data.csv"]


def test_what_is_no_report_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"holds no report; readable are \.txt"):
        list(Report().read(tmp_path))
    with pytest.raises(InputError, match="no file"):
        list(Report().read(tmp_path / "no.txt"))
    (tmp_path / "x.docx").write_text("x")
    (row,) = Report().read(tmp_path / "x.docx")
    assert isinstance(row, BadRow)
    assert "'.docx' is not one of .txt" in row.reason
    monkeypatch.setattr(reading, "FILE_LIMIT_BYTES", 5)
    (tmp_path / "x.txt").write_text("too long")
    (row,) = Report().read(tmp_path / "x.txt")
    assert isinstance(row, BadRow)
    assert row.reason == "it is larger than 5 bytes"


def test_a_report_is_read_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>They ran ünïcode here.</p>")
    (pair,) = Report().read(tmp_path / "a.html")
    assert isinstance(pair, Pair)
    assert pair.view.decode() == "They ran ünïcode here."
    (tmp_path / "b.pdf").write_text("no pdf")
    (bad,) = Report().read(tmp_path / "b.pdf")
    assert isinstance(bad, BadRow)
    assert bad.reason == "it is no PDF"


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of processor time there")
def test_a_report_that_hangs_its_reader_is_a_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CPU_SECONDS", 1)
    (tmp_path / "deep.html").write_text("<div>" * 300_000)
    (bad,) = Report().read(tmp_path / "deep.html")
    assert isinstance(bad, BadRow)
    assert "over 1 seconds, too much memory, or a crash" in bad.reason


@pytest.mark.parametrize(
    ("done", "fault", "says"),
    [
        ({"returncode": 4, "stdout": b""}, NotInstalledError, r"install threatclip\[reports\]"),
        ({"returncode": 0, "stdout": json.dumps({"fault": "why"}).encode()}, None, "why"),
        ({"returncode": -11, "stdout": b""}, None, "its reader ended with -11"),
    ],
)
def test_however_the_reader_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: dict[str, Any], fault: type[Exception] | None, says: str
) -> None:
    monkeypatch.setattr(reading.subprocess, "run", lambda *_, **__: SimpleNamespace(**done))
    (tmp_path / "a.txt").write_text("some words here")
    if fault is not None:
        with pytest.raises(fault, match=says):
            list(Report().read(tmp_path / "a.txt"))
        return
    (bad,) = Report().read(tmp_path / "a.txt")
    assert isinstance(bad, BadRow)
    assert says in bad.reason
