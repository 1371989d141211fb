"""A whole audit: what it writes, that it changes nothing, goes on after a stop, and refuses what does not fit."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from auditing_cases import DIM, FILTERS, PLANTED, audited, text_pairs, write_case, write_picture_case, write_planted

from pair_cases import picture_pairs
from threatclip.artifacts import write_tensors
from threatclip.defenses.filters.relevance import Relevance
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.auditing.request import Audit
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listed(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "suspects.jsonl").read_text().splitlines()]


def test_planted_pairs_are_found_and_the_table_stays(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    before = digest(request.table)
    found = audited(request)
    assert digest(request.table) == before
    assert (found["n"], found["suspects"], found["method"]) == (240, 3, "strongest")
    assert found["metrics"] == {}
    assert [one["kind"] for one in found["filters"]] == list(FILTERS)
    assert {entry["row"] for entry in listed(request.out)} == set(PLANTED)
    first = listed(request.out)[0]
    assert first["flagged_by"] == ["relevance"]
    assert "cosine distance 2.000" in first["reason"]
    assert len(first["neighbors"]) == 3
    assert not {near["id"] for near in first["neighbors"]} & {f"row-{row}" for row in PLANTED}
    assert json.loads((request.out / "audit.json").read_text()) == found


def test_the_cleaned_table_is_the_table_without_the_suspects(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    found = audited(request)
    cleaned = PairTable.open(request.out / "cleaned.parquet")
    wanted = [pair for row, pair in enumerate(text_pairs()) if row not in PLANTED]
    assert list(cleaned.iter_pairs()) == wanted
    assert found["cleaned_rows"] == len(cleaned) == 237
    cleaned.verify()


def test_every_pair_has_its_scores(tmp_path: Path) -> None:
    write_case(tmp_path)
    pairs = text_pairs()
    pairs[5] = dataclasses.replace(pairs[5], caption=None)
    write_pairs(tmp_path / "table.parquet", pairs, modality="text")
    request = write_case_of(tmp_path)
    found = audited(request)
    table = pq.read_table(request.out / "scores.parquet").to_pydict()
    assert table["id"] == [pair.id for pair in pairs]
    assert table["state"][4:7] == ["judged", "no caption", "judged"]
    assert [table[name][5] for name in ("relevance", "k_dist", "ranking", "rank")] == [None] * 4
    assert sorted(rank for rank in table["rank"] if rank is not None) == list(range(1, 240))
    assert [row for row, suspect in enumerate(table["suspect"]) if suspect] == list(PLANTED)
    assert found["rows"] == {"judged": 239, "no caption": 1, "no view": 0, "broken picture": 0}


def write_case_of(folder: Path) -> Audit:
    return Audit(
        table=folder / "table.parquet", out=folder / "out", vectors=folder / "vectors.safetensors", filters=FILTERS
    )


def test_the_judge_tells_how_well_it_went(tmp_path: Path) -> None:
    truth = write_planted(tmp_path / "truth.json")
    found = audited(dataclasses.replace(write_case(tmp_path), truth=truth))
    assert found["metrics"]["auroc"]["value"] == 1
    assert {"auroc", "auprc", "precision_at_n", "tpr", "fpr"} <= found["metrics"].keys()
    assert found["metrics"]["tpr"]["value"] == 1
    assert found["metrics"]["fpr"] == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 237}
    assert found["filters"][0]["metrics"]["precision_at_n"]["value"] == 1


def test_a_truth_of_another_table_is_refused(tmp_path: Path) -> None:
    truth = write_planted(tmp_path / "truth.json", planted=(999,))
    with pytest.raises(InputError, match="'row-999', which is not in"):
        audited(dataclasses.replace(write_case(tmp_path), truth=truth))


def test_no_filter_depends_on_the_truth(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    audited(request)
    before = digest(request.out / "scores.parquet")
    audited(dataclasses.replace(request, truth=write_planted(tmp_path / "truth.json")))
    assert digest(request.out / "scores.parquet") == before


@pytest.mark.parametrize("share", [0.0125, 0.1, 0.5])
def test_a_share_off_the_top_is_taken(tmp_path: Path, share: float) -> None:
    request = dataclasses.replace(write_case(tmp_path), drop_top=share)
    found = audited(request)
    assert found["suspects"] == round(share * 240)
    assert {entry["row"] for entry in listed(request.out)[:3]} == set(PLANTED)


def test_thresholds_of_ones_own(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    assert audited(dataclasses.replace(request, thresholds={"relevance": 3.0}))["suspects"] == 0
    assert audited(dataclasses.replace(request, thresholds={"relevance": 0.0}))["suspects"] >= 230
    with pytest.raises(InputError, match="no filter 'dao' ran on this table"):
        audited(dataclasses.replace(request, thresholds={"dao": 1.0}))


def test_trusted_pairs_keep_a_false_positive_rate_and_stand_beside_suspects(tmp_path: Path) -> None:
    request = dataclasses.replace(write_case(tmp_path, trusted=400), filters=("relevance",), fpr=0.02)
    found = audited(request)
    entries = listed(request.out)
    assert {entry["row"] for entry in entries[:3]} == set(PLANTED)
    assert 3 <= found["suspects"] <= 3 + 0.06 * 240
    assert all(near["id"].startswith("trusted-") for near in entries[0]["neighbors"])
    with pytest.raises(InputError, match="trusted pairs cannot hold a false-positive rate"):
        audited(dataclasses.replace(request, fpr=0.001))


def test_a_second_look_scores_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = write_case(tmp_path)
    first = audited(request)
    monkeypatch.setattr(Relevance, "scores", lambda *_, **__: pytest.fail("scored again"))
    assert audited(request) == first
    with pytest.raises(pytest.fail.Exception):
        audited(dataclasses.replace(request, seed=1))


def test_the_same_audit_gives_the_same_bytes(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    audited(request)
    other = dataclasses.replace(request, out=tmp_path / "other")
    audited(other)
    for name in ("scores.parquet", "suspects.jsonl", "suspects.csv", "cleaned.parquet", "report.html"):
        assert digest(request.out / name) == digest(other.out / name), name


def test_filters_that_need_vectors_are_left_out_without_a_model(tmp_path: Path) -> None:
    request = dataclasses.replace(write_case(tmp_path), vectors=None, filters=())
    found = audited(request)
    assert [one["kind"] for one in found["filters"]] == ["bursts"]
    assert found["method"] == "bursts"
    assert {"relevance", "k_dist", "spectral"} <= found["left_out"].keys()
    with pytest.raises(InputError, match="filter relevance: this filter needs vectors"):
        audited(dataclasses.replace(request, filters=("relevance",), out=tmp_path / "named"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"filters": ("relevance", "magic")}, "unknown filter 'magic'; choose from relevance"),
        ({"filters": ("relevance", "relevance")}, "name each once"),
        ({"settings": {"dao": {"k": 3}}}, "parameters of dao are set, but it is not among"),
        ({"settings": {"k_dist": {"q": 3}}}, "q"),
        ({"method": "dao"}, "no filter 'dao' ran"),
        ({"table": Path("/none.parquet")}, "no pair table /none.parquet"),
        ({"vectors": Path("/none.npz")}, "/none.npz"),
        ({"names": Path("/none.json")}, "/none.json"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        audited(dataclasses.replace(write_case(tmp_path), **change))


@pytest.mark.parametrize(
    "change",
    [
        {"model": "bundle"},
        {"drop_top": 0.0},
        {"drop_top": 1.0},
        {"drop_top": 0.1, "thresholds": {"relevance": 1.0}},
        {"fpr": 0.1},
    ],
)
def test_settings_that_exclude_each_other(tmp_path: Path, change: dict[str, Any]) -> None:
    request = write_case(tmp_path)
    with pytest.raises(InputError):
        dataclasses.replace(request, **change)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    request.out.mkdir()
    (request.out / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something that is no audit"):
        audited(request)
    assert (request.out / "thesis.txt").read_text() == "mine"


def test_a_folder_whose_audit_was_stopped_before_its_request_was_written_is_taken(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    (request.out / "work").mkdir(parents=True)
    (request.out / "work" / ".request.json.x.part").write_text("{")
    assert audited(request)


def test_a_folder_of_another_audit_is_refused(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    audited(request)
    write_pairs(request.table, text_pairs()[::-1], modality="text")
    with pytest.raises(InputError, match="holds an audit with another table"):
        audited(request)


def test_a_changed_score_file_is_refused(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    audited(request)
    next((request.out / "work" / "scores").glob("relevance-*")).write_bytes(b"\x80\x04.")
    with pytest.raises(DamagedArtifactError):
        audited(request)


def test_trusted_pairs_must_come_from_elsewhere(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    with pytest.raises(InputError, match="is the audited table itself"):
        audited(dataclasses.replace(request, trusted=request.table))
    write_pairs(tmp_path / "pictures.parquet", picture_pairs(3), modality="image")
    with pytest.raises(InputError, match="must be of the same modality"):
        audited(dataclasses.replace(request, trusted=tmp_path / "pictures.parquet"))
    vectors = np.ones((240, DIM), np.float32)
    write_tensors(tmp_path / "more.safetensors", dict.fromkeys(("views", "captions", "trusted_views"), vectors))
    with pytest.raises(InputError, match="give their table too"):
        audited(dataclasses.replace(request, vectors=tmp_path / "more.safetensors", out=tmp_path / "more"))


def test_a_bundle_encodes_pictures(tmp_path: Path) -> None:
    found = audited(write_picture_case(tmp_path))
    assert (found["n"], found["modality"], found["leaks"]) == (120, "image", None)
    assert found["filters"][0]["kind"] == "relevance"


def test_broken_pictures_are_suspects(tmp_path: Path) -> None:
    pairs: Sequence[Pair] = [Pair(id="torn", view=b"\x89PNG\r\n\x1a\nno more", caption="a cat"), *picture_pairs(60)]
    request = write_picture_case(tmp_path, pairs)
    found = audited(request)
    entry = listed(request.out)[0]
    assert (entry["id"], entry["score"], entry["reason"]) == ("torn", None, "its picture does not decode")
    assert found["rows"]["broken picture"] == 1
    assert "torn" not in PairTable.open(request.out / "cleaned.parquet").column("id")


def test_a_model_of_another_modality_is_refused(tmp_path: Path) -> None:
    request = write_picture_case(tmp_path)
    write_pairs(request.table, text_pairs(), modality="text")
    with pytest.raises(InputError, match=r"holds text pairs; the model .* reads images"):
        audited(request)
    with pytest.raises(InputError, match="minilm reads texts only"):
        audited(dataclasses.replace(write_picture_case(tmp_path / "again"), model="minilm"))


def test_a_table_without_captions_is_looked_through_for_leaks(tmp_path: Path) -> None:
    request = dataclasses.replace(write_case(tmp_path), vectors=None, filters=())
    rows = [Pair(id=str(n), view=f"G{n % 2} dug {n} holes".encode(), label=f"G{n % 2}") for n in range(20)]
    write_pairs(request.table, rows, modality="text")
    found = audited(request)
    assert (found["n"], found["suspects"], found["filters"], found["first"]) == (20, 0, [], [])
    assert found["leaks"]["label_names"]["rate"] == 1
    assert set(found["left_out"].values()) == {"no pair has both a view and a caption"}
    assert PairTable.open(request.out / "cleaned.parquet").content_hash == PairTable.open(request.table).content_hash
    assert "only leaks were looked for" in (request.out / "report.html").read_text()
    for asked in ({"drop_top": 0.1}, {"thresholds": {"bursts": 1.0}}, {"method": "bursts"}):
        with pytest.raises(InputError, match="there is nothing to judge"):
            audited(dataclasses.replace(request, **asked))


def test_a_table_with_nothing_to_judge_is_refused(tmp_path: Path) -> None:
    request = dataclasses.replace(write_case(tmp_path), vectors=None, filters=("bursts",))
    write_pairs(request.table, [Pair(id="1", view=b"x")], modality="text")
    with pytest.raises(InputError, match=r"no pair of .* has both a view and a caption"):
        audited(request)
