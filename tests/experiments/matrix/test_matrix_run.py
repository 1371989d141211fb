"""A matrix that is run: cells, what they reuse, what a stop or another recipe costs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from matrix_cases import TINY_MATRIX, write_matrix
from sweep_cases import run_here, write_sweep
from threatclip.artifacts import read_json, read_tensors
from threatclip.errors import DivergedError, InputError, RecipeError
from threatclip.experiments.cells import Cell
from threatclip.experiments.matrix import run as matrix_module
from threatclip.experiments.matrix.folder import read_folder, write_plan
from threatclip.experiments.matrix.recipe import Matrix
from threatclip.experiments.matrix.run import run_matrices, run_matrix
from threatclip.experiments.poisoning import sweep as sweep_module
from threatclip.experiments.progress import ignore
from threatclip.pairs.table import PairTable

MODEL = "patch-8-0"
CELLS = (
    "trusted-0",
    f"{MODEL}--none",
    f"{MODEL}--fine-tuning--0.01",
    f"{MODEL}--relevance--poisoned",
    f"{MODEL}--relevance--trusted",
    f"{MODEL}--fine-tuning--0.001",
    f"{MODEL}--outlier",
    f"{MODEL}--roclip--0.001",
    f"{MODEL}--relevance--poisoned--without-0.1",
    f"{MODEL}--relevance--trusted--without-0.1",
)
CONTRACT = {"task", "attack", "rate", "defense", "seed", "metrics", "seconds", "peak_mib"}


@dataclass(frozen=True, kw_only=True)
class Done:
    """A matrix that was run."""

    recipe: Path
    out: Path
    told: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Of the matrix."""
        return self.out / "matrix"

    def cell(self, name: str) -> dict[str, Any]:
        """One cell's JSON."""
        found: dict[str, Any] = read_json(self.folder / "cells" / f"{name}.json")
        return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("matrix")
    write_sweep(folder)
    recipe = write_matrix(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_module, "run_cells", run_here)
        patch.setattr(matrix_module, "run_cells", run_here)
        told = run_matrix(recipe, [], folder / "out", jobs=1, on_progress=ignore)
    return Done(recipe=recipe, out=folder / "out", told=told)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cells run in this process."""
    monkeypatch.setattr(sweep_module, "run_cells", run_here)
    monkeypatch.setattr(matrix_module, "run_cells", run_here)


def test_cells_keep_the_contract_of_bench(done: Done) -> None:
    names = set(read_folder(done.folder).keys)
    assert set(CELLS) <= names
    (rebound,) = names - set(CELLS)
    assert rebound in (f"{MODEL}--fine-tuning--0.01--rebound", f"{MODEL}--fine-tuning--0.001--rebound")
    assert len(done.told["cells"]) == len(names)
    for cell in done.told["cells"]:
        assert cell.keys() >= CONTRACT
        assert cell["n_trusted"] == 20
    repair = done.cell(f"{MODEL}--fine-tuning--0.01")
    assert repair["metrics"].keys() >= {"clean_accuracy_1", "asr_1", "asr_3", "asr_floor_1", "held_out_accuracy_1"}
    assert (repair["learning_rate"], repair["attack"], repair["count"]) == (0.01, "badnets", 8)
    assert repair["defense_seconds"] > 0
    assert done.cell(f"{MODEL}--relevance--poisoned")["metrics"].keys() >= {"auroc", "auprc", "precision_at_n"}
    assert done.cell(f"{MODEL}--outlier")["metrics"].keys() >= {"auroc", "auprc", "precision_at_n"}


def test_the_model_without_defense_is_judged_as_the_sweep_did(done: Done) -> None:
    swept = read_json(done.out / "sweep" / "cells" / f"{MODEL}.json")["metrics"]
    bare = done.cell(f"{MODEL}--none")["metrics"]
    for name in ("clean_accuracy_1", "asr_1", "asr_floor_1", "i2t_r_10"):
        assert bare[name]["value"] == pytest.approx(swept[name]["value"], abs=1e-6)


def test_a_defender_holds_none_of_the_pool(done: Done) -> None:
    tables = {
        name: list(PairTable.open(done.folder / "pairs" / f"{name}.parquet").iter_pairs())
        for name in ("pool", "test", "trusted", "held-out")
    }
    ids = {name: {pair.id for pair in pairs} for name, pairs in tables.items()}
    assert {name: len(own) for name, own in ids.items()} == {"pool": 96, "test": 24, "trusted": 20, "held-out": 8}
    assert len(set().union(*ids.values())) == sum(map(len, ids.values()))


def test_repairs_differ_from_what_they_repair_and_leave_it_as_it_was(done: Done) -> None:
    before = read_tensors(done.out / "sweep" / "models" / MODEL / "weights.safetensors")
    after = read_tensors(done.folder / "models" / f"{MODEL}--fine-tuning--0.01" / "weights.safetensors")
    assert before.keys() == after.keys()
    assert any((before[name] != after[name]).any() for name in before)


@pytest.mark.usefixtures("here")
def test_a_finished_matrix_is_told_again_at_once(done: Done) -> None:
    before = {path: path.stat().st_mtime_ns for path in (done.folder / "cells").iterdir()}
    assert run_matrix(done.recipe, [], done.out, jobs=1, on_progress=ignore) == done.told
    assert {path: path.stat().st_mtime_ns for path in (done.folder / "cells").iterdir()} == before
    text = Path(done.told["document"]).read_text()
    assert text.startswith("# Four shapes, defended\n")
    assert "missing" not in text
    assert Path(done.told["report"]).read_text().startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("here")
def test_a_smaller_call_forgets_nothing(done: Done) -> None:
    known = set(read_folder(done.folder).keys)
    run_matrix(done.recipe, ["rates=[1e-3]", "filters=[]"], done.out, jobs=1, on_progress=ignore)
    assert set(read_folder(done.folder).keys) >= known
    changed = '[{name = "fine-tuning", repair = {kind = "shrink_perturb"}}]'
    overrides = ["rates=[1e-3]", f"repairs={changed}", "filters=[]", "trainings=[]", "detectors=[]"]
    run_matrix(done.recipe, overrides, done.out, jobs=1, on_progress=ignore)
    left = set(read_folder(done.folder).keys)
    assert f"{MODEL}--fine-tuning--0.01" not in left, "another defense has this name now"
    assert f"{MODEL}--relevance--poisoned" in left
    run_matrix(done.recipe, [], done.out, jobs=1, on_progress=ignore)


def test_rebounds_may_be_asked_for_later_and_of_one_kind_only(done: Done, tmp_path: Path) -> None:
    matrix = replace(read_folder(done.folder).matrix, rebound=None)
    first, later = (replace(matrix.budget, epochs=epochs) for epochs in (1, 2))
    plain = Cell(name=f"{MODEL}--none", spec=1, folder=tmp_path)
    back = Cell(name=f"{MODEL}--fine-tuning--0.01--rebound", spec=2, folder=tmp_path)

    def told(asked: Matrix, *cells: Cell) -> set[str]:
        write_plan(asked, tmp_path, done.out, cells)
        return set(read_json(tmp_path / "matrix.json")["cells"])

    assert told(matrix, plain) == {plain.name}
    assert told(replace(matrix, rebound=first), back) == {plain.name, back.name}
    assert told(matrix, plain) == {plain.name, back.name}
    assert told(replace(matrix, rebound=later), plain) == {plain.name}


@pytest.mark.usefixtures("here")
def test_a_model_that_diverges_ends_its_cell_and_not_the_matrix(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(done.out, tmp_path / "out")
    from threatclip.defenses.repairs.fine_tuning import FineTuning

    def diverging(*_: object, **__: object) -> None:
        raise DivergedError("loss nan")

    monkeypatch.setattr(FineTuning, "repair", diverging)
    text = TINY_MATRIX.replace("rates = [1e-2, 1e-3]", "rates = [1e-2, 1e-3, 5e-1]")
    recipe = done.recipe.with_name("matrix.toml")
    before = recipe.read_text()
    try:
        recipe.write_text(text)
        told = run_matrix(recipe, [], tmp_path / "out", jobs=1, on_progress=ignore)
    finally:
        recipe.write_text(before)
    (lost,) = [cell for cell in told["cells"] if "diverged" in cell]
    assert (lost["learning_rate"], lost["metrics"]) == (0.5, {})


@pytest.mark.usefixtures("here")
def test_several_matrices_make_one_document(done: Done) -> None:
    recipe = done.recipe.with_name("all.toml")
    recipe.write_text('task = "defense-matrices"\ntitle = "All"\nmatrices = ["matrix.toml"]\n')
    told = run_matrices(recipe, [], done.out, jobs=1, on_progress=ignore)
    assert Path(told["document"]) == done.out / "defenses.md"
    assert Path(told["document"]).read_text().startswith("# All\n")
    assert Path(told["report"]) == done.out / "defenses.html"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('kind = "fine_tuning"', 'kind = "fine"', "kind 'fine' is not one of fine_tuning"),
        ('kind = "fine_tuning"', 'kind = "fine_tuning", tau = 1', "unknown key 'tau'"),
        ('name = "fine-tuning"', 'name = "none"', "not 'none'"),
        ('name = "fine-tuning"', 'name = "a--b"', "single -"),
        ('name = "roclip"', 'name = "relevance"', "named once"),
        ('lines = ["patch"]', 'lines = ["clean"]', "none of the sweep's attacks"),
        ('lines = ["patch"]', "counts = { patch = 9 }", "the sweep has 8"),
        ('lines = ["patch"]', "seeds = [7]", "has a seed"),
        ("rates = [1e-2, 1e-3]", "rates = []", "one or more"),
        ('"poisoned", "trusted"', '"independent"', "two seeds or more"),
        ("remove = [0.1]", "remove = [1.0]", "in \\(0, 1\\)"),
        ("tolerance = 0.5", "tolerance = 2.0", "in \\[0, 1\\]"),
    ],
)
def test_a_wrong_matrix_is_refused_before_any_work(done: Done, tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TINY_MATRIX
    shutil.copy(done.recipe.with_name("sweep.toml"), tmp_path / "sweep.toml")
    recipe = write_matrix(tmp_path, text=TINY_MATRIX.replace(old, new, 1))
    with pytest.raises(RecipeError, match=says):
        run_matrix(recipe, [], tmp_path / "out", jobs=1, on_progress=ignore)
    assert not (tmp_path / "out").exists()


def test_more_trusted_pairs_than_are_left_are_refused(done: Done, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="trusted views asked for"):
        run_matrix(done.recipe, ["trusted=100"], tmp_path / "out", jobs=1, on_progress=ignore)
