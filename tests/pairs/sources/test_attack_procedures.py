"""ATT&CK procedures: sentences meet the descriptions of their techniques; broken rows are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.attack_procedures import TECHNIQUES, AttackProcedures
from threatclip.pairs.sources.rows import SkippedRow

TECHNIQUE = {
    "technique_id": "T9001.002",
    "name": "Borrowed Badge",
    "description": "Someone borrows a badge. It opens\n doors.",
}
SENTENCE = {
    "rel_id": "r1",
    "technique_id": "T9001.002",
    "tactics": ["initial-access", "persistence"],
    "created": "2020-02-03",
    "citations": ["Report A", "Report B"],
    "group_id": "G9",
    "source": "group",
    "text": " ACTOR borrowed a badge.\n",
}


def written(folder: Path, *rows: dict[str, Any] | bytes, techniques: list[dict[str, Any]] | None = None) -> Path:
    """Write sentences, and the techniques as plain lines under their usual name."""
    lines = [row if isinstance(row, bytes) else orjson.dumps(row) for row in rows]
    (folder / TECHNIQUES).write_bytes(b"\n".join(orjson.dumps(one) for one in techniques or [TECHNIQUE]))
    (folder / "procedures.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder / "procedures.jsonl"


def test_a_sentence_meets_its_technique(tmp_path: Path) -> None:
    (pair,) = AttackProcedures().read(written(tmp_path, SENTENCE))
    assert isinstance(pair, Pair)
    assert (pair.id, pair.view, pair.label, pair.group) == ("r1", b"ACTOR borrowed a badge.", "T9001", "Report A")
    assert pair.caption == "Borrowed Badge. Someone borrows a badge."
    assert pair.time is not None
    assert (pair.time.year, pair.time.month, pair.time.day) == (2020, 2, 3)
    assert dict(pair.meta) == {"source": "group", "actor": "G9", "technique": "T9001.002"}


@pytest.mark.parametrize(("label", "found"), [("tactic", "initial-access"), ("technique", "T9001.002")])
def test_the_label_is_chosen(tmp_path: Path, label: Any, found: str) -> None:
    (pair,) = AttackProcedures(label=label, n_sentences=2).read(written(tmp_path, SENTENCE))
    assert isinstance(pair, Pair)
    assert pair.label == found
    assert pair.caption == "Borrowed Badge. Someone borrows a badge. It opens doors."


def test_a_sentence_without_report_belongs_to_its_actor(tmp_path: Path) -> None:
    (pair,) = AttackProcedures().read(written(tmp_path, {**SENTENCE, "citations": [], "tactics": None}))
    assert isinstance(pair, Pair)
    assert pair.group == "G9"


@pytest.mark.parametrize(
    ("row", "kind", "says"),
    [
        ({**SENTENCE, "technique_id": "T1"}, BadRow, "no technique of ATT&CK"),
        ({**SENTENCE, "technique_id": None}, BadRow, "no technique of ATT&CK"),
        ({**SENTENCE, "technique_id": "T9999"}, SkippedRow, "has no description"),
        ({**SENTENCE, "text": " "}, SkippedRow, "no sentence"),
        ({**SENTENCE, "tactics": "persistence"}, BadRow, "not a list"),
        (b"{", BadRow, "not JSON"),
    ],
)
def test_what_is_no_pair_says_why(tmp_path: Path, row: Any, kind: type, says: str) -> None:
    (found,) = AttackProcedures().read(written(tmp_path, row))
    assert isinstance(found, kind)
    assert says in str(found)


@pytest.mark.parametrize("technique", [{"name": "x"}, {"technique_id": "T9001"}])
def test_broken_techniques_are_refused(tmp_path: Path, technique: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="restore the file"):
        list(AttackProcedures().read(written(tmp_path, SENTENCE, techniques=[technique])))


def test_missing_techniques_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SENTENCE)
    (tmp_path / TECHNIQUES).unlink()
    with pytest.raises(InputError, match=r"techniques\.jsonl\.gz"):
        list(AttackProcedures().read(path))


@pytest.mark.data
def test_the_real_procedures_are_read_whole(data_dir: Path) -> None:
    rows = list(AttackProcedures().read(data_dir / "attack" / "procedures_masked.jsonl.gz"))
    pairs = [row for row in rows if isinstance(row, Pair)]
    assert not any(isinstance(row, BadRow) for row in rows)
    assert len(pairs) > 14_000
    assert len({pair.label for pair in pairs}) > 150
    assert all(pair.caption and pair.time for pair in pairs)
    assert sum(pair.group is not None for pair in pairs) > 0.95 * len(pairs)
