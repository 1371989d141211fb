"""A study: its cells keep the contract, are run once, and are run again when what decides them changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from experiment_cases import PLAIN, files_of, write_recipe

from threatclip.artifacts import read_json
from threatclip.classification.baselines import BASELINES
from threatclip.errors import InputError, RecipeError
from threatclip.evaluation.metrics import accuracy
from threatclip.experiments import cells as cells_module
from threatclip.experiments import study as study_module
from threatclip.experiments import study_baselines
from threatclip.experiments.cells import Cell
from threatclip.experiments.config import load_recipe, parse, read_recipe
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.recipe import File
from threatclip.experiments.study import Asked, OtherTable, Study, in_fixed_request, run_cell, run_study
from threatclip.experiments.study_cells import StudyCells, read_cells
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

STUDY = """
task = "study"
base = "recipe.toml"
title = "Two variations"
reference = "full"

[[variations]]
name = "full"
title = "the recipe"
seeds = [0, 1]
tables = true

[[variations]]
name = "short"
title = "fewer steps"
set = ["stage2.steps=4"]
seeds = [0, 1]

[[tables]]
name = "values"
file = { path = "VALUES" }
framed = true
"""
NAMES = ("full-0", "full-1", "short-0", "short-1")
CONTRACT = {"task", "attack", "rate", "defense", "seed", "metrics", "seconds", "peak_mib"}


@dataclass(frozen=True, kw_only=True)
class Done:
    """A study that two worker processes ran."""

    recipe: Path
    out: Path
    told: dict[str, Any]
    progress: list[Progress]

    @property
    def cells(self) -> StudyCells:
        """Its cells, read back."""
        return read_cells(parse(Study, read_recipe(self.recipe), where="study"), self.out)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("study")
    write_recipe(folder)
    values = [Pair(id=f"v{n}", view=f"<script>{n}".encode(), label="xss" if n % 2 else None) for n in range(12)]
    write_pairs(folder / "values.parquet", values, modality="payload")
    recipe = folder / "study.toml"
    recipe.write_text(STUDY.replace("VALUES", str(folder / "values.parquet")))
    told: list[Progress] = []
    found = run_study(recipe, PLAIN, folder / "out", jobs=2, on_progress=told.append)
    return Done(recipe=recipe, out=folder / "out", told=found, progress=told)


class InThread(ThreadPoolExecutor):
    """Stands in for worker processes, whose start costs seconds."""

    def __init__(self, max_workers: int, mp_context: object, initializer: Callable[[], object]) -> None:
        super().__init__(1, initializer=initializer)


@pytest.fixture
def asked(done: Done, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cells that are run again; they give what they gave before."""
    names: list[str] = []
    before = {name: read_json(done.out / "cells" / f"{name}.json") for name in NAMES}

    def again(cell: Cell) -> dict[str, Any]:
        names.append(cell.name)
        return dict(before[cell.name])

    monkeypatch.setattr(cells_module, "ProcessPoolExecutor", InThread)
    monkeypatch.setattr(study_module, "run_cell", again)
    return names


def test_cells_keep_the_contract_of_bench(done: Done) -> None:
    cells = done.told["cells"]
    assert [(cell["variation"], cell["seed"]) for cell in cells] == [
        ("full", 0),
        ("full", 1),
        ("short", 0),
        ("short", 1),
    ]
    for cell in cells:
        assert cell.keys() >= CONTRACT
        assert (cell["task"], cell["attack"], cell["rate"], cell["defense"]) == (
            "payload-weakness",
            "none",
            0.0,
            "none",
        )
        for name in ("accuracy", "macro_f1", "weighted_f1"):
            figure = cell["metrics"][name]
            assert figure["low"] <= figure["value"] <= figure["high"]
        assert 0 < cell["seconds"] < 600
        assert 100 < cell["peak_mib"] < 4000
        assert cell["model"] == "model"
        assert cell["metrics"] == cell["by_model"]["model"]["test"]
        assert {"member anchors", "member ngrams"} < cell["by_model"].keys()
    assert json.loads(json.dumps(done.told, allow_nan=False)) == done.told


def test_the_folder_holds_a_cell_s_answers_and_the_document(done: Done) -> None:
    found = set(files_of(done.out))
    cells = {f"cells/{name}{ending}" for name in NAMES for ending in (".json", ".safetensors", "-rows.json")}
    assert found == cells | {"environment.json", "results.md"}
    assert done.told["document"] == str(done.out / "results.md")
    text = (done.out / "results.md").read_text()
    assert text.startswith("# Two variations\n")
    assert "fewer steps" in text
    assert f"threatclip bench {done.recipe} -o {done.out}" in text
    told = [(one.done, one.total) for one in done.progress]
    assert told == [(number, 4) for number in range(5)]


