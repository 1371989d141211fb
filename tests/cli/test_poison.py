"""`threatclip poison`: the table, the truth beside it, what it says, what it refuses."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from commands import Command, visible_and_hidden

from failing_disk import FailingDisk
from picture_cases import picture_pairs, pixels_of
from threatclip.attacks.badnets import BadNets
from threatclip.attacks.truth import read_truth
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import build_tower
from threatclip.errors import StorageError
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.poison_table import poison_table
from threatclip.experiments.progress import ignore
from threatclip.pairs.table import PairTable, write_pairs

BADNETS = ["--attack", "badnets", "--set", "target=dog"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of 60 rows, 48 of which are for training."""
    write_pairs(tmp_path / "clean.parquet", picture_pairs(60), modality="image", split_info={"leakage": {}})
    return tmp_path / "clean.parquet"


def test_poison_writes_the_table_and_the_truth(tmp_path: Path, table: Path, threatclip: Command) -> None:
    out = tmp_path / "new" / "poisoned.parquet"
    before = table.read_bytes()
    done = threatclip("poison", table, *BADNETS, "--rate", "0.1", "--seed", "3", "-o", out, "--json", "-q")
    assert (done.code, done.errors) == (0, [])
    assert table.read_bytes() == before
    truth = read_truth(out.with_suffix(".truth.json"))
    clean, poisoned = PairTable.open(table), PairTable.open(out)
    assert done.json == {
        "path": str(out),
        "truth": str(out.with_suffix(".truth.json")),
        "attack": "badnets",
        "targets": ["dog"],
        "rows": 60,
        "clean_rows": 60,
        "poisoned": 5,
        "added": 0,
        "dropped": 0,
        "rate": 5 / 60,
        "facts": dict(truth.facts),
        "seed": 3,
        "clean_hash": clean.content_hash,
        "content_hash": poisoned.content_hash,
    }
    assert (truth.seed, truth.clean_hash, truth.poisoned_hash) == (3, clean.content_hash, poisoned.content_hash)
    assert poisoned.column("id") == clean.column("id")
    assert poisoned.split_info == clean.split_info
    for one, other in zip(clean.iter_pairs(), poisoned.iter_pairs(), strict=True):
        same = one.view == other.view == b"" or (pixels_of(one.view) == pixels_of(other.view)).all()
        assert same == (one.id not in truth.ids)
    poisoned.verify()


def test_the_truth_is_nowhere_in_the_table(tmp_path: Path, table: Path, threatclip: Command) -> None:
    threatclip("poison", table, *BADNETS, "--count", "5", "-o", tmp_path / "p.parquet")
    content = (tmp_path / "p.parquet").read_bytes()
    assert b"badnets" not in content
    assert b"poison" not in content.lower()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, table: Path, threatclip: Command) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        threatclip("poison", table, *BADNETS, "--count", "5", "--seed", seed, "-o", tmp_path / name / "p.parquet")
    tables, truths = ([tmp_path / name / f"p.{kind}" for name in "abc"] for kind in ("parquet", "truth.json"))
    for paths in (tables, truths):
        one, same, other = (path.read_bytes() for path in paths)
        assert one == same != other


def test_poison_says_what_it_did(tmp_path: Path, table: Path, threatclip: Command) -> None:
    done = threatclip(
        "poison", table, *BADNETS, "--count", "3", "-o", tmp_path / "p.parquet", "--truth", tmp_path / "t"
    )
    assert done.code == 0
    assert f"{tmp_path / 'p.parquet'}: 3 of 60 rows poisoned (5.000%) by badnets, seed 0" in done.out
    assert done.out.splitlines()[-1] == f"truth, for the judge alone: {tmp_path / 't'}"
    assert not (set(read_truth(tmp_path / "t").ids) & set(done.out.split()))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--attack", "badnet", "--count", "1"], "unknown attack 'badnet'; choose from badnets, blended"),
        (["--attack", "badnets", "--count", "1"], "attack badnets: 'target' is missing"),
        ([*BADNETS, "--set", "alpha=0.1", "--count", "1"], "attack badnets: unknown key 'alpha'; allowed here: kind,"),
        ([*BADNETS, "--set", "pattern=dots", "--count", "1"], "attack badnets: pattern: Input should be"),
        ([*BADNETS, "--set", "size_px=0", "--count", "1"], "attack badnets: size_px = 0.0; choose 1 to 224"),
        ([*BADNETS, "--set", "target", "--count", "1"], "--set 'target' is not of the form a.b=value"),
        (BADNETS, "give either a count of rows or a rate of the training rows, not both"),
        ([*BADNETS, "--count", "1", "--rate", "0.1"], "give either a count of rows or a rate"),
        ([*BADNETS, "--count", "0"], "0 rows to poison; give at least 1"),
        ([*BADNETS, "--count", "48"], "48 rows to poison, but only 31 training rows are pictures of other classes"),
        ([*BADNETS, "--rate", "0.001"], "a rate of 0.001 of 48 training rows is no row"),
        ([*BADNETS, "--rate", "nan"], "rate = nan; choose above 0, up to 1"),
        ([*BADNETS, "--rate", "1.5"], "rate = 1.5; choose above 0, up to 1"),
        (["--attack", "badclip", "--set", "target=dog", "--count", "1"], "give a surrogate"),
        ([*BADNETS, "--count", "1", "--surrogate", "nowhere"], "attack badnets looks into no model"),
        (["--attack", "payload_backdoor", "--set", "target=xss", "--count", "1"], "the table holds image pairs"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    tmp_path: Path, table: Path, threatclip: Command, arguments: list[str], says: str
) -> None:
    done = threatclip("poison", table, *arguments, "-o", tmp_path / "p.parquet", "-q")
    assert (done.code, done.out) == (2, "")
    assert says in done.error
    assert visible_and_hidden(tmp_path) == ["clean.parquet"]


