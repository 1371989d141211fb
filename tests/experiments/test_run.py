"""A run: what its folder holds, that it repeats to the byte, and that no death, chunk or second process changes it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_cases import PLAIN, STEPS, TinyRun, files_of, train_tiny, write_recipe

from threatclip import __version__
from threatclip.artifacts import read_json, read_tensors, sha256_file, verify_manifest
from threatclip.classification.abstention import NEVER
from threatclip.classification.fusion import fit_pool
from threatclip.errors import InputError, ThreatclipError
from threatclip.experiments import run as run_module
from threatclip.experiments.card import model_card
from threatclip.experiments.config import as_plain, load_recipe
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.run import input_files, train_run
from threatclip.experiments.run_folder import StepLog, data_hashes, environment
from threatclip.pairs.samples import CLASSES
from threatclip.pairs.table import PairTable
from threatclip.training.contracts import Step
from two_processes import launched

HERE = Path(__file__).parent
FILES = {"recipe.json", "environment.json", "metrics.jsonl", "pairs.parquet", "summary.json", "bundle"}
STAGES = ("first/stage1", "first/stage2", "final/stage1", "final/stage2")


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def check_alike(one: TinyRun, two: TinyRun) -> None:
    """Check that two bundles agree to 1e-5, in the payload tower's weights and in what both towers say."""
    ours, theirs = (read_tensors(each.bundle / "weights.safetensors") for each in (one, two))
    assert ours.keys() == theirs.keys()
    far = {name: float(np.abs(array.astype(float) - theirs[name]).max()) for name, array in ours.items()}
    # not the text tower's own weights: the bias of attention's keys has no gradient but noise, which Adam blows up
    compared = [name for name in far if name.startswith("payload.")] + ["anchors.vectors", "known.vectors"]
    assert {name: far[name] for name in compared if far[name] > 1e-5} == {}
    assert max(far.values()) < 1e-3  # heads are fitted on those vectors


def test_a_run_folder_holds_all_of_it(tiny: TinyRun) -> None:
    assert {path.name for path in tiny.folder.iterdir()} == FILES
    assert read_json(tiny.folder / "recipe.json") == json.loads(json.dumps(as_plain(load_recipe(tiny.recipe))))
    facts = read_json(tiny.folder / "environment.json")
    assert facts["threatclip"] == __version__
    assert {"python", "platform", "device", "commit", "threads"} <= facts.keys()
    assert {"torch", "numpy", "scikit-learn"} <= facts["libraries"].keys()
    table = tiny.recipe.parent / "pairs.parquet"
    assert facts["data"] == {str(table): sha256_file(table)}
    assert read_json(tiny.folder / "summary.json") == json.loads(json.dumps(tiny.summary))


def test_the_summary_counts_what_was_learned_from(tiny: TinyRun) -> None:
    told = tiny.summary
    assert told["run"] == str(tiny.folder)
    assert told["n_train"] == 240 - told["n_test"]  # the last fit reads validation too
    assert 0 < told["n_extra"] <= 60
    assert {"value", "low", "high", "n"} == told["metrics"]["macro_f1"].keys()
    assert told["metrics"]["accuracy"]["n"] == told["n_validation"]
    assert set(told["pool"]) == {"anchors", "linear", "neighbors", "ngrams", "ngrams_nb"}
    assert told["abstention"]["n"] == told["n_validation"]


def test_every_step_of_every_stage_is_recorded_once(tiny: TinyRun) -> None:
    found = records(tiny.folder)
    assert tuple(dict.fromkeys(record["stage"] for record in found)) == STAGES
    for stage in STAGES:
        steps = [record["step"] for record in found if record["stage"] == stage]
        assert steps == list(range(1, len(steps) + 1))
        assert steps[-1] == STEPS or "stage1" in stage
    for record in found:
        assert np.isfinite(record["losses"]["loss"])
        assert {"epoch", "lr", "grad_norm", "seconds", "rows"} <= record.keys()
        assert "stage1" in record["stage"] or {"anchors", "infonce"} < record["losses"].keys()


def test_the_rows_and_their_split_stay_with_the_run(tiny: TinyRun) -> None:
    table = PairTable.open(tiny.folder / "pairs.parquet")
    table.verify()
    splits = table.column("split")
    counts = {name: splits.count(name) for name in ("train", "validation", "test")}
    told = tiny.summary
    assert counts["train"] + counts["validation"] == told["n_train"]
    assert (counts["validation"], counts["test"]) == (told["n_validation"], told["n_test"])
    assert table.split_info is not None
    assert table.split_info["spec"]["kind"] == "temporal"
    assert table.split_info["leakage"]["sizes"] == counts
    assert all(table.column("caption"))


