"""Nothing that a stranger wrote steers the terminal; progress is told at a human pace."""

from __future__ import annotations

import json
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.cli import terminal
from threatclip.experiments.progress import Progress


@given(st.text(st.characters(), max_size=60))
def test_printable_holds_no_character_that_acts(text: str) -> None:
    shown = terminal.printable(text)
    assert "\n" not in shown
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [c for c in shown if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI")]
    assert shown.encode("utf-8").decode() == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]8;;http://x\x07", r"\x1b]8;;http://x\x07"),
        ("a\r\nb", r"a\r\nb"),
        ("gnp\u202egp.exe", r"gnp\u202egp.exe"),
        ("\ud800", r"\ud800"),
        ("naïve 漢字", "naïve 漢字"),
    ],
)
def test_printable_examples(text: str, shown: str) -> None:
    assert terminal.printable(text) == shown


def test_tables_align_and_escape(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_table(["class", "rows"], [["xss", "1,000"], ["\x1b[2J", "7"]])
    assert capsys.readouterr().out == "class     rows\nxss      1,000\n\\x1b[2J      7\n"


def test_json_is_one_ascii_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_json({"id": "a\n\x1b\u202e"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.isascii()
    assert json.loads(out) == {"id": "a\n\x1b\u202e"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        terminal.show_json({"accuracy": math.nan})


def test_sparse_lines_come_at_begin_end_and_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    on_progress = terminal.SparseLines(clock=lambda: now[0])
    for done in range(13):
        on_progress(Progress(stage="stage2", done=done, total=12, facts={"loss": 1 / (done + 1)}))
        now[0] += 1.0
    on_progress(Progress(stage="rows", done=500, total=0))
    now[0] += 6.0
    on_progress(Progress(stage="rows", done=9000, total=0))
    assert capsys.readouterr().err.splitlines() == [
        "stage2: 0/12 (0%)  loss 1",
        "stage2: 5/12 (42%)  loss 0.1667",
        "stage2: 10/12 (83%)  loss 0.09091",
        "stage2: 12/12 (100%)  loss 0.07692",
        "rows: 9,000",
    ]


def test_bars_draw_on_a_terminal_and_leave_stdout_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with terminal.progress(quiet=False) as on_progress:
        on_progress(Progress(stage="stage[red]1", done=1, total=2, facts={"loss": 0.5}))
        terminal.show("result")
        on_progress(Progress(stage="stage[red]1", done=2, total=2))
    captured = capsys.readouterr()
    assert captured.out == "result\n"
    assert "stage[red]1" in captured.err
    assert "2/2" in captured.err


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress(quiet=True) as on_progress:
        on_progress(Progress(stage="a", done=1, total=1))
    assert capsys.readouterr().err == ""
