"""The folder of a sweep tells what it holds; what is no sweep, or not what was written, is refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swept_cases import made_sweep
from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.config import as_plain, parse, read_recipe
from threatclip.experiments.planned import environment_of
from threatclip.experiments.poisoning.folder import PLAN, cells_in, read_folders, write_plan
from threatclip.experiments.poisoning.recipe import Sweep

RECIPES = sorted((Path(__file__).resolve().parents[3] / "recipes").glob("attack-*.toml"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_sweep(tmp_path_factory.mktemp("made"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may damage; its recipe still names the data of the original."""
    shutil.copytree(made.parent, tmp_path / "made")
    return tmp_path / "made" / "out"


def sweep_of(folder: Path) -> Sweep:
    return parse(Sweep, read_recipe(folder.parent / "recipe.toml"), where="made")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_of_the_project_comes_back_from_its_record(recipe: Path) -> None:
    values = read_recipe(recipe)
    if values["task"] != "attack-sweep":
        pytest.skip("is no sweep of its own")
    sweep: Sweep = parse(Sweep, values, where=str(recipe))
    assert parse(Sweep, json.loads(json.dumps(as_plain(sweep))), where="record") == sweep


def test_a_folder_tells_recipe_cells_data_and_environment(out: Path) -> None:
    (folder,) = read_folders([out])
    assert folder.sweep == sweep_of(out)
    assert folder.keys == {cell.name: cell.key for cell in cells_in(sweep_of(out), out)}
    assert {"commit", "device", "threatclip"} <= folder.environment.keys()
    (digest,) = read_json(out / PLAN)["data"].values()
    assert len(digest) == 64


def test_a_folder_of_sweeps_stands_for_all_of_them(out: Path) -> None:
    shutil.copytree(out, out.parent / "zz")
    assert [folder.path for folder in read_folders([out.parent])] == [out, out.parent / "zz"]
    with pytest.raises(InputError, match="is named twice"):
        read_folders([out, out.parent])


def test_data_that_changed_under_finished_cells_is_refused(tmp_path: Path) -> None:
    out = made_sweep(tmp_path)
    sweep = sweep_of(out)
    write_plan(sweep, out, cells_in(sweep, out))
    (out.parent / "pictures.parquet").write_bytes(b"other")
    with pytest.raises(InputError, match=r"pictures\.parquet is not what the finished cells"):
        write_plan(sweep, out, cells_in(sweep, out))
    for file in (out / "cells").glob("*.json"):
        file.unlink()
    write_plan(sweep, out, cells_in(sweep, out))


def test_an_environment_is_that_of_the_last_work(out: Path) -> None:
    sweep = sweep_of(out)
    write_json(out / "environment.json", {"commit": "of the work"})
    write_plan(sweep, out, cells_in(sweep, out))
    assert environment_of(out) == {"commit": "of the work"}
    (out / "cells" / "patch-10-0.json").unlink()
    write_plan(sweep, out, cells_in(sweep, out))
    assert environment_of(out)["commit"] != "of the work"


def test_cells_of_one_name_are_refused(tmp_path: Path) -> None:
    lines = """
[[lines]]
name = "a-5"

[[lines]]
name = "a"
attack = { kind = "badnets", target = "dog" }
counts = [5]
"""
    with pytest.raises(RecipeError, match=r"a cell of the sweep .* is 'a-5-0'; it must be named once"):
        made_sweep(tmp_path, lines=lines)


@pytest.mark.parametrize("name", ["../a", "", " a", "a/b", "-a", "a\n", "ä", "x" * 81])
def test_a_line_whose_name_is_no_name_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match=r"name is .* it must be at most 80 letters"):
        made_sweep(tmp_path, lines=f"[[lines]]\nname = {json.dumps(name)}\n")


def test_what_is_no_sweep_says_how_to_make_one(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .*; make one with `threatclip bench RECIPE -o FOLDER`"):
        read_folders([tmp_path / "absent"])
    with pytest.raises(InputError, match="no folder"):
        read_folders([out / PLAN])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"is no sweep: it has no sweep\.json; make one"):
        read_folders([tmp_path / "empty"])
    (out / PLAN).unlink()
    with pytest.raises(InputError, match=r"no sweep\.json; run the recipe into it again: finished cells are kept"):
        read_folders([out])


Damage = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda stored: stored["recipe"].pop("rows"), "'rows' is missing"),
        (lambda stored: stored["recipe"]["lines"][1]["attack"].update(kind="x"), "kind 'x' is not one of"),
        (lambda stored: stored.update(recipe=[]), "must be a table"),
        (lambda stored: stored.update(cells=[]), "names no cells"),
        (lambda stored: stored["cells"].update({"more-0": "0"}), "does not name the cells of its recipe"),
        (lambda stored: stored["cells"].pop("patch-10-0"), "does not name the cells of its recipe"),
        (lambda stored: stored["cells"].update({"patch-10-0": 1}), "names no cells"),
        (lambda stored: stored["recipe"].update(seeds=list(range(10**5))), "does not name the cells of its recipe"),
    ],
)
def test_a_record_that_was_changed_is_damage(out: Path, damage: Damage, says: str) -> None:
    stored = read_json(out / PLAN)
    damage(stored)
    write_json(out / PLAN, stored)
    with pytest.raises(DamagedArtifactError, match=says):
        read_folders([out])


def test_a_record_of_another_version_is_told(out: Path) -> None:
    write_json(out / PLAN, {**read_json(out / PLAN), "version": "later" * 50})
    with pytest.raises(InputError, match=r"is of version 'laterlaterlaterlate, this is 1; run it anew"):
        read_folders([out])
    for text in ("[]", "{", "1"):
        (out / PLAN).write_text(text)
        with pytest.raises(DamagedArtifactError):
            read_folders([out])
