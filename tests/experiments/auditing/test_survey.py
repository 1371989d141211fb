"""The first pass: states of rows, vectors of the judged ones, and a kill at any block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from picture_cases import encoded
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.auditing import survey as survey_module
from threatclip.experiments.auditing.rows import TablePairs
from threatclip.experiments.auditing.survey import STATES, Survey, survey_table
from threatclip.experiments.progress import Progress, ignore
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.table import PairTable, write_pairs


class Lengths:
    """An encoder that tells lengths, and fails after some blocks."""

    name = "lengths"
    dim = 2

    def __init__(self, fail_at: int | None = None) -> None:
        self.calls = 0
        self.fail_at = fail_at

    def views(self, views: Sequence[bytes]) -> np.ndarray:
        self.calls += 1
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        return np.array([[len(view), 1] for view in views], np.float32)

    def captions(self, captions: Sequence[str]) -> np.ndarray:
        return np.array([[len(caption), 2] for caption in captions], np.float32)


def made(tmp_path: Path, pairs: Sequence[Pair], modality: Modality = "text") -> PairTable:
    write_pairs(tmp_path / "t.parquet", pairs, modality=modality)
    return PairTable.open(tmp_path / "t.parquet")


def numbered(n: int) -> list[Pair]:
    captions = (None, "  ", "a", "bb", "ccc")
    return [Pair(id=str(row), view=b"x" * (row + 1), caption=captions[row % 5]) for row in range(n)]


def passed(table: PairTable, folder: Path, encoder: Lengths | None) -> Survey:
    return survey_table(table, folder, encoder=encoder, stage="encode", on_progress=ignore)


def test_rows_without_a_half_are_not_judged(tmp_path: Path) -> None:
    found = passed(made(tmp_path, numbered(20)), tmp_path / "work", Lengths())
    assert [STATES[state] for state in found.states[:4]] == ["no caption", "no caption", "judged", "judged"]
    assert found.rows.tolist() == [row for row in range(20) if row % 5 > 1]
    assert found.views[:, 0].tolist() == (found.rows + 1).tolist()
    assert found.captions[:3].tolist() == [[1, 2], [2, 2], [3, 2]]


def test_pictures_that_do_not_decode_are_told(tmp_path: Path) -> None:
    whole = encoded(np.zeros((8, 8, 3), np.uint8))
    pairs = [
        Pair(id="whole", view=whole, caption="a"),
        Pair(id="torn", view=whole[:40], caption="a"),
        Pair(id="none", view=b"", caption="words alone"),
        Pair(id="script", view=b"<svg onload=alert(1)>", caption=None),
    ]
    found = passed(made(tmp_path, pairs, "image"), tmp_path / "work", None)
    assert [STATES[state] for state in found.states] == ["judged", "broken picture", "no view", "broken picture"]
    assert found.views.shape == (0, 0)


@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_a_stopped_pass_goes_on_after_its_last_block(
    tmp_path: Path, fail_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey_module, "BLOCK_ROWS", 10)
    table = made(tmp_path, numbered(35))
    calm = passed(table, tmp_path / "calm", Lengths())
    with pytest.raises(KeyboardInterrupt):
        passed(table, tmp_path / "work", Lengths(fail_at))
    with (tmp_path / "work" / "views.f32").open("ab") as handle:
        handle.write(b"torn block")  # what a kill leaves behind the last whole one
    encoder, records = Lengths(), list[Progress]()
    again = survey_table(table, tmp_path / "work", encoder=encoder, stage="encode", on_progress=records.append)
    assert encoder.calls == 4 - (fail_at - 1)
    assert records[0].done == 10 * (fail_at - 1)
    for name in ("states", "rows", "views", "captions"):
        assert np.array_equal(getattr(again, name), getattr(calm, name)), name
    finished = Lengths()
    passed(table, tmp_path / "work", finished)
    assert finished.calls == 0


@pytest.mark.parametrize("content", ['{"rows": 99}', '{"rows": true}', "[]", "{}"])
def test_a_changed_account_is_refused(tmp_path: Path, content: str) -> None:
    table = made(tmp_path, numbered(5))
    passed(table, tmp_path / "work", Lengths())
    (tmp_path / "work" / "survey.json").write_text(content)
    with pytest.raises(DamagedArtifactError, match="is not of this table; remove the folder"):
        passed(table, tmp_path / "work", Lengths())


def test_vectors_that_were_cut_off_are_refused(tmp_path: Path) -> None:
    table = made(tmp_path, numbered(5))
    passed(table, tmp_path / "work", Lengths())
    (tmp_path / "work" / "views.f32").write_bytes(b"")
    with pytest.raises(DamagedArtifactError, match="shorter than its audit wrote it"):
        passed(table, tmp_path / "work", Lengths())


def test_pairs_of_some_rows_are_a_sequence(tmp_path: Path) -> None:
    table = made(tmp_path, numbered(2500))
    pairs = TablePairs(table, np.array([3, 4, 2400]))
    assert len(pairs) == 3
    assert [pair.id for pair in pairs] == ["3", "4", "2400"]
    assert pairs[2].id == pairs[-1].id == "2400"
    assert [pair.id for pair in pairs[1:]] == ["4", "2400"]
    with pytest.raises(IndexError):
        pairs[3]