def test_the_bundle_is_whole_and_its_card_says_what_it_is(tiny: TinyRun) -> None:
    manifest = verify_manifest(tiny.bundle)
    assert manifest["kind"] == "payload-weakness"
    names = {"config.json", "known.json", "weights.safetensors", "README.md", "assets/text/tokenizer.json"}
    assert names < manifest["files"].keys()
    card = (tiny.bundle / "README.md").read_text()
    front = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    assert front is not None
    assert "library_name: threatclip" in front[1]
    told = tiny.summary
    assert f"{told['n_train']} labeled payloads of the split, {told['n_extra']} extra rows: generated" in card
    assert f"| macro_f1 | {told['metrics']['macro_f1']['value']:.3f} |" in card
    assert sha256_file(tiny.recipe.parent / "pairs.parquet") in card
    assert f"It abstains below a probability of {told['abstention']['threshold']:.3f}" in card


def test_a_card_says_when_a_model_always_abstains(tiny: TinyRun) -> None:
    summary = {**tiny.summary, "abstention": {**tiny.summary["abstention"], "threshold": NEVER}}
    card = model_card(load_recipe(tiny.recipe), summary, {})
    assert "No probability gave 90% precision on validation, so it abstains from every payload." in card


def test_the_same_recipe_and_seed_give_the_same_bytes(tiny: TinyRun, tmp_path: Path) -> None:
    again = train_tiny(tiny.recipe, tmp_path / "again")
    assert files_of(again.bundle) == files_of(tiny.bundle)
    assert (again.folder / "pairs.parquet").read_bytes() == (tiny.folder / "pairs.parquet").read_bytes()


def test_another_seed_gives_another_model(tiny: TinyRun, plain: TinyRun, tmp_path: Path) -> None:
    other = train_tiny(tiny.recipe, tmp_path / "other", *PLAIN, "seed=1", "answer.members=['anchors']")
    ours, theirs = (read_tensors(each.bundle / "weights.safetensors") for each in (other, plain))
    for name in ("payload.embedding.weight", "text.embedding.weight"):
        assert np.abs(ours[name] - theirs[name]).max() > 0.1


def test_a_killed_run_ends_in_the_same_bits(tiny: TinyRun, tmp_path: Path) -> None:
    """SIGKILL in stage 1, in stage 2 and in stage 2 of the last fit, each time resumed."""
    out = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, str(HERE / "kill_train.py"), str(tiny.recipe), str(out)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    *dead, whole = json.loads(done.stdout)
    assert [each["status"] for each in dead] == [9, 9, 9], done.stderr[-3000:]
    assert whole["status"] == 0, done.stderr[-3000:]
    assert not any(each["left"]["bundle"] or each["left"]["summary"] for each in dead)
    assert "checkpoints/first/stage2/step-00000005" in dead[1]["left"]["checkpoints"]
    assert "checkpoints/final/stage2/step-00000010" in dead[2]["left"]["checkpoints"]
    assert files_of(out / "bundle") == files_of(tiny.bundle)
    assert {path.name for path in out.iterdir()} == FILES
    ours, theirs = ([{**one, "seconds": 0, "notes": []} for one in records(folder)] for folder in (out, tiny.folder))
    assert ours == theirs


def test_a_finished_run_is_told_again_at_once(tiny: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def untouched(*_: Any, **__: Any) -> None:
        raise AssertionError("a finished run was worked on")

    before = files_of(tiny.folder)
    monkeypatch.setattr(run_module, "load_material", untouched)
    told = train_run(load_recipe(tiny.recipe), tiny.folder, resume=True, on_progress=ignore)
    assert told == json.loads(json.dumps(tiny.summary))
    assert files_of(tiny.folder) == before


@pytest.mark.parametrize(
    ("overrides", "resume", "says"),
    [
        ((), False, "holds a run already; pass --resume"),
        (("seed=5",), True, "started with another recipe"),
        (("stage2.steps=16",), True, "started with another recipe"),
    ],
)
def test_a_folder_with_another_run_is_refused(
    tiny: TinyRun, overrides: tuple[str, ...], resume: bool, says: str
) -> None:
    before = files_of(tiny.folder)
    with pytest.raises(InputError, match=says):
        train_run(load_recipe(tiny.recipe, overrides), tiny.folder, resume=resume, on_progress=ignore)
    assert files_of(tiny.folder) == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_with_something_else_is_refused(tiny: TinyRun, tmp_path: Path, resume: bool) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something that is no run"):
        train_run(load_recipe(tiny.recipe), tmp_path / "taken", resume=resume, on_progress=ignore)
    assert files_of(tmp_path / "taken") == {"thesis.txt": b"mine"}


def test_other_data_than_the_run_was_started_with_is_refused(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(_: Progress) -> None:
        raise StopError

    recipe = load_recipe(write_recipe(tmp_path))
    with pytest.raises(StopError):
        train_run(recipe, tmp_path / "run", resume=False, on_progress=stop)
    table = tmp_path / "pairs.parquet"
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(InputError, match="started with another data"):
        train_run(recipe, tmp_path / "run", resume=True, on_progress=ignore)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("data.pairs.path='absent.parquet'", "no file .*absent.parquet; set data.root"),
        ("data.split={kind='temporal', train_until=2021, validation_until=2021}", "no validation rows to calibrate"),
        ("data.split={kind='temporal', train_until=2030, validation_until=2031}", "leaves test empty"),
        ("data.held_out_classes=CLASSES", "held_out_classes|leaves 0 training"),
        ("text_tower={kind='byte'}", "kind 'byte' reads payloads"),
    ],
)
def test_a_recipe_that_cannot_work_is_one_line(tiny: TinyRun, tmp_path: Path, override: str, says: str) -> None:
    override = override.replace("CLASSES", str(list(CLASSES)))
    with pytest.raises(ThreatclipError, match=says) as raised:
        train_run(load_recipe(tiny.recipe, [override]), tmp_path / "run", resume=False, on_progress=ignore)
    assert "\n" not in str(raised.value)


