"""`threatclip export` and the sources behind `pairs build`: what they write, say and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Command

from export_cases import ANSWERS, answer, write_answers
from stix_cases import write_bundle
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs

WHEN = ["--time", "2026-03-04T05:06:07Z"]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return write_answers(tmp_path / "answers.jsonl")


@pytest.fixture
def attack(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "enterprise-attack.json")


@pytest.mark.parametrize(("kind", "counted"), [("stix", 16), ("navigator", 2), ("misp", 7)])
def test_answers_become_files_of_other_tools(
    tmp_path: Path, threatclip: Command, answers: Path, attack: Path, kind: str, counted: int
) -> None:
    for name in "ab":
        done = threatclip("export", kind, answers, "--attack", attack, "-o", tmp_path / name, *WHEN, "--json")
        assert done.code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    told = {**done.json, "path": None}
    assert told == {
        **{"path": None, "kind": kind, "answers": 9, "exported": 7, "abstained": 1, "below": 0},
        **{"unknown": {"floodwater": 1}, "objects": counted},
    }
    assert done.errors == ["left out, for they refer to nothing known: floodwater (1)"]
    written = json.loads((tmp_path / "a").read_text())
    names = {"stix": "type", "navigator": "techniques", "misp": "Event"}
    assert names[kind] in written


def test_what_was_said_is_for_people_too(tmp_path: Path, threatclip: Command, answers: Path, attack: Path) -> None:
    out = tmp_path / "layer.json"
    done = threatclip("export", "navigator", answers, "--attack", attack, "-o", out, "--name", "Case 7")
    assert done.out == f"{out}: 7 of 9 answers, 2 techniques; abstained 1, below 0\n"
    assert json.loads(out.read_text())["name"] == "Case 7"


@pytest.mark.parametrize("kind", ["stix", "navigator", "misp"])
def test_a_file_says_to_whom_it_may_go(
    tmp_path: Path, threatclip: Command, answers: Path, attack: Path, kind: str
) -> None:
    out = tmp_path / "out.json"
    assert threatclip("export", kind, answers, "--attack", attack, "-o", out, "--tlp", "TLP:AMBER").code == 0
    assert "tlp:amber" in out.read_text().lower()


def test_views_go_out_from_the_table_that_was_classified(tmp_path: Path, threatclip: Command, attack: Path) -> None:
    table = tmp_path / "t.parquet"
    write_pairs(table, [Pair(id="s1", view=b"It ran fish.", group="r.pdf", meta={"report": "r.pdf"})], modality="text")
    answers = write_answers(tmp_path / "a.jsonl", ANSWERS[:1])
    options = ["--attack", attack, "--pairs", table, "-o", tmp_path / "b.json"]
    assert threatclip("export", "stix", answers, *options).code == 0
    assert "It ran fish." in (tmp_path / "b.json").read_text()
    other = write_answers(tmp_path / "o.jsonl", [answer("else", ("T9001", 0.5))])
    refused = threatclip("export", "stix", other, *options[:-1], tmp_path / "c.json")
    assert "holds none of the answers' ids" in refused.error
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--time", "soon"], "--time 'soon' is no time"),
        (["--top", "0"], "top 0 must be at least 1"),
        (["--tlp", "purple"], "TLP 'purple' is none of clear"),
        (["--min-probability", "2"], "the least probability 2.0 in [0, 1]"),
        (["--attack", "nowhere.json"], "no file nowhere.json"),
        ([], "give ATT&CK's bundle with --attack"),
    ],
)
def test_what_cannot_be_exported_is_told(
    tmp_path: Path, threatclip: Command, answers: Path, options: list[str], says: str
) -> None:
    done = threatclip("export", "stix", answers, "-o", tmp_path / "o.json", *options)
    assert done.code == 2
    assert says in done.error
    assert not (tmp_path / "o.json").exists()


def test_a_bundle_becomes_a_table(tmp_path: Path, threatclip: Command, attack: Path) -> None:
    out = tmp_path / "t.parquet"
    done = threatclip("pairs", "build", "--source", "stix", attack, "--label", "group", "--names", "keep", "-o", out)
    assert done.code == 0
    assert set(PairTable.open(out).column("label")) == {"G9001", "G9002"}
    refused = threatclip("pairs", "build", "--source", "stix", attack, "--label", "colour", "-o", out)
    assert "--label 'colour' of source stix is not one of technique" in refused.error


def test_a_report_becomes_a_table(tmp_path: Path, threatclip: Command) -> None:
    (tmp_path / "case.txt").write_text("They ran cmd.exe on it. It called hxxp://a[.]test back.")
    out = tmp_path / "t.parquet"
    assert threatclip("pairs", "build", "--source", "report", tmp_path / "case.txt", "--refang", "-o", out).code == 0
    assert [pair.view for pair in PairTable.open(out).iter_pairs()][1] == b"It called http://a.test back."


def test_taxii_wants_a_url(tmp_path: Path, threatclip: Command) -> None:
    done = threatclip("pairs", "build", "--source", "taxii", "http://taxii.example.test/c/", "-o", tmp_path / "t")
    assert "use https" in done.error
