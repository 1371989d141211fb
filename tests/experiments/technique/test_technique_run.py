"""A technique run from recipe to answers: what is learned, what is held back, what an answer says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from technique_cases import UNSEEN, WORDS, load, train_tiny_technique

from threatclip.artifacts import read_json
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import evaluate_run, load_classifier
from threatclip.experiments.technique.classifier import TechniqueClassifier
from threatclip.experiments.technique.rows import load_material
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs


def test_rows_are_parted_by_year_and_by_report(technique_recipe: Path) -> None:
    recipe = load(technique_recipe)
    material = load_material(recipe.data, technique_recipe.parent, seed=0)
    years = {
        name: {pair.time.year for pair in rows.pairs if pair.time is not None}
        for name, rows in (("train", material.train), ("validation", material.validation), *material.tests.items())
    }
    assert years == {"train": {2021, 2022}, "validation": {2023}, "procedures": {2024}, "own": set()}
    reports = [
        {pair.group for pair in rows.pairs if pair.id.startswith("own/")}
        for rows in (material.train, material.validation, material.tests["own"])
    ]
    assert not reports[0] & reports[1] | reports[0] & reports[2] | reports[1] & reports[2]
    assert all("Sly Badger" not in pair.view.decode() for pair in material.train.pairs)


def test_a_copy_of_a_judged_sentence_from_elsewhere_is_not_learned(technique_recipe: Path, tmp_path: Path) -> None:
    recipe = load(technique_recipe)
    before = load_material(recipe.data, technique_recipe.parent, seed=0)
    judged = before.tests["procedures"].pairs[0]
    shutil.copy(technique_recipe.parent / "attack.json", tmp_path)
    rows = json.loads((technique_recipe.parent / "labeled.json").read_text())
    learned = next(pair for pair in before.train.pairs if pair.id.startswith("own/"))
    rows[int(learned.id.rpartition(":")[2]) - 1]["text"] = judged.view.decode()
    (tmp_path / "labeled.json").write_text(json.dumps(rows))
    after = load_material(recipe.data, tmp_path, seed=0)
    assert judged.view not in after.train.views
    assert len(after.train) == len(before.train) - 1


def test_answers_follow_the_contract(technique_run: Path) -> None:
    classifier = load_classifier(technique_run)
    text = b"They sold the padlock and its shackle."
    (answer,) = classifier.classify_pairs([Pair(id="a", view=text)])
    assert {"id", "answers", "abstained", "evidence", "model"} <= set(answer)
    assert answer["id"] == "a"
    assert len(answer["answers"]) == 4
    shares = [one["probability"] for one in answer["answers"]]
    assert shares == sorted(shares, reverse=True)
    assert {one["member"] for one in answer["members"]} == {"words", "characters", "neighbors", "descriptions"}
    assert {one["kind"] for one in answer["evidence"]} == {"known case", "description"}
    assert answer["abstained"] == (answer["level"] == "none")


def test_words_of_a_technique_are_told(technique_run: Path) -> None:
    answers = TechniqueClassifier.load(technique_run).label(
        [f"He opened a {w[1]} and a {w[3]}." for w in WORDS.values()]
    )
    best = [answer["members"][0]["label"] for answer in answers]
    assert best == list(WORDS)


def test_where_only_the_family_is_sure_the_parent_is_named(technique_run: Path) -> None:
    classifier = TechniqueClassifier.load(technique_run)
    never = type(classifier.fitted.technique)(threshold=2.0, target=0.9, level=None, precision=0.0, coverage=0.0, n=9)
    always = type(classifier.fitted.technique)(threshold=0.0, target=0.9, level=None, precision=1.0, coverage=1.0, n=9)
    object.__setattr__(classifier.fitted, "technique", never)
    object.__setattr__(classifier.fitted, "parent", always)
    (answer,) = classifier.label(["The actor broke the salmon and the trout."])
    assert (answer["level"], answer["abstained"]) == ("parent", False)
    assert answer["answers"][0] == answer["parent"]
    assert {one["label"] for one in answer["answers"]} <= {"T9001", "T9002", "T9003", UNSEEN}
    object.__setattr__(classifier.fitted, "parent", never)
    (answer,) = classifier.label(["The actor broke the salmon and the trout."])
    assert (answer["level"], answer["abstained"]) == ("none", True)


def test_a_bundle_answers_as_the_run_that_wrote_it_was_measured(technique_run: Path) -> None:
    first = TechniqueClassifier.load(technique_run)
    second = TechniqueClassifier.load(technique_run / "bundle")
    rows = list(PairTable.open(technique_run / "pairs.parquet").iter_pairs())[:9]
    assert first.classify_pairs(rows) == second.classify_pairs(rows)
    assert np.allclose(first.fitted.probabilities([row.view for row in rows]).sum(axis=1), 1.0)


def test_the_same_recipe_gives_the_same_bundle(technique_recipe: Path, technique_run: Path, tmp_path: Path) -> None:
    train_tiny_technique(technique_recipe, tmp_path / "again")
    assert TechniqueClassifier.load(tmp_path / "again").model == TechniqueClassifier.load(technique_run).model


def test_parts_that_do_not_fit_are_refused(technique_run: Path, tmp_path: Path) -> None:
    shutil.copytree(technique_run / "bundle", tmp_path / "bundle")
    with (tmp_path / "bundle" / "known.json").open("a") as handle:
        handle.write(" ")
    with pytest.raises(DamagedArtifactError):
        TechniqueClassifier.load(tmp_path / "bundle")


def test_evaluate_judges_each_origin_beside_the_baselines(technique_run: Path, tmp_path: Path) -> None:
    report = evaluate_run(
        technique_run, pairs=None, probes=False, baselines=True, out=tmp_path / "e", on_progress=ignore
    )
    assert set(report["origins"]) == {"procedures", "own"}
    assert report["n"] == report["origins"]["procedures"]["n"] == 24
    assert set(report["baselines"]) == {"words_svc", "zero_shot_untuned"}
    assert {"accuracy", "macro_f1", "parent_accuracy", "top_5", "mrr", "coverage"} <= set(report["metrics"])
    assert report["metrics"]["parent_accuracy"]["value"] >= report["metrics"]["accuracy"]["value"]
    assert read_json(tmp_path / "e" / "metrics.json")["n"] == 24
    assert "<html" in (tmp_path / "e" / "report.html").read_text()


def test_evaluate_judges_a_table(technique_run: Path, tmp_path: Path) -> None:
    rows = [Pair(id=f"r{k}", view=f"The {w[1]} was hid.".encode(), label=i) for k, (i, w) in enumerate(WORDS.items())]
    write_pairs(tmp_path / "t.parquet", [*rows, Pair(id="x", view=b"nothing", label="T1")], modality="text")
    report = evaluate_run(
        technique_run,
        pairs=tmp_path / "t.parquet",
        probes=False,
        baselines=False,
        out=tmp_path / "e",
        on_progress=ignore,
    )
    assert (report["n"], report["n_unlabeled"], report["judged"]) == (6, 1, "table")


@pytest.mark.parametrize(
    "override", ["data.test_from=2023", "space.kin=0.0", "answer.shown=0", "data.test_reports=0.9"]
)
def test_impossible_recipes_are_refused(technique_recipe: Path, override: str) -> None:
    with pytest.raises(RecipeError):
        load(technique_recipe, override)


def test_a_run_without_rows_to_calibrate_on_says_so(technique_recipe: Path) -> None:
    recipe = load(technique_recipe, "data.validation_from=2030", "data.test_from=2031", "data.validation_reports=0.0")
    with pytest.raises(InputError, match="0 to calibrate on"):
        load_material(recipe.data, technique_recipe.parent, seed=0)
