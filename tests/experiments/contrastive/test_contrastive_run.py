"""A contrastive run from recipe to judgment: what it leaves, that it resumes, and what evaluate tells."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiment_cases import files_of
from run_cases import load, split_rows, train_small

from pair_cases import picture_pairs
from threatclip.encoders.towers import module_weights
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.evaluation.retrieval import recall_at_k
from threatclip.experiments.contrastive import train as training
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.contrastive.evaluate import evaluate_contrastive
from threatclip.experiments.contrastive.material import load_stages
from threatclip.experiments.contrastive.report import render_contrastive
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.tasks import evaluate_run, run_recipe
from threatclip.pairs.table import PairTable, write_pairs
from two_processes import launched

HERE = Path(__file__).parent


def test_a_run_keeps_every_stage_and_what_it_is_judged_on(small_run: Path) -> None:
    names = set(files_of(small_run))
    for folder in ("bundle", "stages/start/bundle", "stages/general/bundle"):
        assert f"{folder}/weights.safetensors" in names
    assert not any(name.startswith("checkpoints") for name in names)
    summary = json.loads((small_run / "summary.json").read_text())
    assert (summary["task"], summary["n_train"], summary["n_validation"], summary["n_test"]) == (
        "contrastive",
        24,
        8,
        8,
    )
    assert summary["stages"]["general"]["n_train"] == 72
    assert {"i2t_r_1", "t2i_r_10", "matching_accuracy"} <= set(summary["metrics"])
    judged = PairTable.open(small_run / "stages" / "posts" / "pairs.parquet")
    assert sorted(set(judged.column("split"))) == ["test", "validation"]
    steps = [json.loads(line) for line in (small_run / "metrics.jsonl").read_text().splitlines()]
    assert [(one["stage"], one["step"]) for one in steps] == [
        *(("general", n) for n in range(1, 5)),
        *(("posts", n) for n in range(1, 7)),
    ]


def test_a_stage_is_mixed_with_what_it_started_from(small_recipe: Path, small_run: Path, tmp_path: Path) -> None:
    tuned = tmp_path / "tuned"
    train_small(small_recipe, tuned, "stages.1.interpolate=1.0")
    before, mixed, whole = (
        module_weights(DualBundle.load(folder).dual) for folder in (small_run / "stages/general", small_run, tuned)
    )
    for name, value in mixed.items():
        if "num_batches" not in name:
            np.testing.assert_allclose(value, 0.25 * before[name] + 0.75 * whole[name], atol=1e-6)


def test_the_same_recipe_gives_the_same_bytes(small_recipe: Path, small_run: Path, tmp_path: Path) -> None:
    train_small(small_recipe, tmp_path / "again")
    for folder in ("bundle", "stages"):
        assert files_of(small_run / folder) == files_of(tmp_path / "again" / folder)


@pytest.mark.parametrize("stop_at", [("general", 3), ("posts", 4)])
def test_a_run_stopped_in_any_stage_resumes_to_the_same_bytes(
    small_recipe: Path, small_run: Path, tmp_path: Path, stop_at: tuple[str, int]
) -> None:
    class StoppedError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if (progress.stage, progress.done) == stop_at:
            raise StoppedError

    with pytest.raises(StoppedError):
        training.train_contrastive(load(small_recipe), tmp_path / "run", resume=False, on_progress=stop)
    with pytest.raises(InputError, match="--resume"):
        train_small(small_recipe, tmp_path / "run")
    with pytest.raises(InputError, match=r"stages"):
        train_small(small_recipe, tmp_path / "run", "stages.0.fit.epochs=3", resume=True)
    train_small(small_recipe, tmp_path / "run", resume=True)
    assert files_of(small_run / "bundle") == files_of(tmp_path / "run" / "bundle")
    log = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(log) == len((small_run / "metrics.jsonl").read_text().splitlines())


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_one_writes(small_recipe: Path, tmp_path: Path) -> None:
    # a ViT: a BatchNorm would see other statistics in each process, which the loop refuses
    tower = "view_tower={kind='vit', side=16, patch=8, width=16, layers=1, heads=2, dim=16}"
    changes = (tower, "text_tower.dropout=0.0", f"data.root={str(small_recipe.parent)!r}")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]

    def fit_two(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *launcher, str(HERE / "two_fit.py"), str(small_recipe), str(folder / "two"), *changes],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    folder, done = launched(fit_two, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    train_small(small_recipe, tmp_path / "one", *changes)
    assert files_of(folder / "two").keys() == files_of(tmp_path / "one").keys()
    losses = [
        [json.loads(line)["losses"]["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (tmp_path / "one", folder / "two")
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_a_run_goes_on_from_another(small_recipe: Path, small_run: Path, tmp_path: Path) -> None:
    values = ["view_tower", "text_tower"]
    recipe = load(small_recipe)
    other = replace(
        recipe,
        **dict.fromkeys(values),
        start=training.FromRun(path=str(small_run)),
        stages=(replace(recipe.stages[0], name="more"),),
    )
    out = tmp_path / "run"
    training.train_contrastive(other, out, resume=False, on_progress=ignore)
    first, last = (module_weights(DualBundle.load(folder).dual) for folder in (small_run, out / "stages" / "start"))
    assert all(np.array_equal(first[name], last[name]) for name in first)
    found = evaluate_contrastive(out, pairs=None, baselines=True, out=None, on_progress=ignore)
    assert set(found["baselines"]) == {"start", "random"}


def test_evaluate_keeps_the_contract(small_run: Path, tmp_path: Path) -> None:
    told: list[int] = []
    found = evaluate_run(
        small_run,
        pairs=None,
        probes=False,
        baselines=True,
        out=tmp_path,
        on_progress=lambda progress: told.append(progress.done),
    )
    assert (found["run"], found["n"], found["gallery"]) == (str(small_run), 8, {"views": 8, "captions": 8})
    assert found["matching_pool"] == 5
    assert list(found["baselines"]) == ["before-posts", "untrained", "random"]
    for metrics in (found["metrics"], found["baselines"]["before-posts"], found["baselines"]["untrained"]):
        assert {"i2t_r_1", "matching_accuracy", "roc_auc_macro", "pr_auc_macro", "base_rate"} <= set(metrics)
        assert all(set(metric) == {"value", "low", "high", "n"} for metric in metrics.values())
    assert found["baselines"]["random"]["matching_accuracy"]["value"] == pytest.approx(1 / 5)
    assert set(found["comparisons"]) == {"before-posts", "untrained"}
    elsewhere = found["tables"]["general"]
    assert (elsewhere["gallery"], elsewhere["n"]) == ({"views": 12, "captions": 24}, 24)
    difference = elsewhere["difference"]["i2t_r_1"]["value"]
    now, then = (elsewhere[key]["i2t_r_1"]["value"] for key in ("metrics", "then"))
    assert difference == pytest.approx(now - then)
    assert told == list(range(1, 6))
    assert json.loads((tmp_path / "metrics.json").read_text()) == json.loads(json.dumps(found))
    assert run_recipe(small_run).task == "contrastive"


def test_figures_are_those_of_the_vectors(small_run: Path, tmp_path: Path) -> None:
    found = evaluate_contrastive(small_run, pairs=None, baselines=False, out=tmp_path, on_progress=ignore)
    assert found["baselines"] == {}
    bundle = DualBundle.load(small_run)
    rows = [p for p in PairTable.open(small_run / "stages/posts/pairs.parquet").iter_pairs() if p.split == "test"]
    groups = np.array([pair.group for pair in rows])
    plain = recall_at_k(
        bundle.view_vectors([pair.view for pair in rows]),
        bundle.text_vectors([pair.caption or "" for pair in rows]),
        groups,
        groups,
    )
    assert {k: found["metrics"][f"i2t_r_{k}"]["value"] for k in (1, 5, 10)} == pytest.approx(plain)


def test_another_table_may_be_judged(small_run: Path, tmp_path: Path) -> None:
    table = tmp_path / "own.parquet"
    pairs = [replace(pair, label=None) for pair in picture_pairs(9, seed=7, captions=1)]
    lacking = [replace(pairs[0], id="no words", caption=None), replace(pairs[1], id="no picture", view=b"")]
    write_pairs(table, [*pairs, *lacking], modality="image")
    found = evaluate_contrastive(small_run, pairs=table, baselines=False, out=tmp_path / "out", on_progress=ignore)
    assert (found["n"], found["n_labeled"], found["tables"]) == (9, 0, {})
    assert "accuracy" not in found["metrics"]
    payloads = tmp_path / "payloads.parquet"
    write_pairs(payloads, [replace(pairs[0], view=b"GET /")], modality="payload")
    with pytest.raises(InputError, match="payload pairs"):
        evaluate_contrastive(small_run, pairs=payloads, baselines=False, out=tmp_path, on_progress=ignore)
    single = tmp_path / "single.parquet"
    write_pairs(single, pairs[:1], modality="image")
    with pytest.raises(InputError, match="nothing to judge"):
        evaluate_contrastive(small_run, pairs=single, baselines=False, out=tmp_path, on_progress=ignore)


def test_what_is_judged_is_never_learned(small_recipe: Path, tmp_path: Path) -> None:
    recipe = load(small_recipe, f"data.root={str(tmp_path)!r}")
    general = split_rows(picture_pairs(60, seed=0), "g")
    posts = split_rows(picture_pairs(40, seed=1, captions=1), "p")
    copied = next(pair for pair in posts if pair.split == "test")
    general.append(replace(copied, id="copy", split="train", group="elsewhere"))
    general.append(replace(general[0], id="half", caption=" ", split="train"))
    write_pairs(tmp_path / "general.parquet", general, modality="image")
    write_pairs(tmp_path / "posts.parquet", posts, modality="image")
    material = load_stages(recipe, tmp_path)
    assert (material.stages[0].n_copies, material.stages[0].n_halves) == (1, 1)
    assert "copy" not in [pair.id for pair in material.stages[0].train]


def test_a_table_may_be_cut_and_filtered(small_recipe: Path) -> None:
    fewer = load(small_recipe, "stages.0.tables.0.n_train=5")
    stage = load_stages(fewer, small_recipe.parent).stages[0]
    assert len({pair.view for pair in stage.train}) == 5
    assert len(stage.train) == 10
    assert len(stage.test) == 24
    red = load(small_recipe, "stages.0.tables.0.labels=['red', 'blue']")
    assert {pair.label for pair in load_stages(red, small_recipe.parent).stages[0].train} == {"red", "blue"}
    split = load(small_recipe, "stages.0.tables.0.split={kind='group'}")
    rows = load_stages(split, small_recipe.parent).stages[0]
    assert not {pair.group for pair in rows.train} & {pair.group for pair in rows.test}


def test_texts_that_lend_their_words(small_recipe: Path) -> None:
    recipe = load(small_recipe, "data.vocabulary=[{path='posts.parquet'}]")
    material = load_stages(recipe, small_recipe.parent)
    judged = {pair.caption for stage in material.stages for pair in stage.judged}
    lent = material.texts[sum(len(stage.train) for stage in material.stages) :]
    assert not set(lent) & judged


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stages=[]", "stages is"),
        ("stages.0.name=start", "name is 'start'"),
        ("stages.0.name=a/b", "name is 'a/b'"),
        ("stages.1.name=general", "the name of a stage is 'general'"),
        ("stages.0.tables=[]", "tables is"),
        ("stages.0.interpolate=2.0", "interpolate is 2.0"),
        ("start={path='x', kind='run'}", "either view_tower and text_tower, or start"),
        ("text_tower={kind='resnet'}", "reads pictures"),
        ("stages.0.tables.0.file.source={kind='nuclei'}", "payload pairs"),
        ("prompts.red=[]", "prompts.red"),
        ("prompts.red=[' ']", "prompts.red"),
        ("temperature=0.0", "temperature is 0.0"),
        ("matching_pool=1", "matching_pool is 1"),
        ("stages.0.fit.freeze=both", "freeze"),
    ],
)
def test_recipes_that_cannot_work_are_refused(small_recipe: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load(small_recipe, override)


def test_a_changed_bundle_is_not_judged(small_recipe: Path, tmp_path: Path) -> None:
    train_small(small_recipe, tmp_path / "run")
    path = tmp_path / "run" / "bundle" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\x00\x00\x00\x01")
    with pytest.raises(DamagedArtifactError):
        evaluate_contrastive(tmp_path / "run", pairs=None, baselines=False, out=None, on_progress=ignore)


def test_the_report_shows_figures_and_escapes_captions(small_run: Path, tmp_path: Path) -> None:
    found = evaluate_contrastive(small_run, pairs=None, baselines=True, out=tmp_path, on_progress=ignore)
    page = (tmp_path / "report.html").read_text()
    assert "View to caption, R@10" in page
    assert "Training loss" in page
    assert "before-posts" in page
    assert found["examples"][0]["id"] in page
    hostile = "<script>alert(1)</script>\u202e"
    found["examples"][0]["own"] = hostile
    found["examples"][0]["found"][0]["caption"] = hostile
    page = render_contrastive(found)
    assert "<script" not in page
    assert "\u202e" not in page
    assert html.escape("<script>") in page


def test_a_report_of_little_is_a_report(tmp_path: Path) -> None:
    assert "Figures" in render_contrastive({"run": "x", "metrics": {}})
