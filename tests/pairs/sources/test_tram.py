"""TRAM's list of labeled sentences: what becomes a pair, what is a bad row, what cannot be read at all."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.rows import SkippedRow
from threatclip.pairs.sources.tram import Tram

SENTENCE = {"text": " It listed the files of a folder.\n", "label": "T9001.002", "doc_title": "Report A"}


def test_a_sentence_becomes_a_pair_of_its_report(tmp_path: Path) -> None:
    path = tmp_path / "labeled.json.gz"
    path.write_bytes(gzip.compress(orjson.dumps([SENTENCE, {**SENTENCE, "doc_title": None}]), mtime=0))
    first, second = Tram().read(path)
    assert isinstance(first, Pair)
    assert isinstance(second, Pair)
    assert (first.id, first.view, first.label) == ("labeled:1", b"It listed the files of a folder.", "T9001.002")
    assert (first.group, second.group) == ("Report A", None)


def test_broken_sentences_are_told(tmp_path: Path) -> None:
    path = tmp_path / "labeled.json"
    path.write_bytes(orjson.dumps([{**SENTENCE, "label": "other"}, "text", {**SENTENCE, "text": " "}, {"text": 3}]))
    rows = list(Tram().read(path))
    assert [type(row) for row in rows] == [BadRow, BadRow, SkippedRow, SkippedRow]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{}", "holds no list"), (b"[", "is not JSON"), (gzip.compress(b"[]" * 999, mtime=0)[:-9], "no whole gzip")],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labeled.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(Tram().read(path))


@pytest.mark.data
def test_the_real_sentences_are_whole(data_dir: Path) -> None:
    rows = list(Tram().read(data_dir / "tram" / "single_label.json.gz"))
    pairs = [row for row in rows if isinstance(row, Pair)]
    assert (len(rows), len(pairs)) == (5_089, 5_089)
    assert (len({pair.label for pair in pairs}), len({pair.group for pair in pairs})) == (50, 149)
