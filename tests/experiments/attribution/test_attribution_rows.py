"""Rows: whom they tell of, what is masked, and what supports a group without a held-out report."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from attribution_cases import real_rows

from threatclip.errors import InputError
from threatclip.experiments.attribution.rows import (
    BUNDLE,
    AttackRows,
    citing_none,
    counts_by_group,
    read_rows,
    reports_of,
    support_rows,
)


def test_rows_are_masked_and_know_their_group(rows: AttackRows) -> None:
    assert len(rows.of("group")) == 8 * 16
    assert len(rows.of("software")) == len(rows.of("campaign")) == 8 * 6
    for row in rows.rows:
        assert row.group is not None
        assert row.group[1:] == row.actor[1:]
        assert row.text.split()[0] in {"ACTOR", "MALWARE", "CAMPAIGN"}
        assert "Citation" not in row.text
        assert len(row.reports) == 1
        assert rows.by_id[row.id] is row


def test_support_cites_no_held_out_report(rows: AttackRows) -> None:
    found = support_rows(rows, groups=["G8000", "G8001"], without=frozenset({"Den 0-0", "Raid report 1"}))
    assert counts_by_group(found) == {"G8000": 10, "G8001": 6}
    assert not reports_of(found) & {"Den 0-0", "Raid report 1"}
    assert citing_none(found, reports_of(found)) == ()


def test_a_table_masked_beforehand_gives_its_own_texts(world: Path, rows: AttackRows, tmp_path: Path) -> None:
    first = rows.of("software")[0]
    table = tmp_path / "masked.jsonl.gz"
    own = [
        {"rel_id": "r1", "source": "group", "group_id": "G8000", "technique_id": "T8000", "text": "ACTOR dug.",
         "citations": ["Den"]},
        {"rel_id": first.id, "source": "software", "software_id": first.actor, "technique_id": "T8001",
         "text": "MALWARE dug.", "citations": []},
        {"rel_id": "r3", "source": "campaign", "campaign_id": "C8003", "technique_id": "T8001", "text": "", },
    ]  # fmt: skip
    with gzip.open(table, "wt") as handle:
        handle.writelines(json.dumps(one) + "\n" for one in own)
    found = read_rows(world, masked=table)
    assert [(row.id, row.group, row.text) for row in found.rows] == [
        ("r1", "G8000", "ACTOR dug."),
        (first.id, "G8000", "MALWARE dug."),
    ]
    assert [row.raw for row in found.rows] == ["", first.raw]


@pytest.mark.parametrize("row", ['{"source": "group"}', '{"source": "group", "group_id": 3}', "[]", "{"])
def test_a_broken_table_is_refused(world: Path, tmp_path: Path, row: str) -> None:
    table = tmp_path / "masked.jsonl"
    table.write_text(row + "\n")
    with pytest.raises(InputError, match=r"masked\.jsonl:1"):
        read_rows(world, masked=table)


@pytest.mark.data
def test_our_masking_reads_as_the_protocol_s(data_dir: Path) -> None:
    own, table = read_rows(data_dir / BUNDLE), real_rows(data_dir)
    both = own.by_id.keys() & table.by_id.keys()
    same = sum(own.by_id[name].text == table.by_id[name].text for name in both)
    assert len(both) > 14_000
    assert same / len(both) > 0.999
    assert all(own.by_id[name].groups == table.by_id[name].groups for name in both)