def test_chunks_change_no_weight(tiny: TinyRun, plain: TinyRun, tmp_path: Path) -> None:
    check_alike(train_tiny(tiny.recipe, tmp_path / "chunked", *PLAIN, "stage2.chunk_rows=5"), plain)


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_one_writes(tiny: TinyRun, plain: TinyRun, tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]

    def train_two(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *launcher, str(HERE / "two_train.py"), str(tiny.recipe), str(folder / "run"), *PLAIN],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    folder, done = launched(train_two, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    two = TinyRun(recipe=tiny.recipe, folder=folder / "run", summary=read_json(folder / "run" / "summary.json"))
    assert {path.name for path in two.folder.iterdir()} == FILES
    check_alike(two, plain)
    ours, theirs = ([(one["stage"], one["step"]) for one in records(each.folder)] for each in (two, plain))
    assert ours == theirs


def test_a_class_held_out_does_not_weigh_the_members(
    tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def spy(scores: Any, truth: np.ndarray) -> Any:
        seen.append(truth)
        return fit_pool(scores, truth)

    monkeypatch.setattr(run_module, "fit_pool", spy)
    done = train_tiny(tiny.recipe, tmp_path / "run", "data.held_out_classes=['xxe']", "stage2.steps=2")
    config = read_json(done.bundle / "config.json")
    number = [entry["label"] for entry in config["classes"]].index("xxe")
    table = PairTable.open(done.folder / "pairs.parquet")
    rows = list(zip(table.column("split"), table.column("label"), strict=True))
    assert ("validation", "xxe") in rows
    assert ("train", "xxe") not in rows
    assert number not in seen[0]
    assert (seen[0] == -1).sum() == rows.count(("validation", "xxe"))
    assert config["abstention"]["n"] == (seen[0] >= 0).sum()
    known = read_json(done.bundle / "known.json")
    assert "xxe" not in {case["label"] for case in known}
    assert done.summary["n_train"] == len(known)


def test_a_log_of_steps_replaces_what_is_done_again(tmp_path: Path) -> None:
    def step(number: int) -> Step:
        return Step(step=number, epoch=0, losses={"loss": 1.0}, lr=0.1, grad_norm=1.0, seconds=0.1, rows=4)

    path = tmp_path / "metrics.jsonl"
    first = StepLog(path)
    for number in (1, 2, 3):
        first("a", step(number))
    first("b", step(1))
    with path.open("a") as handle:
        handle.write('{"stage": "b", "ste')  # torn by a kill
    again = StepLog(path)
    again("b", step(1))
    again("b", step(2))
    assert [(one["stage"], one["step"]) for one in records(tmp_path)] == [
        *(("a", 1), ("a", 2), ("a", 3)),
        *(("b", 1), ("b", 2)),
    ]
    third = StepLog(path)
    third("a", step(3))
    assert [(one["stage"], one["step"]) for one in records(tmp_path)][-1] == ("a", 3)


def test_hashes_name_every_file_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "a.yaml").write_text("a")
    (tmp_path / "one.csv").write_text("b")
    hashes = data_hashes(tmp_path, ["tree", "one.csv", "one.csv"])
    assert list(hashes) == ["one.csv", "tree/deep/a.yaml"]
    assert hashes["one.csv"] == sha256_file(tmp_path / "one.csv")


def test_every_file_that_is_read_is_hashed(tiny: TinyRun) -> None:
    overrides = [
        "data.descriptions={path='d.jsonl', source={kind='cve'}}",
        "data.extra=[{name='x', file={path='x.parquet'}}, {name='made'}]",
        "data.split={kind='fixed', path='s.json', name='t'}",
    ]
    recipe = load_recipe(tiny.recipe, overrides)
    assert input_files(recipe) == [recipe.data.pairs.path, "d.jsonl", "x.parquet", "s.json"]


def test_the_environment_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(environment()))["threatclip"] == __version__
