"""The folder of a run: taken once, resumed only as it was begun, its records whole and never doubled."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError, InputError, StorageError
from threatclip.experiments import run_folder
from threatclip.experiments.run_folder import (
    ENVIRONMENT,
    RECIPE,
    STEPS,
    SUMMARY,
    StepLog,
    data_hashes,
    environment,
    open_run,
)
from threatclip.training.contracts import Step

ASKED: dict[str, Any] = {"task": "t", "stage": {"rate": 0.5, "names": ["a", None]}}
DATA = {"pairs.gz": "aa", "split.json": "bb"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "run"


def begin(out: Path, *, resume: bool = False, recipe: Any = ASKED, data: Any = DATA) -> bool:
    return open_run(out, recipe, resume=resume, data=data)


def test_a_new_run_writes_what_it_was_asked_and_with_what(out: Path) -> None:
    assert begin(out) is False
    assert read_json(out / RECIPE) == ASKED
    found = read_json(out / ENVIRONMENT)
    assert found["data"] == DATA
    assert {"threatclip", "commit", "python", "platform", "device", "threads", "libraries"} <= set(found)
    assert found["libraries"]["torch"]
    assert sorted(path.name for path in out.iterdir()) == sorted([RECIPE, ENVIRONMENT])


def test_resuming_goes_on_and_a_finished_run_says_so(out: Path) -> None:
    assert begin(out, resume=True) is False  # nothing to resume yet is a new run
    assert begin(out, resume=True) is False
    write_json(out / SUMMARY, {})
    assert begin(out, resume=True) is True


def test_an_empty_folder_and_what_a_kill_left_before_the_recipe_are_free(out: Path) -> None:
    out.mkdir(parents=True)
    (out / ".recipe.json.abc.part").write_text("{")
    write_json(out / ENVIRONMENT, {"data": {"other": "run"}})
    assert begin(out) is False
    assert read_json(out / ENVIRONMENT)["data"] == DATA


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_something_else_is_refused_and_left_alone(out: Path, resume: bool) -> None:
    out.mkdir(parents=True)
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="holds something that is no run; choose another folder"):
        begin(out, resume=resume)
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    file = out / "thesis.txt"
    with pytest.raises(InputError, match="is no folder"):
        begin(file, resume=resume)
    assert file.read_text() == "precious"


def test_a_taken_folder_is_refused_without_resume(out: Path) -> None:
    begin(out)
    with pytest.raises(InputError, match="holds a run already; pass --resume to go on with it"):
        begin(out)
    write_json(out / SUMMARY, {})
    with pytest.raises(InputError, match="holds a run already"):
        begin(out)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"task": "u"}, "recipe (task)"),
        ({"stage": {"rate": 0.25, "names": ["a", None]}}, "recipe (stage.rate)"),
        ({"stage": {"rate": 0.5, "names": ["a"]}}, "recipe (stage.names)"),
        ({"stage": {"rate": 0.5}}, "recipe (stage.names)"),
        ({"stage": None}, "recipe (stage)"),
        ({"new": None}, "recipe (new)"),
    ],
)
def test_another_recipe_cannot_resume(out: Path, changed: dict[str, Any], named: str) -> None:
    begin(out)
    before = (out / RECIPE).read_bytes()
    with pytest.raises(InputError, match=re.escape(f"was started with another {named}; resume with the same")):
        begin(out, resume=True, recipe={**ASKED, **changed})
    assert (out / RECIPE).read_bytes() == before


def test_an_equal_recipe_in_other_words_can(out: Path) -> None:
    begin(out, recipe={"stage": {"names": ("a", None), "rate": 0.5}, "task": "t", "n": 1.0})
    assert begin(out, resume=True, recipe={**ASKED, "n": 1}) is False


@pytest.mark.parametrize("data", [{**DATA, "pairs.gz": "cc"}, {"pairs.gz": "aa"}, {**DATA, "more": "dd"}])
def test_other_data_cannot_resume(out: Path, data: dict[str, str]) -> None:
    begin(out)
    (name,) = {key for key in {*data, *DATA} if data.get(key) != DATA.get(key)}
    with pytest.raises(InputError, match=re.escape(f"another data ({name})")):
        begin(out, resume=True, data=data)


@pytest.mark.parametrize("name", [RECIPE, ENVIRONMENT])
@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null"])
def test_a_damaged_run_is_named_so(out: Path, name: str, content: str) -> None:
    begin(out)
    (out / name).write_text(content)
    with pytest.raises(DamagedArtifactError, match=name):
        begin(out, resume=True)


def test_a_run_without_its_environment(out: Path) -> None:
    begin(out)
    (out / ENVIRONMENT).unlink()
    with pytest.raises(InputError, match=ENVIRONMENT):
        begin(out, resume=True)


def test_a_disk_that_refuses(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match="No space left"):
            begin(out)
    assert not (out / RECIPE).exists()
    assert begin(out) is False


def test_the_commit_is_that_of_our_own_source_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = environment()["commit"]
    assert commit is None or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", commit)
    if shutil.which("git") is None:
        pytest.skip("no git")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.test"]
    module = tmp_path / "venv" / "run_folder.py"
    module.parent.mkdir()
    module.write_text("first")
    (tmp_path / ".gitignore").write_text("venv\n")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", ".gitignore"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "somebody's project"], check=True)
    monkeypatch.setattr(run_folder, "__file__", str(module))
    assert environment()["commit"] is None  # an environment inside somebody's repository
    subprocess.run([*git, "add", "-f", str(module)], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "ours"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert environment()["commit"] == head
    module.write_text("second")
    assert environment()["commit"] == f"{head}-dirty"
    monkeypatch.setenv("PATH", "")
    assert environment()["commit"] is None


def test_data_is_hashed_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "a").write_bytes(b"a")
    (tmp_path / "tree" / "b").write_bytes(b"b")
    (tmp_path / "one").write_bytes(b"")
    hashes = data_hashes(tmp_path, ["one", "tree", "one"])
    assert list(hashes) == ["one", "tree/b", "tree/deep/a"]
    assert hashes["one"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "tree" / "b").write_bytes(b"B")
    assert {name for name, value in data_hashes(tmp_path, ["tree"]).items() if hashes[name] != value} == {"tree/b"}
    assert data_hashes(tmp_path, []) == {}


def test_data_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("none.gz", "empty"):
        with pytest.raises(InputError, match=f"no file .*{name}; set data.root in the recipe"):
            data_hashes(tmp_path, [name])


def step(number: int) -> Step:
    return Step(step=number, epoch=0, losses={"loss": 1.0}, lr=0.1, grad_norm=1.0, seconds=0.1, rows=4)


def records(path: Path) -> list[tuple[str, int]]:
    return [(record["stage"], record["step"]) for record in map(json.loads, path.read_text().splitlines())]


def log(path: Path, stage: str, numbers: range) -> None:
    note = StepLog(path)
    for number in numbers:
        note(stage, step(number))


def test_records_are_kept_in_order_with_their_stage(tmp_path: Path) -> None:
    note = StepLog(tmp_path / STEPS)
    for stage in ("first/stage1", "first/stage2"):
        for number in (1, 2):
            note(stage, step(number))
    assert records(tmp_path / STEPS) == [(s, n) for s in ("first/stage1", "first/stage2") for n in (1, 2)]
    assert json.loads((tmp_path / STEPS).read_text().splitlines()[0]) == {"stage": "first/stage1", **step(1).as_dict()}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(n_done=st.integers(0, 6), resumed_at=st.integers(1, 7), cut=st.integers(0, 400))
def test_no_record_is_doubled_torn_or_lost(tmp_path: Path, n_done: int, resumed_at: int, cut: int) -> None:
    path = tmp_path / STEPS
    path.unlink(missing_ok=True)
    log(path, "a", range(1, 4))
    log(path, "b", range(1, n_done + 1))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])  # what a kill left of it
    left = [line for line in path.read_bytes().split(b"\n") if line and line in whole.split(b"\n")]
    earlier = [(record["stage"], record["step"]) for record in map(json.loads, left)]
    log(path, "b", range(resumed_at, 9))
    assert records(path) == [
        *((stage, number) for stage, number in earlier if stage == "a" or number < resumed_at),
        *(("b", number) for number in range(resumed_at, 9)),
    ]


@pytest.mark.parametrize("line", [b"", b"\x00\x00", b"3", b"null", b"[]", b"{}", b'{"stage": "a"}', b"\xff\xfe"])
def test_a_line_that_is_no_record_goes(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / STEPS
    log(path, "a", range(1, 3))
    with path.open("ab") as handle:
        handle.write(line + b"\n" + line)
    log(path, "a", range(3, 4))
    assert records(path) == [("a", 1), ("a", 2), ("a", 3)]


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=STEPS):
        log(tmp_path / "none" / STEPS, "a", range(1, 2))
    (tmp_path / STEPS).mkdir()
    with pytest.raises(StorageError, match=STEPS):
        log(tmp_path / STEPS, "a", range(1, 2))
