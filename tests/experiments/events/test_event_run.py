"""An event run from recipe to answers: training, judgment, the bundle, posts of strangers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_cases import CLASSES, load, posts, train_tiny_events, write_recipe

from threatclip.artifacts import read_json, write_json, write_manifest
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.events.bundle import load_events
from threatclip.experiments.events.evaluate import evaluate_events
from threatclip.experiments.events.posts import load_posts
from threatclip.experiments.events.train import read_out_of_fold, train_events
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.tasks import bundle_kind, load_classifier
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs

METRICS = {"roc_auc_macro", "pr_auc_macro", "pr_auc_micro", "base_rate", "accuracy", "macro_f1", "ece", "coverage"}


def evaluate(run: Path, out: Path, *, pairs: Path | None = None, probes: bool = True, **more: bool) -> dict[str, Any]:
    baselines = more.get("baselines", False)
    return evaluate_events(run, pairs=pairs, probes=probes, baselines=baselines, out=out, on_progress=ignore)


def check_metrics(metrics: Mapping[str, Any]) -> None:
    for name, one in metrics.items():
        assert {"value", "low", "high"} <= set(one), name
        if one["value"] is not None:
            assert 0 <= one["value"] <= 1, name


def test_a_run_tells_of_its_posts_and_of_what_it_made_of_them(event_run: Path) -> None:
    summary = read_json(event_run / "summary.json")
    assert summary["n_train"] == sum(summary["halves"].values()) == 60
    assert set(summary["pool"]) == set(summary["abstention"]) == {"both", "picture", "words"}
    check_metrics(summary["metrics"])
    kept = read_out_of_fold(event_run)
    assert {"both", "picture", "words", "drawn_safe", "drawn_safe_picture"} <= set(kept.probabilities)
    assert bundle_kind(event_run) == "events"


def test_an_evaluation_keeps_the_contract(event_run: Path, tmp_path: Path) -> None:
    result = evaluate(event_run, tmp_path / "e", baselines=True)
    assert json.loads((tmp_path / "e" / "metrics.json").read_text()) == json.loads(json.dumps(result))
    assert result["n"] == 60
    assert result["judged"] == "out of fold"
    assert set(result["metrics"]) >= METRICS
    assert {"no_words", "no_picture", "drawn_no_damage", "drawn_control_picture", "strokes_removed"} <= set(
        result["probes"]
    )
    wanted = {"words_tfidf", "words_vectors", "picture_vectors", "unadapted", "unadapted_mlp", "untrained"}
    assert set(result["baselines"]) == wanted | {"zero_shot_words"}
    assert set(result["comparisons"]) == set(result["baselines"])
    assert set(result["left_out"]) == {"with_hashtags"}
    for part in ("baselines", "probes"):
        for metrics in result[part].values():
            check_metrics(metrics)
    assert set(result["halves"]["gain"]) == {"picture", "words"}
    page = (tmp_path / "e" / "report.html").read_text()
    assert "words_tfidf" in page


def test_other_posts_are_judged_by_the_model_of_all(event_run: Path, tmp_path: Path) -> None:
    others = [*posts(40, seed=5), Pair(id="stranger", view=b"", caption="hm", label="concert")]
    write_pairs(tmp_path / "t.parquet", others, modality="image")
    result = evaluate(event_run, tmp_path / "e", pairs=tmp_path / "t.parquet", baselines=True)
    assert (result["n"], result["n_unlabeled"]) == (40, 1)
    assert result["judged"] == "by the model of all posts"
    assert "words_tfidf" in result["baselines"]
    assert {"no_words", "drawn_safe"} <= set(result["probes"])


def test_words_tell_the_generated_events(event_run: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", posts(60, seed=9), modality="image")
    result = evaluate(event_run, tmp_path / "e", pairs=tmp_path / "t.parquet")
    assert result["metrics"]["roc_auc_macro"]["value"] > 0.8
    assert result["probes"]["no_words"]["accuracy"]["value"] < result["metrics"]["accuracy"]["value"]


def test_a_table_of_other_things_is_refused(event_run: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "p.parquet", [Pair(id="a", view=b"GET /", label="xss")], modality="payload")
    with pytest.raises(InputError, match="holds payload pairs"):
        evaluate(event_run, tmp_path / "e", pairs=tmp_path / "p.parquet")
    write_pairs(tmp_path / "u.parquet", [Pair(id="a", view=b"", caption="hm", label="concert")], modality="image")
    with pytest.raises(InputError, match="no row with a class"):
        evaluate(event_run, tmp_path / "e", pairs=tmp_path / "u.parquet")


def test_answers_keep_the_contract_whatever_is_missing(event_run: Path) -> None:
    classifier = load_classifier(event_run)
    assert classifier.modality == "image"
    whole = next(pair for pair in posts(20, seed=3) if pair.view and pair.caption)
    asked = [
        whole,
        Pair(id="words", view=b"", caption=whole.caption),
        Pair(id="picture", view=whole.view),
        Pair(id="nothing", view=b"", caption="#onlyatag"),
    ]
    answers = classifier.classify_pairs(asked)
    for pair, answer in zip(asked, answers, strict=True):
        assert answer["id"] == pair.id
        assert {one["label"] for one in answer["answers"]} == set(CLASSES)
        probabilities = [one["probability"] for one in answer["answers"]]
        assert sum(probabilities) == pytest.approx(1)
        assert probabilities == sorted(probabilities, reverse=True)
        assert answer["model"] == classifier.model
        assert len(answer["evidence"]) == 3
        shares = answer["carried_by"]
        assert shares["picture"] + shares["words"] == pytest.approx(0 if pair.id == "nothing" else 1)
    assert [answer["carried_by"]["half"] for answer in answers[1:]] == ["words", "picture", "nothing"]
    assert answers[3]["abstained"] is True
    assert answers[0]["answers"][0]["name"] in ("Flood water", "Building fire", "Forest fire")
    json.dumps(answers, allow_nan=False)


def test_a_known_post_is_its_own_best_evidence(event_run: Path) -> None:
    table = PairTable.open(event_run / "pairs.parquet")
    known = next(pair for pair in table.iter_pairs() if pair.view and pair.caption)
    (answer,) = load_events(event_run).classify_pairs([known])
    best = answer["evidence"][0]
    assert best["cosine"] == pytest.approx(1, abs=1e-4)
    assert known.id in [one["id"] for one in answer["evidence"]]


def test_one_post_and_many_get_the_same_answer(event_run: Path) -> None:
    classifier = load_events(event_run)
    asked = posts(10, seed=4)
    many = classifier.probabilities(asked)
    alone = np.concatenate([classifier.probabilities([pair]) for pair in asked])
    np.testing.assert_allclose(alone, many, atol=1e-5)
    assert classifier.classify_pairs([]) == []


@pytest.mark.parametrize("name", ["weights.safetensors", "known.json", "config.json"])
def test_a_bundle_that_was_changed_does_not_load(event_run: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(event_run / "bundle", tmp_path / "bundle")
    path = tmp_path / "bundle" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DamagedArtifactError, match="was changed"):
        load_events(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("classes", ["one"]), ("catalogue", {"events": []}), ("pools", {"both": {"members": ["x"]}}), ("sides", "x")],
)
def test_a_bundle_whose_parts_do_not_fit_does_not_load(event_run: Path, tmp_path: Path, key: str, value: Any) -> None:
    shutil.copytree(event_run / "bundle", tmp_path / "bundle")
    config = read_json(tmp_path / "bundle" / "config.json")
    write_json(tmp_path / "bundle" / "config.json", {**config, key: value})
    (tmp_path / "bundle" / "manifest.json").unlink()
    write_manifest(tmp_path / "bundle", extra={"kind": "events"})
    with pytest.raises(DamagedArtifactError, match=r"not (a )?whole"):
        load_events(tmp_path)


def test_a_finished_run_is_not_trained_again(event_recipe: Path, event_run: Path) -> None:
    told: list[Progress] = []
    again = train_events(load(event_recipe), event_run, resume=True, on_progress=told.append)
    assert again == read_json(event_run / "summary.json")
    assert not told
    with pytest.raises(InputError, match="--resume"):
        train_events(load(event_recipe), event_run, resume=False, on_progress=ignore)


def test_training_again_gives_the_same_bundle(event_recipe: Path, event_run: Path, tmp_path: Path) -> None:
    train_tiny_events(event_recipe, tmp_path / "again")
    for name in ("weights.safetensors", "config.json", "known.json"):
        assert (tmp_path / "again/bundle" / name).read_bytes() == (event_run / "bundle" / name).read_bytes()
    assert (tmp_path / "again/out-of-fold.safetensors").read_bytes() == (
        event_run / "out-of-fold.safetensors"
    ).read_bytes()


def test_posts_kept_for_tests_and_of_no_class_are_not_learned(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    rows = posts(60)
    kept = [Pair(id=f"t{n}", view=b"", caption=f"kept {n}", label=CLASSES[0], split="test") for n in range(3)]
    stranger = Pair(id="s", view=b"", caption="a concert", label="concert")
    bare = Pair(id="b", view=b"", caption="#floodwater", label=CLASSES[0])
    write_pairs(tmp_path / "posts.parquet", [*rows, *kept, stranger, bare], modality="image")
    found = load_posts(load(recipe).data, tmp_path)
    assert (len(found), found.n_test, found.n_unlabeled, found.n_empty) == (60, 3, 1, 1)
    with pytest.raises(InputError, match="too few posts of yes"):
        load_posts(load(recipe, "data.label=meta.mood", "data.classes=['yes', 'no']").data, tmp_path)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ('picture.tower={kind="bpe"}', "reads pictures"),
        ("picture.sides=[32]", "empty for a resnet tower"),
        ("data.label=scene", "'label' or 'meta.NAME'"),
        ("data.classes=['one']", "two classes or more"),
        ("answer.costs=[]", "one or more"),
        ("answer.precision=2.0", r"in \[0, 1\]"),
        ("data.folds=1", "at least 2"),
        ('words.tower={kind="resnet"}', "reads texts"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(event_recipe: Path, override: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load(event_recipe, override)


def test_too_few_posts_of_a_class_are_told(event_recipe: Path) -> None:
    with pytest.raises(InputError, match="too few posts of"):
        load_posts(load(event_recipe, "data.folds=20").data, event_recipe.parent)
