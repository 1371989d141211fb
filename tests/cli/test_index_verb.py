"""`threatclip index`: what a user builds, adds, shows and finds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import Command

from pair_cases import tiny_dual
from threatclip.encoders.byte import ByteTower
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

HOSTILE = "\x1b[2Jx' OR 1=1 --\u202e"
PAIRS = [
    Pair(
        id=f"case-{number}",
        view=b"GET /?id=%d' OR 1=1 HTTP/1.1\r\n\x1b[31m" % number,
        caption=f"the id {number} is put into a query {HOSTILE}",
        label=HOSTILE if number % 2 else "sql-injection",
        time=datetime(2010 + number, 1, 1, tzinfo=UTC),
    )
    for number in range(12)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of payloads and captions with fresh weights."""
    folder = tmp_path_factory.mktemp("model") / "bundle"
    dual = tiny_dual(["the id is put into a query"], view=ByteTower(dim=16, max_bytes=64, embedding=8, widths=(12, 16)))
    DualBundle(dual=dual.eval(), modality="payload").save(folder, card="# a card")
    return folder


@pytest.fixture
def index(tmp_path: Path, model: Path, threatclip: Command) -> Path:
    write_pairs(tmp_path / "known.parquet", PAIRS, modality="payload")
    done = threatclip("index", "build", tmp_path / "known.parquet", "--model", model, "-o", tmp_path / "index", "-q")
    assert (done.code, done.errors) == (0, [])
    return tmp_path / "index"


def test_a_built_index_is_told_and_shown(index: Path, threatclip: Command) -> None:
    done = threatclip("index", "show", index)
    assert done.code == 0
    assert done.out.splitlines()[0].startswith(f"{index}: 12 cases, generation 1 of 20")
    assert "search: exact" in done.out
    facts = threatclip("index", "show", index, "--json").json
    assert (facts["rows"], facts["half"], facts["dim"], facts["approximate"]) == (12, "view", 16, None)
    assert facts["sources"][0]["name"] == "known"


def test_a_payload_finds_its_case(index: Path, model: Path, threatclip: Command, tmp_path: Path) -> None:
    (tmp_path / "request.bin").write_bytes(PAIRS[3].view)
    done = threatclip("index", "search", index, "--model", model, "--file", tmp_path / "request.bin", "-k", 2, "--json")
    assert (done.code, done.errors) == (0, [])
    [answer] = done.json["answers"]
    assert answer["query"] == str(tmp_path / "request.bin")
    hit, _ = answer["hits"]
    assert (hit["id"], hit["source"], hit["label"], hit["time"]) == (
        "case-3",
        "known",
        HOSTILE,
        "2013-01-01T00:00:00+00:00",
    )
    assert hit["score"] == pytest.approx(1, abs=1e-4)
    assert (done.json["exact"], done.json["generation"]) == (True, 1)


def test_filters_keep_what_they_say(index: Path, model: Path, threatclip: Command) -> None:
    asked = ("index", "search", index, "--model", model, "--text", "a query", "--payload", "GET /", "--json")
    for given, numbers in (
        ((), range(12)),
        (("--label", HOSTILE), range(1, 12, 2)),
        (("--label", "x' OR 1=1 --"), ()),
        (("--since", "2015", "--until", "2018-06-01"), range(5, 9)),
        (("--source", "known", "--label", "sql-injection", "--until", "2013"), (0, 2)),
        (("--source", "elsewhere"), ()),
    ):
        answers = threatclip(*asked, "-k", 12, *given).json["answers"]
        assert [answer["query"] for answer in answers] == ["text:1", "payload:1"]
        for answer in answers:
            assert {hit["id"] for hit in answer["hits"]} == {f"case-{number}" for number in numbers}


def test_what_strangers_wrote_is_shown_escaped(index: Path, model: Path, threatclip: Command) -> None:
    done = threatclip("index", "search", index, "--model", model, "--text", f"a {HOSTILE}", "-k", 3)
    assert done.code == 0
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.out) is None
    assert r"\x1b[31m" in done.out
    done = threatclip("index", "search", index, "--model", model, "--text", "a", "--source", HOSTILE)
    assert done.out == "text:1: no known case passes the filter\n"


def test_a_case_finds_others_without_a_model(index: Path, threatclip: Command) -> None:
    done = threatclip("index", "search", index, "--id", "case-3", "-k", 4, "--json")
    [answer] = done.json["answers"]
    assert len(answer["hits"]) == 4
    assert "case-3" not in {hit["id"] for hit in answer["hits"]}
    assert "no case 'nothing'" in threatclip("index", "search", index, "--id", "nothing").error


def test_cases_are_added(index: Path, model: Path, threatclip: Command, tmp_path: Path) -> None:
    write_pairs(tmp_path / "more.parquet", [Pair(id="new", view=b"POST /upload.php")], modality="payload")
    done = threatclip("index", "add", index, tmp_path / "more.parquet", "--model", model, "--source", "day 2", "--json")
    assert done.code == 0
    assert done.errors == ["cases: 1/1 (100%)"]
    assert (done.json["added"], done.json["rows"], done.json["number"]) == (1, 13, 2)
    found = threatclip("index", "search", index, "--model", model, "--payload", "POST /upload.php", "-k", 1, "--json")
    hit = found.json["answers"][0]["hits"][0]
    assert (hit["id"], hit["source"]) == ("new", "day 2")


def test_wrong_questions_are_told_in_one_line(index: Path, model: Path, threatclip: Command, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"no picture")
    for arguments, says in (
        (("search", index), "nothing to search for"),
        (("search", index, "--text", "a"), "--model is missing"),
        (("search", index, "--text", "a", "--id", "case-1"), "nothing to search for; give .* or --id alone"),
        (("search", index, "--model", model, "--image", picture), "this model reads payloads and captions"),
        (("search", index, "--model", model, "--text", ""), "the query text:1 is empty"),
        (("search", index, "--model", model, "--file", tmp_path / "none"), "cannot read .*none: No such file"),
        (("search", index, "--model", model, "--text", "a", "-k", "0"), "ask for 1 to 1,000"),
        (("search", index, "--model", model, "--text", "a", "--since", "soon"), "--since 'soon' is no time"),
        (("search", index, "--model", tmp_path, "--text", "a"), "no bundle in"),
        (("search", tmp_path / "none", "--model", model, "--text", "a"), "no index at"),
        (("show", tmp_path), "no index at"),
        (("show", "http://host/index"), "at no place that an index can lie"),
        (("add", index, tmp_path / "none.parquet", "--model", model), "no pair table"),
        (("build", "t.parquet", "--model", model, "-o", index, "--half", "both"), "choose view or caption"),
        (("build", "t.parquet", "--model", model, "-o", index, "--kind", "FLAT"), "choose IVF_HNSW_SQ or IVF_PQ"),
        (("build", "t.parquet", "--model", model, "-o", index, "--precision", "int8"), "is not one of auto, fp32"),
    ):
        done = threatclip("index", *arguments)
        assert done.code == 2
        assert re.search(says, done.error), done.error


def test_another_model_is_refused(index: Path, threatclip: Command, tmp_path: Path) -> None:
    dual = tiny_dual(["words"], seed=7, view=ByteTower(dim=16, max_bytes=64, embedding=8, widths=(12, 16)))
    DualBundle(dual=dual.eval(), modality="payload").save(tmp_path / "other", card="# a card")
    done = threatclip("index", "search", index, "--model", tmp_path / "other", "--text", "a")
    assert done.code == 2
    assert "was built with the model" in done.error