def test_truth_and_tables_are_not_overwritten_by_each_other(tmp_path: Path, table: Path, threatclip: Command) -> None:
    arguments = ["poison", table, *BADNETS, "--count", "1"]
    assert "must be three files" in threatclip(*arguments, "-o", table).error
    assert "must be three files" in threatclip(*arguments, "-o", tmp_path / "p", "--truth", tmp_path / "p").error
    assert "is a folder" in threatclip(*arguments, "-o", tmp_path).error
    assert threatclip(*arguments, "-o", tmp_path / "p.parquet").code == 0
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = threatclip(*arguments, "-o", tmp_path / "p.parquet")
    assert "truth is never overwritten" in again.error
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_a_disk_that_refuses_leaves_no_table_without_its_truth(tmp_path: Path, table: Path) -> None:
    attack = BadNets(target="dog")
    for refused in range(1, 60):
        out = tmp_path / str(refused) / "p.parquet"
        with pytest.MonkeyPatch.context() as patched:
            disk = FailingDisk(patched, fail_at=refused)
            with contextlib.suppress(StorageError):
                poison_table(attack, table, out, count=1, on_progress=ignore)
        left = [path.name for path in out.parent.iterdir()] if out.parent.exists() else []
        assert set(left) <= {"p.parquet", "p.truth.json"}, left
        assert not out.exists() or out.with_suffix(".truth.json").exists()
        if len(disk.calls) < refused:
            break
    assert refused > 8
    assert out.exists()


def test_a_fitted_trigger_stands_in_the_truth_and_serves_again(
    tmp_path: Path, table: Path, threatclip: Command
) -> None:
    dual = DualEncoder(
        view_tower=build_tower(ResnetTower(dim=16, side=32, width=4, stages=1, blocks=1), seed=0),
        text_tower=build_tower(ByteTower(dim=16, kernels=(3,), widths=(8,)), seed=1),
    )
    DualBundle(dual=dual, modality="image", prompts={}).save(tmp_path / "model", card="a model")
    badclip = ["--attack", "badclip", "--set", "target=dog", "--set", "selection=random", "--count", "4"]
    search = ["--set", "search.epochs=2", "--set", "search.batch_rows=8", "--surrogate", tmp_path / "model"]
    done = threatclip("poison", table, *badclip, *search, "-o", tmp_path / "p.parquet", "--json")
    assert done.code == 0
    assert any(line.startswith("trigger: ") and "triplet" in line for line in done.errors)
    found = read_truth(tmp_path / "p.truth.json").attack
    assert found["found_at_px"] == 32
    assert len(found["patch"]) == 2 * 3 * 4 * 4
    fitted = ["--set", f"patch='{found['patch']}'", "--set", "found_at_px=32"]
    again = threatclip("poison", table, *badclip, *fitted, "-o", tmp_path / "again.parquet", "--json", "-q")
    assert again.json["poisoned"] == 4
    assert read_truth(tmp_path / "again.truth.json").attack["patch"] == found["patch"]
    for wrong in (tmp_path / "nowhere", tmp_path):
        refused = threatclip("poison", table, *badclip, "--surrogate", wrong, "-o", tmp_path / "q.parquet", "-q")
        assert (refused.code, refused.out) == (2, "")


def test_broken_pictures_are_named(tmp_path: Path, threatclip: Command) -> None:
    pairs = picture_pairs(20)
    pairs[3] = replace(pairs[3], view=pairs[3].view[:60])
    write_pairs(tmp_path / "clean.parquet", pairs, modality="image")
    done = threatclip("poison", tmp_path / "clean.parquet", *BADNETS, "--count", "1", "-o", tmp_path / "p", "-q")
    assert done.code == 2
    assert done.error.startswith("pair 'picture-3': ")
    assert visible_and_hidden(tmp_path) == ["clean.parquet"]


def test_attacks_are_listed_with_modality_paper_and_parameters(threatclip: Command) -> None:
    entries = {entry["name"]: entry for entry in threatclip("list", "attacks", "--json").json["attacks"]}
    badnets = entries["badnets"]
    assert badnets["modality"] == ["image"]
    assert badnets["required"] == ["target"]
    assert badnets["parameters"]["size_px"] == 16
    assert "2017" in badnets["paper"]
    assert entries["badclip"]["parameters"]["search"]["triplet_weight"] == 500
    shown = threatclip("list", "attacks").out.splitlines()
    assert shown[0].split() == ["name", "modality", "paper", "parameters"]
    row = next(line for line in shown if line.startswith("badclip"))
    assert "target= " in row
    assert "search.triplet_weight=500 " in row


def test_records_are_json(tmp_path: Path, table: Path, threatclip: Command) -> None:
    threatclip("poison", table, *BADNETS, "--count", "2", "-o", tmp_path / "p.parquet")
    stored = json.loads((tmp_path / "p.truth.json").read_text())
    assert [change["parts"] for change in stored["changes"]] == [["view", "caption"]] * 2
