"""A whole run of the seed's pipeline on a tiny MPNet: table, card, answers, resuming, damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seed_world import N_GROUPS, seed_recipe, write_seed_world
from threatclip.artifacts import read_json
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.config import parse
from threatclip.experiments.group_seed.classifier import GroupSeedClassifier
from threatclip.experiments.group_seed.recipe import GroupSeed
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.run_folder import CHECKPOINTS, SUMMARY
from threatclip.experiments.tasks import evaluate_run, load_classifier, train_run
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

NAMED = b"Sly Badger 3 moved things near the way."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seed_world(tmp_path_factory.mktemp("world"))


def recipe_of(world: Path, **changes: Any) -> GroupSeed:
    recipe: GroupSeed = parse(GroupSeed, seed_recipe(world, **changes), where="test")
    return recipe


@pytest.fixture(scope="module")
def run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train_run(recipe_of(world), out, resume=False, on_progress=ignore)
    return out


def test_the_table_has_every_protocol_and_the_headline_is_the_honest_one(run: Path) -> None:
    summary = read_json(run / SUMMARY)
    table = summary["protocols"]
    assert set(table) == {"raw", "masked", "augmented", "reports", "campaigns"}
    assert summary["metrics"] == table["reports"]["metrics"]
    for row in table.values():
        assert set(row["metrics"]) == {"accuracy", "macro_f1", "weighted_f1", "top_5", "mrr"}
        assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 1 for one in row["metrics"].values())
    assert summary["language"]["new_weights"] == []
    assert not (run / CHECKPOINTS / "augmented").exists()


def test_the_card_carries_the_table_and_the_warning(run: Path) -> None:
    card = (run / "bundle" / "README.md").read_text()
    assert card.count("| names masked, ") == 4
    assert "**Only the last two rows tell what to expect of a new report.**" in card
    assert "The test set was trained on." in card


def test_answers_are_g_numbers_with_names_and_probabilities(run: Path) -> None:
    classifier = load_classifier(run)
    (answer,) = classifier.classify_pairs([Pair(id="text:1", view=NAMED)])
    assert {one["label"]: one["name"] for one in answer["answers"]} == {
        f"G8{number:03d}": f"Sly Badger {number}" for number in range(N_GROUPS)
    }
    shares = [one["probability"] for one in answer["answers"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert answer["evidence"][0] == {"kind": "read as", "text": "ACTOR moved things near the way."}
    assert answer["evidence"][1]["kind"] == "caution"
    assert (answer["id"], answer["abstained"], len(answer["model"])) == ("text:1", False, 64)
    json.dumps(answer)


def test_names_do_not_move_the_answer(run: Path) -> None:
    classifier = GroupSeedClassifier.load(run)
    one, other = classifier.probabilities([NAMED, NAMED.replace(b"Badger 3", b"Badger 1")])
    np.testing.assert_array_equal(one, other)


def test_evaluation_tells_the_table_anew_and_the_baselines_beside(run: Path, tmp_path: Path) -> None:
    found = evaluate_run(run, pairs=None, probes=False, baselines=True, out=tmp_path / "out", on_progress=ignore)
    assert found["protocols"] == read_json(run / SUMMARY)["protocols"]
    assert set(found["baselines"]) == {"majority", "word_svc"}
    assert set(found["protocol_baselines"]["word_svc"]) == set(found["protocols"])
    assert found["protocol_baselines"]["word_svc"]["raw"]["metrics"]["accuracy"]["value"] > 0.9
    assert (tmp_path / "out" / "report.html").is_file()


def test_evaluation_on_another_table_judges_the_bundle(run: Path, tmp_path: Path) -> None:
    rows = [Pair(id=str(n), view=NAMED, label=label) for n, label in enumerate(["G8003", "G8001", "other", None])]
    write_pairs(tmp_path / "t.parquet", rows, modality="text")
    found = evaluate_run(
        run, pairs=tmp_path / "t.parquet", probes=False, baselines=False, out=tmp_path / "out", on_progress=ignore
    )
    assert (found["n"], found["n_unlabeled"]) == (2, 2)
    write_pairs(tmp_path / "p.parquet", rows[2:], modality="text")
    with pytest.raises(InputError, match="no row whose label is a G-number"):
        evaluate_run(run, pairs=tmp_path / "p.parquet", probes=False, baselines=False, out=None, on_progress=ignore)


class StoppedForTestError(Exception):
    """What a test raises from within a run."""


@pytest.mark.parametrize(("stage", "step"), [("language", 2), ("augmented", 5)])
def test_a_stopped_run_goes_on_to_the_same_model(world: Path, run: Path, tmp_path: Path, stage: str, step: int) -> None:
    def stop(progress: Progress) -> None:
        if (progress.stage, progress.done) == (stage, step):
            raise StoppedForTestError

    out = tmp_path / "run"
    with pytest.raises(StoppedForTestError):
        train_run(recipe_of(world), out, resume=False, on_progress=stop)
    seen: dict[str, int] = {}
    train_run(
        recipe_of(world), out, resume=True, on_progress=lambda progress: seen.setdefault(progress.stage, progress.done)
    )
    assert ("language" in seen, "raw" in seen) == (stage == "language", stage == "language")
    assert seen["augmented"] == (5 if stage == "augmented" else 1)  # from the last whole checkpoint: after update 4
    weights = [read_json(folder / "bundle" / "manifest.json")["files"]["weights.safetensors"] for folder in (run, out)]
    assert weights[0] == weights[1]
    assert train_run(recipe_of(world), out, resume=True, on_progress=ignore) == read_json(out / SUMMARY)


def test_a_base_as_it_is_may_be_taken(world: Path, tmp_path: Path) -> None:
    values = {**seed_recipe(world, protocols=["augmented"]), "language": None}
    recipe: GroupSeed = parse(GroupSeed, values, where="test")
    summary = train_run(recipe, tmp_path / "run", resume=False, on_progress=ignore)
    assert summary["language"] is None
    assert "No honest split was judged." in GroupSeedClassifier.load(tmp_path / "run").caution


def test_a_missing_dictionary_is_told_before_anything_is_read(world: Path, tmp_path: Path) -> None:
    recipe = recipe_of(world, augmentation={"wordnet": str(tmp_path)})
    with pytest.raises(InputError, match="apt-get install wordnet-base"):
        train_run(recipe, tmp_path / "run", resume=False, on_progress=ignore)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "groups.json", "names.json"])
def test_a_damaged_bundle_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(run / "bundle", tmp_path / "bundle"))
    (copy / name).write_bytes((copy / name).read_bytes()[:-1] + b" ")
    with pytest.raises(DamagedArtifactError, match="was changed"):
        GroupSeedClassifier.load(copy)
