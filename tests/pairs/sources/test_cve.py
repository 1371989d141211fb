from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from threatclip.errors import BadRow
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Cve
from threatclip.pairs.sources.rows import Row


def read(tmp_path: Path, *lines: object) -> list[Row]:
    path = tmp_path / "cve.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return list(Cve().read(path))


def test_a_description_is_the_view_and_its_cwe_the_class(tmp_path: Path) -> None:
    first, second, third = read(
        tmp_path,
        {
            "cve_id": "CVE-2020-1",
            "year": 2020,
            "cwe_all": ["CWE-20", "CWE-79"],
            "threat_class": None,
            "product": "p",
            "description": "words",
        },
        {"cve_id": "CVE-2019-2", "cwe_id": "CWE-787", "description": "words"},
        {"cve_id": "X-3", "threat_class": "ssrf", "description": "words", "year": 2018},
    )
    assert first == Pair(
        id="CVE-2020-1",
        view=b"words",
        label="xss",
        group="CVE-2020-1",
        time=datetime(2020, 1, 1, tzinfo=UTC),
        meta={"cve": "CVE-2020-1", "cwe": "CWE-20 CWE-79", "product": "p"},
    )
    assert isinstance(second, Pair)
    assert (second.label, second.time) == ("memory-safety", datetime(2019, 1, 1, tzinfo=UTC))
    assert isinstance(third, Pair)
    assert third.label == "ssrf"


@pytest.mark.parametrize(
    "row",
    [
        {"description": "words"},
        {"cve_id": "CVE-2020-1"},
        {"cve_id": "CVE-2020-1", "description": "w", "cwe_all": [{}]},
        {"cve_id": "CVE-2020-1", "description": "w", "cwe_all": "CWE-79"},
        {"cve_id": "CVE-x-1", "description": "w"},
        {"cve_id": "CVE-2020-1", "description": ["w", 1]},
    ],
)
def test_a_broken_record_is_a_bad_row(tmp_path: Path, row: dict[str, object]) -> None:
    assert [type(item) for item in read(tmp_path, row)] == [BadRow]


@pytest.mark.data
def test_the_real_descriptions_are_read_whole(data_dir: Path) -> None:
    rows = list(Cve().read(data_dir / "cve" / "cve_descriptions_cwe.jsonl.gz"))
    assert len(rows) == 80_458
    assert all(isinstance(row, Pair) for row in rows)