def test_figures_follow_from_the_answers_kept(done: Done) -> None:
    cells = done.cells
    assert cells.missing == ()
    for (name, seed), cell in cells.found.items():
        answers = cell.predictions("model", "test")
        assert answers is not None
        written = read_json(done.out / "cells" / f"{name}-{seed}.json")["metrics"]["accuracy"]["value"]
        assert float(accuracy(answers)) == pytest.approx(written)
        others = cell.predictions("model", "values")
        assert (others is None) == (name == "short")
    first = cells.found["full", 0].predictions("model", "values")
    assert first is not None
    assert (len(first), len(first.labeled())) == (12, 6)


def test_a_seed_is_the_recipe_s(done: Done) -> None:
    ours = [cell.tensors["model/test"] for cell in done.cells.of("full")]
    assert not np.array_equal(ours[0], ours[1])


def test_a_finished_study_is_told_again_at_once(done: Done, asked: list[str]) -> None:
    before = files_of(done.out / "cells")
    told = run_study(done.recipe, PLAIN, done.out, jobs=2, on_progress=ignore)
    assert asked == []
    assert told == done.told
    assert files_of(done.out / "cells") == before


def without_costs(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell's result without what a second run may take otherwise."""
    return {name: value for name, value in cell.items() if name not in ("seconds", "peak_mib")}


@pytest.fixture
def cell_file(done: Done, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The file of one cell, which a test may spoil."""
    path = done.out / "cells" / "full-1.json"
    whole = path.read_bytes()
    yield path
    path.write_bytes(whole)


@pytest.mark.parametrize("content", [b'{"key": "x', b"", b"[]", b'"key"', b"null", b"{}", b'{"key": "another"}'])
def test_a_torn_cell_is_run_again(done: Done, asked: list[str], cell_file: Path, content: bytes) -> None:
    cell_file.write_bytes(content)
    told = run_study(done.recipe, PLAIN, done.out, jobs=1, on_progress=ignore)
    assert asked == ["full-1"]
    assert [without_costs(cell) for cell in told["cells"]] == [without_costs(cell) for cell in done.told["cells"]]


def test_a_missing_cell_is_run_again(done: Done, asked: list[str], cell_file: Path) -> None:
    cell_file.unlink()
    run_study(done.recipe, PLAIN, done.out, jobs=1, on_progress=ignore)
    assert asked == ["full-1"]


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("stage2.steps=4", "stage2.steps=5", {"short-0", "short-1"}),
        ("framed = true", "framed = false", {"full-0", "full-1"}),
        ('title = "fewer steps"\n', 'title = "fewer steps"\nprobes = true\n', {"short-0", "short-1"}),
        ("fewer steps", "other words", set()),
    ],
)
def test_a_changed_study_runs_what_changed(done: Done, asked: list[str], old: str, new: str, again: set[str]) -> None:
    text = done.recipe.read_text()
    assert old in text
    changed = done.recipe.with_name("changed.toml")
    changed.write_text(text.replace(old, new))
    before = files_of(done.out / "cells")
    run_study(changed, PLAIN, done.out, jobs=1, on_progress=ignore)
    assert set(asked) == again
    for name, content in before.items():
        (done.out / "cells" / name).write_bytes(content)


def test_a_changed_override_runs_every_cell_again(done: Done, asked: list[str]) -> None:
    before = files_of(done.out / "cells")
    run_study(done.recipe, [*PLAIN, "answer.neighbors=3"], done.out, jobs=1, on_progress=ignore)
    assert sorted(asked) == sorted(NAMES)
    for name, content in before.items():
        (done.out / "cells" / name).write_bytes(content)


def test_a_cell_that_fails_keeps_the_others(done: Done, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing(cell: Cell) -> dict[str, Any]:
        if cell.name == "full-1":
            raise InputError("no such data")
        return {}

    monkeypatch.setattr(cells_module, "ProcessPoolExecutor", InThread)
    monkeypatch.setattr(study_module, "run_cell", failing)
    with pytest.raises(InputError, match="no such data"):
        run_study(done.recipe, PLAIN, tmp_path / "out", jobs=1, on_progress=ignore)
    assert "cells/full-0.json" in files_of(tmp_path / "out")
    assert "results.md" not in files_of(tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "short"', 'name = "full"', "variations need distinct names"),
        ('reference = "full"', 'reference = "absent"', "'absent' .reference. among them"),
        ("stage2.steps=4", "stage2.stops=4", "unknown key 'stage2.stops'"),
        ("stage2.steps=4", "stage2.steps='many'", r"stage2\.steps"),
        ('task = "study"', 'task = "studies"', "task"),
        ('title = "fewer steps"', 'titel = "fewer steps"', r"unknown key 'variations\[1\]\.titel'"),
    ],
)
def test_a_wrong_study_is_refused_before_any_work(
    done: Done, asked: list[str], tmp_path: Path, old: str, new: str, says: str
) -> None:
    wrong = done.recipe.with_name("wrong.toml")
    wrong.write_text(done.recipe.read_text().replace(old, new))
    with pytest.raises(RecipeError, match=says):
        run_study(wrong, PLAIN, tmp_path / "out", jobs=1, on_progress=ignore)
    assert asked == []
    assert not (tmp_path / "out").exists()


def cell_of(done: Done, folder: Path, *, sets: Sequence[str] = (), probes: bool = False, model: Any = "recipe") -> Cell:
    recipe = load_recipe(done.recipe.with_name("recipe.toml"), [*PLAIN, *sets])
    asked = Asked(variation="own", recipe=recipe, tables=(), probes=probes, model=model)
    return Cell(name="own-0", spec=asked, folder=folder)


def test_a_cell_reads_its_probes(done: Done, tmp_path: Path) -> None:
    cell = cell_of(done, tmp_path, probes=True, sets=("answer.members=['ngrams']", "stage2.steps=2"))
    found = run_cell(cell)
    assert {"test", "test@marker_swap", "test@case_flip"} < found["by_model"]["model"].keys()
    assert set(found["by_model"]) == {"model", "member ngrams"}
    assert found["trained_probes"] == ["no_headers", "values_only", "template_swap"]


def test_a_cell_of_baselines_names_the_strongest(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("majority", "word_svc", "minilm_knn_1")
    read: list[int] = []

    def embed(views: list[bytes]) -> np.ndarray:
        read.append(len(views))
        return np.array([[len(view), view.count(b"<"), 1.0] for view in views])

    monkeypatch.setattr(study_baselines, "minilm_embedding", embed)
    fit = study_baselines.fit_baselines
    monkeypatch.setattr(study_baselines, "fit_baselines", lambda *parts, **more: fit(*parts, **more, names=names))
    cell = cell_of(done, tmp_path, model="baselines", probes=True)
    found = run_cell(cell)
    assert set(found["by_model"]) == set(names)
    best = max(names, key=lambda name: found["by_model"][name]["test"]["macro_f1"]["value"])
    assert found["model"] == best == "word_svc"
    assert found["metrics"] == found["by_model"][best]["test"]
    assert len(read) == 3  # training, validation and test rows; nothing under probes
    assert "test@marker_swap" in found["by_model"]["word_svc"]
    assert set(found["by_model"]["minilm_knn_1"]) == {"test"}
    assert BASELINES["minilm_knn_1"].features == "embedding"


def test_other_tables_keep_the_rows_they_name(done: Done, tmp_path: Path) -> None:
    recipe = load_recipe(done.recipe.with_name("recipe.toml"))
    rows = [
        Pair(id=f"r{n}", view=f"a b<{n}".encode(), label=("xss", "ssrf", None)[n % 3], meta={"expect": "yn"[n % 2]})
        for n in range(18)
    ]
    write_pairs(tmp_path / "rows.parquet", rows, modality="payload")
    whole = OtherTable(name="rows", file=File(path=str(tmp_path / "rows.parquet")))

    def kept(**more: Any) -> list[Pair]:
        return study_module._other_rows(replace(whole, **more), recipe)

    assert kept() == rows
    assert kept(where={"expect": "y"}) == rows[::2]
    assert kept(labels=("xss",)) == rows[::3]
    assert [pair.id for pair in kept(labels=("xss", "ssrf"), per_class=2)] == ["r0", "r1", "r3", "r4"]
    assert [pair.id for pair in kept(where={"expect": "n"}, per_class=1)] == ["r1", "r3", "r5"]
    framed = kept(framed=True)
    assert [pair.view for pair in framed] == [in_fixed_request(pair).view for pair in rows]
    with pytest.raises(InputError, match="table 'rows' of the study keeps no row"):
        kept(labels=("absent",))


@pytest.mark.parametrize("value", [b"", b"a b", b"<x>&'\"", b"\x00\xff\r\n", "ü".encode(), b"%41"])
def test_a_bare_value_stands_in_one_fixed_request(value: bytes) -> None:
    view = in_fixed_request(Pair(id="a", view=value)).view
    first, host = view.split(b"\r\n") if b"\r\n" in view else view.split(b"\n")
    assert first.startswith(b"GET /index.php?q=")
    assert first.endswith(b" HTTP/1.1")
    assert host == b"Host: www.example.com"
    coded = first.removeprefix(b"GET /index.php?q=").removesuffix(b" HTTP/1.1")
    assert unquote_to_bytes(coded) == value
    assert not set(coded) & set(b" <>\"'&\r\n\x00\xff")
