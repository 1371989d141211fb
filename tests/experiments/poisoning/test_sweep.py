"""A sweep: victims, clean lines and attacks, judged beside each other, repeatable to the byte, resumable."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweep_cases import CLASSES, TINY, run_here, write_sweep
from threatclip.artifacts import read_json, read_tensors
from threatclip.attacks.truth import read_truth
from threatclip.errors import InputError, RecipeError
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.poisoning import sweep as sweep_module
from threatclip.experiments.poisoning.plan import cells_of, clean_line, name_of
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.poisoning.report import read_sweeps
from threatclip.experiments.poisoning.sweep import run_sweep, run_sweeps
from threatclip.experiments.progress import Progress, ignore

NAMES = ("victim-0", "clean-0", "patch-8-0", "queries-8-0")
CONTRACT = {"task", "attack", "rate", "defense", "seed", "metrics", "seconds", "peak_mib"}


@dataclass(frozen=True, kw_only=True)
class Done:
    """A sweep that two worker processes ran."""

    recipe: Path
    out: Path
    told: dict[str, Any]
    progress: list[Progress]

    def cell(self, name: str) -> dict[str, Any]:
        """One cell's JSON."""
        found: dict[str, Any] = read_json(self.out / "cells" / f"{name}.json")
        return found

    def weights(self, name: str) -> dict[str, np.ndarray]:
        """One cell's model."""
        return read_tensors(self.out / "models" / name / "weights.safetensors")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("sweep")
    recipe = write_sweep(folder)
    told: list[Progress] = []
    found = run_sweep(recipe, [], folder / "out", jobs=2, on_progress=told.append)
    return Done(recipe=recipe, out=folder / "out", told=found, progress=told)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cells run in this process: what they write does not depend on where they run."""
    monkeypatch.setattr(sweep_module, "run_cells", run_here)


def test_cells_keep_the_contract_of_bench(done: Done) -> None:
    assert [cell["line"] for cell in done.told["cells"]] == ["victim", "clean", "patch", "queries"]
    for cell in done.told["cells"]:
        assert cell.keys() >= CONTRACT
        for figure in cell["metrics"].values():
            assert figure["low"] <= figure["value"] <= figure["high"]
    patch, queries = done.cell("patch-8-0"), done.cell("queries-8-0")
    assert (patch["attack"], patch["count"], patch["poisoned"], patch["rate"]) == ("badnets", 8, 8, 8 / 96)
    assert patch["metrics"].keys() >= {
        "clean_accuracy_1",
        "asr_1",
        "asr_3",
        "asr_floor_1",
        "linear.asr_1",
        "drift_view",
    }
    assert queries["metrics"].keys() >= {"hit_1", "hit_10", "min_rank", "random_hit_10", "clean_min_rank", "i2t_r_10"}
    assert patch["metrics"]["asr_1"]["n"] < patch["metrics"]["clean_accuracy_1"]["n"]
    assert json.loads(json.dumps(done.told, allow_nan=False)) == done.told


def test_the_truth_lies_apart_and_names_every_poisoned_row(done: Done) -> None:
    truth = read_truth(done.out / "cells" / "patch-8-0-truth.json")
    assert len(truth.ids) == 8
    assert truth.targets == ("red-star",)
    assert all(change.label != "red-star" and change.parts == ("view", "caption") for change in truth.changes)
    assert not (done.out / "cells" / "clean-0-truth.json").exists()


def test_a_frozen_tower_keeps_every_weight(done: Done) -> None:
    before, after = done.weights("victim-0"), done.weights("queries-8-0")
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any(name.startswith("text.") for name in moved)
    assert not any(name.startswith("view.") for name in moved)
    assert any(name.startswith("view.") for name in set(before) - moved)
    both = done.weights("patch-8-0")
    assert any(not np.array_equal(before[name], both[name]) for name in before if name.startswith("view."))


@pytest.mark.usefixtures("here")
def test_a_backdoored_run_repeats_to_the_byte(done: Done, tmp_path: Path) -> None:
    run_sweep(done.recipe, [], tmp_path / "again", jobs=2, on_progress=ignore)
    for name in NAMES:
        for file in (f"models/{name}/weights.safetensors", f"cells/{name}.safetensors"):
            assert (done.out / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    truth = "cells/patch-8-0-truth.json"
    assert (done.out / truth).read_bytes() == (tmp_path / "again" / truth).read_bytes()


def test_a_sweep_leaves_what_its_report_needs(done: Done) -> None:
    (one,) = read_sweeps([done.out], on_progress=ignore, n_resamples=20)
    assert [dose.line.name for dose in one.found.doses] == ["victim", "clean", "patch", "queries"]
    assert (one.found.missing, list(one.found.results)) == ((), done.told["cells"])


@pytest.mark.usefixtures("here")
def test_an_attack_on_a_class_that_nobody_judges_is_refused_before_training(done: Done, tmp_path: Path) -> None:
    recipe = tmp_path / "sweep.toml"
    text = done.recipe.read_text().replace("pool = 96", 'pool = 96\nclasses = ["blue-circle", "green-square"]')
    recipe.write_text(text.replace('place = "corner"', 'place = "corner", wording = "template"'))
    with pytest.raises(InputError, match="about class 'red-star'; the classes judged are blue-circle, green"):
        run_sweep(recipe, [], tmp_path / "out", jobs=1, on_progress=ignore)
    assert not (tmp_path / "out" / "models" / "patch-8-0").exists()


def test_a_finished_sweep_is_told_again_at_once(done: Done) -> None:
    before = {path: path.stat().st_mtime_ns for path in (done.out / "cells").iterdir()}
    assert run_sweep(done.recipe, [], done.out, jobs=1, on_progress=ignore) == done.told
    assert {path: path.stat().st_mtime_ns for path in (done.out / "cells").iterdir()} == before
    assert [(one.done, one.total) for one in done.progress][-1] == (2, 2)


def test_the_document_holds_every_table_and_says_what_is_missing(done: Done, tmp_path: Path) -> None:
    text = (done.out / "results.md").read_text()
    assert text.startswith("# Four shapes\n")
    for part in (
        "Models without poison",
        "Triggers",
        "other interfaces",
        "Targeted queries",
        "Drift",
        "patch",
        "queries",
    ):
        assert part in text
    assert "text tower only" in text
    more = tmp_path / "more.toml"
    more.write_text(done.recipe.read_text().replace("counts = [8]\ntrains", "counts = [8, 12]\ntrains"))
    sweep: Sweep = parse(Sweep, read_recipe(more), where="more")
    from threatclip.experiments.poisoning.document import sweep_sections

    assert "12" not in [
        row.split("|")[3].strip()
        for row in "\n".join(sweep_sections(sweep, done.out, command="c")).split("\n")
        if row.startswith("| queries")
    ]


def test_a_changed_dose_runs_no_other_cell_again(done: Done) -> None:
    sweep: Sweep = parse(Sweep, read_recipe(done.recipe), where="sweep")
    keys = {name_of(asked): asked for asked in cells_of(sweep)}
    assert tuple(keys) == NAMES
    wider = replace(
        sweep, lines=tuple(replace(line, counts=(*line.counts, 9) if line.attack else ()) for line in sweep.lines)
    )
    again = {name_of(asked): asked for asked in cells_of(wider)}
    assert {name: again[name] for name in NAMES} == keys
    assert {line.name: clean_line(sweep, line) for line in sweep.lines} == dict.fromkeys(
        ("clean", "patch", "queries"), "clean"
    )


def test_damage_is_measured_against_the_clean_line_that_trained_alike() -> None:
    text = """
