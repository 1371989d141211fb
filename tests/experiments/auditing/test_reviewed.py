"""An audit read again: its rows by threshold, and the table that a review leaves."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from auditing_cases import FILTERS, PLANTED, audited, text_pairs, write_case, write_picture_case

from pair_cases import picture_pairs
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.auditing.folder import RANKING, AuditFolder, Cut, read_audit, rows_of_cut
from threatclip.experiments.auditing.reviewed import dropped_rows, write_reviewed
from threatclip.pairs.table import PairTable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an audit whose suspects are PLANTED."""
    request = write_case(tmp_path_factory.mktemp("audit"))
    audited(request)
    return request.out


@pytest.fixture
def audit(folder: Path) -> AuditFolder:
    return read_audit(folder)


def test_an_audit_is_what_it_wrote(audit: AuditFolder) -> None:
    assert list(audit.scores) == [RANKING, *FILTERS]
    assert set(audit.listed) == set(np.flatnonzero(audit.suspect)) == set(PLANTED)
    assert audit.threshold("relevance") == audit.told["filters"][0]["threshold"]
    assert audit.threshold(RANKING) is None
    assert len(audit.table()) == len(audit.suspect) == 240
    assert audit.listed[PLANTED[0]]["neighbors"][0]["row"] not in PLANTED


def test_rows_come_by_their_score(audit: AuditFolder) -> None:
    rows = rows_of_cut(audit, Cut())
    assert set(rows) == set(PLANTED)
    scores = audit.scores["relevance"]
    cut = Cut(kind="relevance", threshold=float(np.sort(scores)[-10]))
    wanted = sorted(np.flatnonzero(scores >= cut.threshold), key=lambda row: -scores[row])
    assert rows_of_cut(audit, cut).tolist() == wanted
    with pytest.raises(InputError, match="no score 'magic'"):
        rows_of_cut(audit, Cut(kind="magic"))
    with pytest.raises(InputError, match="finite"):
        Cut(threshold=math.nan)


def test_broken_pictures_are_always_up_for_review(tmp_path: Path) -> None:
    pairs = picture_pairs(60)
    pairs[9] = dataclasses.replace(pairs[9], view=pairs[9].view[:80])
    request = write_picture_case(tmp_path, pairs)
    audited(request)
    audit = read_audit(request.out)
    assert np.flatnonzero(audit.broken).tolist() == [9]
    rows = rows_of_cut(audit, Cut(threshold=1e9))
    assert rows.tolist() == [9]


def test_decisions_outweigh_the_rule(audit: AuditFolder) -> None:
    kept, *others = PLANTED
    dropped = dropped_rows(audit, {kept: "keep", 0: "drop"}, cut=Cut(), undecided="drop")
    assert set(np.flatnonzero(dropped)) == {0, *others}
    dropped = dropped_rows(audit, {kept: "drop"}, cut=Cut(), undecided="keep")
    assert np.flatnonzero(dropped).tolist() == [kept]
    with pytest.raises(InputError, match="is not one of drop, keep"):
        dropped_rows(audit, {}, cut=Cut(), undecided="burn")
    with pytest.raises(InputError, match="row 240"):
        dropped_rows(audit, {240: "drop"}, cut=Cut(), undecided="keep")


def test_the_cleaned_table_is_the_table_without_the_dropped(audit: AuditFolder, tmp_path: Path) -> None:
    written = write_reviewed(
        tmp_path / "c.parquet", audit, {PLANTED[0]: "keep", 1: "drop"}, cut=Cut(), undecided="drop"
    )
    gone = {1, *PLANTED[1:]}
    wanted = [pair for row, pair in enumerate(text_pairs()) if row not in gone]
    assert list(PairTable.open(written.path).iter_pairs()) == wanted


def test_no_table_without_rows(audit: AuditFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="all 240 rows"):
        write_reviewed(tmp_path / "c.parquet", audit, dict.fromkeys(range(240), "drop"), cut=Cut(), undecided="keep")


def test_a_folder_that_moved_finds_its_table_beside_it(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "moved")
    audit = read_audit(tmp_path / "moved")
    told = {**audit.told, "table": "/gone/table.parquet"}
    moved = AuditFolder(
        path=audit.path,
        told=told,
        scores=audit.scores,
        broken=audit.broken,
        suspect=audit.suspect,
        listed=audit.listed,
    )
    with pytest.raises(InputError, match="is not there any more"):
        moved.table()
    shutil.copy(folder.parent / "table.parquet", tmp_path / "table.parquet")
    assert moved.table().content_hash == audit.content_hash
    shutil.copy(folder / "cleaned.parquet", tmp_path / "table.parquet")
    with pytest.raises(InputError, match="is not the table that was audited"):
        moved.table()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("audit.json", "[]", "tells of no audit"),
        ("scores.parquet", "PAR1", "is not the scores of an audit"),
        ("suspects.jsonl", '{"row": 99999}\n', "is not the list of an audit"),
        ("suspects.jsonl", "{", "is not the list of an audit"),
    ],
)
def test_a_changed_file_is_damaged(folder: Path, tmp_path: Path, name: str, content: str, says: str) -> None:
    shutil.copytree(folder, tmp_path / "audit")
    (tmp_path / "audit" / name).write_text(content)
    with pytest.raises(DamagedArtifactError, match=says):
        read_audit(tmp_path / "audit")
