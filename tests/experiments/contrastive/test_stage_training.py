"""A stage of a contrastive recipe may learn by a training in place of the plain loss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from experiment_cases import files_of
from run_cases import load, train_small

from threatclip.defenses.trainings import SafeClip
from threatclip.errors import RecipeError
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive import train as training
from threatclip.experiments.progress import Progress

SAFE = ("stages.0.training={kind='safeclip', unimodal_epochs=1}", "stages.0.fit.epochs=3")


class StoppedError(Exception):
    """What stands for a kill."""


def test_a_stage_learns_by_its_training_and_resumes(small_recipe: Path, small_run: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        assert progress.total == 6
        if (progress.stage, progress.done) == ("general", 5):
            raise StoppedError

    train_small(small_recipe, tmp_path / "whole", *SAFE)
    with pytest.raises(StoppedError):
        training.train_contrastive(load(small_recipe, *SAFE), tmp_path / "cut", resume=False, on_progress=stop)
    train_small(small_recipe, tmp_path / "cut", *SAFE, resume=True)
    for folder in ("bundle", "stages"):
        assert files_of(tmp_path / "whole" / folder) == files_of(tmp_path / "cut" / folder)
    assert files_of(tmp_path / "whole" / "bundle") != files_of(small_run / "bundle")
    for run in ("whole", "cut"):
        steps = [json.loads(line) for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        assert [one["step"] for one in steps if one["stage"] == "general"] == [1, 2, 3, 4, 5, 6]
        assert ["safe_share" in one["losses"] for one in steps] == [True] * 6 + [False] * (len(steps) - 6)


def test_the_recipe_keeps_the_training_and_refuses_what_it_cannot_use(small_recipe: Path) -> None:
    recipe = load(small_recipe, *SAFE)
    assert recipe.stages[0].training == SafeClip(unimodal_epochs=1)
    assert as_plain(recipe)["stages"][0]["training"]["unimodal_epochs"] == 1
    with pytest.raises(RecipeError, match=r"stages\[0\]: epochs = 2, and safeclip warms up for 1 \+ 1"):
        load(small_recipe, *SAFE, "stages.0.fit.epochs=2")
    with pytest.raises(RecipeError, match=r"kind 'safe' is not one of roclip, safeclip"):
        load(small_recipe, "stages.0.training={kind='safe'}")