[[lines]]
name = "clean-text"
trains = "text"

[[lines]]
name = "clean-scratch"
start = "scratch"

[[lines]]
name = "scratch"
start = "scratch"
attack = { kind = "badnets", target = "red-star" }
counts = [8]

[[lines]]
name = "view"
trains = "view"
attack = { kind = "badnets", target = "red-star" }
counts = [8]
"""
    sweep: Sweep = parse(Sweep, tomllib.loads(TINY + text), where="tiny")
    assert {asked.line.name: asked.clean for asked in cells_of(sweep) if asked.line is not None} == {
        "clean": "clean",
        "patch": "clean",
        "queries": "clean-text",
        "clean-text": "clean-text",
        "clean-scratch": "clean-scratch",
        "scratch": "clean-scratch",
        "view": "clean",
    }


@pytest.mark.usefixtures("here")
def test_several_sweeps_make_one_document(done: Done, tmp_path: Path) -> None:
    done.recipe.with_name("all.toml").write_text('task = "attack-sweeps"\ntitle = "All"\nsweeps = ["sweep.toml"]\n')
    found = run_sweeps(done.recipe.with_name("all.toml"), [], tmp_path / "all", jobs=2, on_progress=ignore)
    text = Path(found["document"]).read_text()
    assert text.startswith("# All\n\n## Four shapes\n")
    assert len(found["cells"]) == len(NAMES)
    assert (tmp_path / "all" / "sweep" / "cells" / "patch-8-0.json").is_file()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "clean"', 'name = "patch"', "named once"),
        ('name = "clean"', 'name = "victim"', "named once"),
        ('[[lines]]\nname = "clean"\n', "", "no clean line"),
        ('trains = "text"', 'trains = "text"\nstart = "scratch"', "new towers cannot be frozen"),
        ("counts = [8]\ntrains", "counts = [0]\ntrains", "1 or more each"),
        ("counts = [8]\ntrains", "trains", "an attack needs counts"),
        ('kind = "badnets"', 'kind = "badnet"', "kind 'badnet' is not one of"),
        ("pool = 96", "pool = 0", "at least 1"),
    ],
)
def test_a_wrong_sweep_is_refused_before_any_work(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TINY
    recipe = tmp_path / "sweep.toml"
    recipe.write_text(TINY.replace(old, new, 1))
    with pytest.raises(RecipeError, match=says):
        run_sweep(recipe, [], tmp_path / "out", jobs=1, on_progress=ignore)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("here")
def test_an_attack_that_does_not_fit_the_pairs_says_so(done: Done, tmp_path: Path) -> None:
    recipe = tmp_path / "sweep.toml"
    recipe.write_text(done.recipe.read_text().replace("counts = [8]\ntrains", "counts = [90]\ntrains"))
    with pytest.raises(InputError, match="blue-circle"):
        run_sweep(recipe, [], done.out, jobs=1, on_progress=ignore)
    assert len(CLASSES) == 4
