"""Zero-shot events from recipe to answers: the space, its judgment before and after adapting, prompts of an analyst."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_cases import CLASSES, SIDE, posts
from experiment_cases import one_thread

from threatclip.artifacts import read_json, write_json
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import build_tower
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.events.catalogue import read_catalogue
from threatclip.experiments.events.space import Space
from threatclip.experiments.events.zero_shot_evaluate import evaluate_zero_shot
from threatclip.experiments.events.zero_shot_recipe import EventsZeroShot
from threatclip.experiments.events.zero_shot_train import train_zero_shot
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import load_classifier
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

TOWERS = f"""
[view_tower]
kind = "resnet"
side = {SIDE}
width = 8
stages = 2
blocks = 1
dim = 16
[text_tower]
kind = "bpe"
dim = 16
width = 16
layers = 1
heads = 2
vocabulary = 300
max_tokens = 16
"""
RECIPE = f"""
task = "event-zero-shot"
[data]
posts = {{ path = "posts.parquet" }}
classes = {list(CLASSES)}
folds = 2
{TOWERS}
[[general.tables]]
file = {{ path = "general.parquet" }}
split = {{ kind = "random", train = 0.5, validation = 0.0 }}
[general.fit]
epochs = 1
batch_rows = 16
precision = "fp32"
[adapt.fit]
epochs = 1
batch_rows = 8
precision = "fp32"
"""


def load(recipe: Path, *overrides: str) -> EventsZeroShot:
    values = read_recipe(recipe, (f"data.root={str(recipe.parent)!r}", *overrides))
    return parse(EventsZeroShot, values, where=str(recipe))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("space")
    write_pairs(folder / "posts.parquet", posts(60), modality="image")
    general = [replace(pair, id=f"g{pair.id}") for pair in posts(60, seed=8)]
    write_pairs(folder / "general.parquet", general, modality="image")
    path = folder / "zero.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def run(recipe: Path) -> Path:
    out = recipe.parent / "run"
    with one_thread():
        train_zero_shot(load(recipe), out, resume=False, on_progress=ignore)
    return out


def evaluate(run: Path, out: Path, *, pairs: Path | None = None) -> dict[str, Any]:
    return evaluate_zero_shot(run, pairs=pairs, baselines=True, out=out, on_progress=ignore)


def test_an_evaluation_tells_before_and_after_halves_and_transfer(run: Path, tmp_path: Path) -> None:
    result = evaluate(run, tmp_path / "e")
    assert json.loads((tmp_path / "e" / "metrics.json").read_text()) == json.loads(json.dumps(result))
    assert result["n"] == 60
    assert {"roc_auc_macro", "pr_auc_macro", "base_rate", "i2t_r_10", "matching_accuracy"} <= set(result["metrics"])
    cells = {f"{a}_to_{b}" for a in ("picture", "words") for b in ("picture", "words")}
    wanted = {"sum", "max", "weighed", "picture", "words", "supervised", "random", *cells}
    assert wanted <= set(result["baselines"])
    assert "product, before adapting" in result["baselines"]
    assert "i2t_r_10" in result["comparisons"]["adapting, product"]
    n_both = sum(bool(pair.view and pair.caption) for pair in posts(60))
    assert result["baselines"]["words_to_picture"]["accuracy"]["n"] == n_both


def test_training_again_gives_the_same_figures(recipe: Path, run: Path, tmp_path: Path) -> None:
    train_zero_shot(load(recipe), tmp_path / "again", resume=False, on_progress=ignore)
    for name in ("judged.safetensors", "matching.json", "bundle/weights.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()
    again = train_zero_shot(load(recipe), tmp_path / "again", resume=True, on_progress=ignore)
    assert again == read_json(tmp_path / "again" / "summary.json")


def test_other_posts_are_judged_without_what_only_folds_can_tell(run: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", posts(30, seed=3), modality="image")
    result = evaluate(run, tmp_path / "e", pairs=tmp_path / "t.parquet")
    assert {"sum", "picture", "words", "random"} <= set(result["baselines"])
    assert "supervised" not in result["baselines"]
    assert "i2t_r_10" not in result["metrics"]


def test_an_analysts_catalogue_changes_what_is_asked(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        "[events.wet]\nname='Wet'\npictures=['water']\nwords=['flood water in the street']\n"
        "[events.hot]\nname='Hot'\npictures=['flames']\nwords=['a house burns']\n"
    )
    classifier = load_classifier(run, catalogue=tmp_path / "mine.toml")
    asked = [*posts(6, seed=2), Pair(id="nothing", view=b"", caption="http://a.example/b")]
    answers = classifier.classify_pairs(asked)
    for pair, answer in zip(asked, answers, strict=True):
        assert {one["label"] for one in answer["answers"]} == {"wet", "hot"}
        assert sum(one["probability"] for one in answer["answers"]) == pytest.approx(1)
        assert answer["abstained"] is (pair.id == "nothing")
        assert {one["half"] for one in answer["evidence"]} == {
            half for half, there in (("picture", pair.view), ("words", pair.caption)) if there and pair.id != "nothing"
        }
    built_in = load_classifier(run)
    assert len(built_in.classify_pairs(asked[:1])[0]["answers"]) == len(read_catalogue().events)
    assert built_in.classify_pairs([]) == []


def test_only_prompted_models_take_a_catalogue(event_run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave --catalogue out"):
        load_classifier(event_run, catalogue=tmp_path / "mine.toml")


def test_a_space_without_pictures_has_no_events(tmp_path: Path) -> None:
    texts = ["a", "b"]
    towers = [build_tower(ByteTower(dim=8), seed=0), build_tower(BpeTower(dim=8, vocabulary=300), seed=0, texts=texts)]
    dual = DualEncoder(view_tower=towers[0], text_tower=towers[1])
    with pytest.raises(InputError, match="reads no pictures"):
        Space(dual=dual)
    DualBundle(dual=dual, modality="payload").save(tmp_path / "bundle", card="")
    with pytest.raises(InputError, match="need a model of images"):
        load_classifier(tmp_path)


def test_words_of_a_tower_made_here_are_compared_in_the_joint_space() -> None:
    view = build_tower(ResnetTower(side=SIDE, width=8, stages=2, blocks=1, dim=16), seed=0)
    text = build_tower(BpeTower(dim=16, vocabulary=300, width=16, heads=2, layers=1), seed=0, texts=["smoke"] * 3)
    space = Space(dual=DualEncoder(view_tower=view, text_tower=text).eval())
    vectors = space.vectors(posts(8))
    assert not space.has_sentences
    np.testing.assert_array_equal(vectors.words, vectors.sentence)
    catalogue = read_catalogue().only(CLASSES)
    logits = space.logits(vectors, catalogue)
    np.testing.assert_array_equal(logits.words, space.logits(vectors, catalogue, in_joint=True).words)
    assert logits.picture.shape == (8, 3)


@pytest.mark.parametrize("name", ["matching.json", "catalogue.json"])
def test_a_run_that_was_overwritten_is_damage(run: Path, tmp_path: Path, name: str) -> None:
    for path in run.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(run)).write_bytes(path.read_bytes())
    write_json(tmp_path / name, [1])
    write_pairs(tmp_path / "t.parquet", posts(10, seed=3), modality="image")
    with pytest.raises(DamagedArtifactError, match="train it anew"):
        evaluate(tmp_path, tmp_path / "e", pairs=tmp_path / "t.parquet" if name == "catalogue.json" else None)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ('view_tower={kind="byte"}', "reads pictures"),
        ('text_tower={kind="resnet"}', "reads texts"),
        ("general.tables=[]", "one table or more"),
        ("adapt.interpolate=2.0", r"in \[0, 1\]"),
        ("temperature=0.0001", r"in \[0.01, 1\]"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(recipe: Path, override: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load(recipe, override)
