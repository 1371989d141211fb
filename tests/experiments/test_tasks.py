"""Tasks: a recipe's task, a bundle's kind or a study's task chooses the code; anything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiment_cases import PLAIN, TinyRun

from threatclip.artifacts import write_json
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import bundle_kind, evaluate_run, load_classifier, run_bench, run_recipe
from threatclip.pairs.pair import Pair


def test_a_run_knows_its_recipe_and_its_bundle(tiny: TinyRun) -> None:
    assert run_recipe(tiny.folder).task == "payload-weakness"
    assert bundle_kind(tiny.folder) == bundle_kind(tiny.bundle) == "payload-weakness"
    classifier = load_classifier(tiny.folder)
    assert classifier.modality == "payload"
    answer = classifier.classify_pairs([Pair(id="a", view=b"GET / HTTP/1.1")])[0]
    assert answer["id"] == "a"
    assert answer["model"] == classifier.model


def test_what_is_no_run_is_refused(tiny: TinyRun, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no bundle in"):
        run_recipe(tmp_path)
    with pytest.raises(InputError, match="bundle without its run"):
        evaluate_run(tiny.bundle, pairs=None, probes=False, baselines=False, out=None, on_progress=ignore)


def test_a_recipe_that_was_overwritten_is_damage(tiny: TinyRun, tmp_path: Path) -> None:
    (tmp_path / "bundle").symlink_to(tiny.bundle)
    write_json(tmp_path / "recipe.json", [])
    with pytest.raises(DamagedArtifactError, match="holds no recipe"):
        run_recipe(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('task = "payload-weakness"', "run it with `threatclip train`"),
        ('task = "studies"', "task 'studies' is not one of study"),
        ("seed = 1", "task None is not one of"),
    ],
)
def test_bench_refuses_what_is_no_study(tmp_path: Path, text: str, says: str) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(text)
    with pytest.raises(RecipeError, match=says):
        run_bench(recipe, PLAIN, tmp_path / "out", jobs=1, on_progress=ignore)
    assert not (tmp_path / "out").exists()
