"""The study of technique labelers: folds that keep reports apart, cells that are kept, a document of all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from experiment_cases import one_thread
from technique_cases import load

from threatclip.errors import RecipeError
from threatclip.experiments.config import load_recipe, parse, read_recipe
from threatclip.experiments.progress import ignore
from threatclip.experiments.technique.recipe import Answer, Technique
from threatclip.experiments.technique.rows import Techniques, labeled, read_attack
from threatclip.experiments.technique.study import InFolds, TechniqueStudy, run_technique_study, study_cells
from threatclip.experiments.technique.study_cells import (
    OURS,
    WORDS_SVC_MORE,
    folds_of,
    judged_in_folds,
    judged_on_years,
    read_answers,
)
from threatclip.experiments.technique.study_document import study_text
from threatclip.pairs.pair import Pair

SETTINGS = InFolds(sentences="own", folds=2, answer=Answer(members=("words", "descriptions"), precision=0.6))


def made_rows(techniques: Techniques, n: int = 60) -> list[Pair]:
    ids = techniques.ids
    return [
        Pair(id=f"own/{k}", view=str(k).encode(), label=ids[k % len(ids)], group=f"report {k % 10}") for k in range(n)
    ]


@pytest.mark.parametrize("by_report", [True, False])
def test_every_sentence_is_judged_once_and_reports_stay_together(technique_recipe: Path, by_report: bool) -> None:
    techniques = read_attack(load(technique_recipe).data, technique_recipe.parent).techniques
    rows = labeled(made_rows(techniques), techniques)
    folds = folds_of(rows, n_folds=5, by_report=by_report, seed=0)
    assert np.array_equal(np.sort(np.concatenate([asked for _, asked in folds])), np.arange(len(rows)))
    shared = [
        {rows.pairs[k].group for k in learned.tolist()} & {rows.pairs[k].group for k in asked.tolist()}
        for learned, asked in folds
    ]
    assert any(shared) != by_report


def test_cells_keep_what_was_answered_and_the_document_tells_it(technique_recipe: Path, tmp_path: Path) -> None:
    recipe = load(technique_recipe)
    study = TechniqueStudy(
        task="attack-technique-study",
        title="A & B",
        recipe="r.toml",
        seeds=(0,),
        judged=("reports", "years"),
        in_folds=SETTINGS,
    )
    cells = study_cells(study, recipe, tmp_path)
    with one_thread():
        both = [judged_in_folds(recipe, SETTINGS, by_report=True), judged_on_years(recipe)]
    results = []
    for cell, answers in zip(cells, both, strict=True):
        answers.write(cell)
        kept = read_answers(cell)
        assert kept.techniques.ids == answers.techniques.ids
        assert np.allclose(kept.by_method[OURS], answers.by_method[OURS], atol=1e-6)
        line = cell.name.partition("-")[0]
        facts = {"line": line, "seed": 0, "seconds": 1.0, "peak_mib": 2.0, "metrics": answers.metrics()}
        results.append({**facts, **answers.facts})
    assert not any("own/" in pair.id and pair.view == b"" for pair in both[0].rows.pairs)
    assert WORDS_SVC_MORE in both[1].by_method
    (tmp_path / "environment.json").write_text('{"commit": "c", "device": "cpu"}')
    text = study_text(study, recipe, cells, results, command="threatclip bench r.toml -o out")
    assert "# A &amp; B" in text
    assert "## Sentences of own: reports apart" in text
    assert "## All techniques: later years" in text
    assert "McNemar" in text
    assert "Leak control" in text


def test_the_published_study_and_its_recipe_are_right() -> None:
    path = Path(__file__).parents[3] / "recipes" / "attack-technique-study.toml"
    study: TechniqueStudy = parse(TechniqueStudy, read_recipe(path), where=path.name)
    recipe = load_recipe(path.parent / study.recipe)
    assert isinstance(recipe, Technique)
    assert study.in_folds.sentences in [one.name for one in recipe.data.sentences]
    names = [cell.name for cell in study_cells(study, recipe, Path())]
    assert len(set(names)) == len(study.seeds) * len(study.judged)


def test_a_study_of_another_task_or_without_sentences_is_refused(technique_recipe: Path, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    other = Path(__file__).parents[3] / "recipes" / "event-supervised.toml"
    path.write_text(f'task = "attack-technique-study"\ntitle = "t"\nrecipe = "{other}"\n')
    with pytest.raises(RecipeError, match="the study judges"):
        run_technique_study(path, (), tmp_path / "out", jobs=1, on_progress=ignore)
    with pytest.raises(RecipeError, match="no sentences of that name"):
        judged_in_folds(load(technique_recipe), InFolds(sentences="absent"), by_report=True)
