"""A run of the recipe: judged, saved, read again, asked for sentences and reports, and evaluated; damage is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from experiment_cases import save_tiny_bert
from typer.testing import CliRunner

from threatclip.artifacts import write_manifest
from threatclip.cli.main import app
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.attribution.bundle import load_attribution
from threatclip.experiments.attribution.contrast import ContrastSettings
from threatclip.experiments.attribution.fitting import ModelSettings
from threatclip.experiments.attribution.recipe import Attribution, AttributionStudy, Data
from threatclip.experiments.attribution.study_cells import cells_of, run_cell
from threatclip.experiments.attribution.study_document import study_text
from threatclip.experiments.attribution.train import train_attribution
from threatclip.experiments.progress import ignore
from threatclip.experiments.run_folder import BUNDLE, environment
from threatclip.pairs.pair import Pair

QUICK = ModelSettings(
    contrast=ContrastSettings(dim=8, steps=10, rows=64),
    inner_splits=1,
    precision=0.5,
    level=0.1,
)
REPORT = """# What we saw

Thank you for reading this.

Sly Badger 0 opened things1 by way of 7 near barges with spades.
Later the intruders wrote things3 near barges with spades. They fetched things9 by way of 4 near barges with spades.
"""


@pytest.fixture(scope="module")
def recipe(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Attribution:
    tiny = save_tiny_bert(tmp_path_factory.mktemp("tiny") / "bert")
    return Attribution(
        task="attack-group",
        data=Data(bundle=world.name, root=str(world.parent)),
        encoder=PretrainedTower(source=str(tiny), max_tokens=32),
        precision="fp32",
        model=QUICK,
    )


@pytest.fixture(scope="module")
def run(recipe: Attribution, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "group"
    train_attribution(recipe, out, resume=False, on_progress=ignore)
    return out


def asked(*arguments: str) -> dict[str, Any]:
    """Return what a command prints with --json."""
    found = CliRunner().invoke(app, [*arguments, "--json", "--quiet"], catch_exceptions=False)
    assert found.exit_code == 0, found.stderr
    value: dict[str, Any] = json.loads(found.stdout)
    return value


def test_the_run_says_what_was_held_out(run: Path, recipe: Attribution) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert summary["judged"] == "H-0"
    assert summary["groups"] == 8
    assert summary["metrics"]["accuracy"]["n"] == summary["n"] == 8
    assert summary["metrics"]["accuracy"]["value"] >= 0.5
    card = (run / BUNDLE / "README.md").read_text()
    assert "reports held out (H-0)" in card
    raw, masked = (summary["controls"][name]["accuracy"]["value"] for name in ("raw", "masked"))
    assert raw == 1.0  # the name stands in every sentence
    assert f"| names masked | {masked:.3f} |" in card
    assert " ATT&CK . " not in card
    assert train_attribution(recipe, run, resume=True, on_progress=ignore) == summary
    with pytest.raises(InputError, match="resume"):
        train_attribution(recipe, run, resume=False, on_progress=ignore)


def test_a_sentence_gets_all_groups_and_unknown(run: Path) -> None:
    answer = asked("classify", str(run), "--text", "Sly Badger 0 wrote things1 near barges with spades.")
    assert {"id", "answers", "abstained", "evidence", "model"} <= answer.keys()
    labels = [one["label"] for one in answer["answers"]]
    assert sorted(labels) == [*(f"G8{number:03d}" for number in range(8)), "unknown"]
    assert sum(one["probability"] for one in answer["answers"]) == pytest.approx(1.0)
    assert [one["probability"] for one in answer["answers"]] == sorted(
        (one["probability"] for one in answer["answers"]), reverse=True
    )
    assert next(one["label"] for one in answer["answers"] if one["label"] != "unknown") == "G8000"
    case = answer["evidence"][0]
    assert case["label"] == "G8000"
    assert case["kind"] == "known case"
    assert "Sly" not in case["caption"]


def test_names_do_not_tell_the_group(run: Path) -> None:
    classifier = load_attribution(run)
    first, second = classifier.classify_pairs(
        [Pair(id="a", view=b"Sly Badger 0 dug"), Pair(id="b", view=b"Sly Viper 7 dug")]
    )
    assert first["answers"] == second["answers"]
    assert classifier.classify_pairs([]) == []


def test_a_report_is_pooled_and_its_sentences_are_evidence(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "incident.md"
    path.write_text(REPORT)
    answer = asked("classify", str(run), "--report", str(path))
    assert answer["id"] == str(path)
    assert next(one["label"] for one in answer["answers"] if one["label"] != "unknown") == "G8000"
    cases = [one for one in answer["evidence"] if one["kind"] == "known case"]
    assert cases
    for case in cases:
        assert case["share"] > 0
        assert case["start"] < case["end"]
        assert case["sentence"] in " ".join(REPORT.split())
    counted = next(one for one in answer["evidence"] if one["kind"] == "sentences")
    assert 1 <= counted["counted"] <= counted["read"] == 5


def test_a_sentence_that_repeats_counts_once(run: Path) -> None:
    classifier = load_attribution(run)
    views = [b"They opened things1 near barges with spades.", b"Later they dug somewhere else."]
    once = [Pair(id=str(n), view=view) for n, view in enumerate(views)]
    again = [*once, *(Pair(id=f"r{n}", view=views[0].upper() + b"  " * n) for n in range(50))]
    plain, repeated = classifier.classify_report("r", once), classifier.classify_report("r", again)
    assert repeated["answers"] == plain["answers"]
    assert repeated["evidence"][:-1] == plain["evidence"][:-1]
    assert repeated["evidence"][-1] | {"read": 2} == plain["evidence"][-1]


def test_people_read_the_same(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "incident.txt"
    path.write_text("They opened things near barges with spades.")
    found = CliRunner().invoke(app, ["classify", str(run), "--report", str(path), "--quiet"])
    assert found.exit_code == 0
    assert "barges" in found.stdout
    assert "cosine" in found.stdout


def test_reports_need_a_model_that_pools(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 sentences"):
        load_attribution(run).classify_report("empty", [])
    missing = CliRunner().invoke(app, ["classify", str(run), "--report", str(tmp_path / "none.txt")])
    assert isinstance(missing.exception, InputError)
    both = CliRunner().invoke(app, ["classify", str(run), "--report", "a.txt", "--text", "b"])
    assert "exclude each other" in str(both.exception)


def test_evaluate_tells_the_same_figures_and_the_baselines(run: Path) -> None:
    found = asked("evaluate", str(run), "--baselines")
    summary = json.loads((run / "summary.json").read_text())
    assert found["metrics"] == summary["metrics"]
    assert found["n"] == summary["n"]
    assert {"majority", "word_svc", "word_svc+software", "technique_profile"} <= found["baselines"].keys()
    assert Path(found["report"]).is_file()


def test_a_changed_bundle_is_refused(run: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run / BUNDLE, copy)
    known = json.loads((copy / "known.json").read_text())
    (copy / "known.json").write_text(json.dumps(known[:-1]))
    with pytest.raises(DamagedArtifactError, match="changed"):
        load_attribution(copy)
    (copy / "manifest.json").unlink()
    write_manifest(copy, extra={"kind": "attack-group"})
    with pytest.raises(DamagedArtifactError, match="not a whole bundle"):
        load_attribution(copy)


def test_the_study_s_cells_make_the_document(recipe: Attribution, tmp_path: Path) -> None:
    study = AttributionStudy(
        task="attack-group-study",
        title="A made-up world",
        recipe="attack-group.toml",
        seeds=(0, 1),
        side_seeds=(0,),
        unseen_seeds=(0,),
    )
    cells = list(cells_of(study, recipe, tmp_path))
    assert len({cell.name for cell in cells}) == len(cells)
    wanted = {"quick-H0", "model-H0", "quick-K", "model-K", "unseen-H0", "raw-H0", "masked-H0"}
    for cell in cells:
        if cell.name in wanted:
            (tmp_path / "cells").mkdir(exist_ok=True)
            facts = run_cell(cell)
            cell.file(".json").write_text(json.dumps({**facts, "key": cell.key}))
    (tmp_path / "environment.json").write_text(json.dumps(environment()))
    text = study_text(study, tmp_path, command="threatclip bench recipe -o out")
    assert "not finished: 1" in text
    assert "our model minus word\\_svc+software" in text
    assert "of 8" in text
    assert "Groups never seen in training: 2 incidents" in text
    assert "raw text, random folds" in text


def test_a_study_of_nothing_says_so(tmp_path: Path) -> None:
    study = AttributionStudy(
        task="attack-group-study", title="t", recipe="r", seeds=(0,), side_seeds=(), unseen_seeds=()
    )
    (tmp_path / "environment.json").write_text(json.dumps(environment()))
    assert "missing" in study_text(study, tmp_path, command="c")
    with pytest.raises(RecipeError, match="side_seeds"):
        AttributionStudy(task="attack-group-study", title="t", recipe="r", seeds=(0,), side_seeds=(4,))


def test_a_tower_with_a_projection_is_refused() -> None:
    with pytest.raises(RecipeError, match="projection"):
        Attribution(task="attack-group", encoder=PretrainedTower(projection="mlp"))
