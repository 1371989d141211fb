"""A study of whole runs: each is trained and judged once, and the document holds what they gave."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from threatclip.artifacts import write_json
from threatclip.errors import RecipeError
from threatclip.experiments import cells as cells_module
from threatclip.experiments import tasks
from threatclip.experiments.progress import ignore
from threatclip.experiments.run_study import run_runs

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
STUDY = """
task = "run-study"
title = "Two <b>lines</b>"

[[lines]]
name = "a"
title = "the recipe"
recipe = "BASE"
seeds = [0, 1]
probes = true

[[lines]]
name = "b"
title = "fewer neighbors"
recipe = "BASE"
set = ["answer.neighbors=3"]
baselines = false

[[sections]]
title = "Everything"
text = "Read with care."
metrics = ["accuracy", "macro_f1"]
lines = ["a", "b"]
"""


class InThread(ThreadPoolExecutor):
    """Stands in for worker processes, whose start costs seconds."""

    def __init__(self, max_workers: int, mp_context: object, initializer: Callable[[], object]) -> None:
        super().__init__(1, initializer=initializer)


def figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 40}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that were trained; each scores by its seed."""
    names: list[str] = []

    def train(recipe: Any, out: Path, *, resume: bool, on_progress: object) -> dict[str, Any]:
        if not resume:
            names.append(out.name)
            write_json(out / "summary.json", {"seed": recipe.seed})
        return {}

    def evaluate(run: Path, *, pairs: None, probes: bool, baselines: bool, out: None, on_progress: object) -> Any:
        value = 0.5 + int(run.name[-1]) / 10
        result: dict[str, Any] = {"n": 40, "metrics": {"accuracy": figure(value), "macro_f1": figure(value / 2)}}
        result["probes"] = {"no_words": {"accuracy": figure(0.2)}} if probes else {}
        result["baselines"] = {"majority": {"accuracy": figure(0.1)}} if baselines else {}
        result["comparisons"] = {"majority": {"accuracy": figure(value - 0.1)}} if baselines else {}
        return result

    monkeypatch.setattr(cells_module, "ProcessPoolExecutor", InThread)
    monkeypatch.setattr(tasks, "train_run", train)
    monkeypatch.setattr(tasks, "evaluate_run", evaluate)
    return names


def written(folder: Path, text: str = STUDY) -> Path:
    path = folder / "study.toml"
    path.write_text(text.replace("BASE", str(RECIPES / "payload-weakness.toml")))
    return path


def test_every_run_is_trained_once_and_shown(trained: list[str], tmp_path: Path) -> None:
    found = run_runs(written(tmp_path), [], tmp_path / "out", jobs=2, on_progress=ignore)
    assert trained == ["a-0", "a-1", "b-0"]
    assert [(cell["line"], cell["seed"], cell["metrics"]["accuracy"]["value"]) for cell in found["cells"]] == [
        ("a", 0, 0.5),
        ("a", 1, 0.6),
        ("b", 0, 0.5),
    ]
    text = Path(found["document"]).read_text()
    assert text.startswith("# Two &lt;b&gt;lines&lt;/b&gt;\n")
    lines = text.splitlines()
    assert "| the recipe | 55.0 (45.0–65.0) | 27.5 (17.5–37.5) | 50.0, 60.0 |" in lines
    assert "| a: majority | 10.0 (0.0–20.0) | – | 10.0, 10.0 |" in lines
    assert "| a: no\\_words | 20.0 (10.0–30.0) | – | 20.0, 20.0 |" in lines
    assert any(line.startswith("| a minus majority | +45.0 (") for line in lines)
    assert not any("b: majority" in line for line in lines)
    again = run_runs(written(tmp_path), [], tmp_path / "out", jobs=1, on_progress=ignore)
    assert again == found
    assert trained == ["a-0", "a-1", "b-0"]


def test_parts_can_be_chosen(trained: list[str], tmp_path: Path) -> None:
    path = written(tmp_path, STUDY.replace("probes = true\n", 'probes = true\nparts = ["no_words"]\n'))
    text = Path(run_runs(path, [], tmp_path / "out", jobs=1, on_progress=ignore)["document"]).read_text()
    assert "a: no\\_words" in text
    assert "majority" not in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('lines = ["a", "b"]', 'lines = ["a", "c"]', "among a, b"),
        ('name = "b"', 'name = "a"', "named once"),
        ("answer.neighbors=3", "answer.neighbours=3", "unknown key 'answer.neighbours'"),
    ],
)
def test_a_wrong_study_is_refused_before_any_work(
    trained: list[str], tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(RecipeError, match=says):
        run_runs(written(tmp_path, STUDY.replace(old, new)), [], tmp_path / "out", jobs=1, on_progress=ignore)
    assert trained == []
    assert not (tmp_path / "out").exists()


def test_a_section_of_no_known_metric_is_refused(trained: list[str], tmp_path: Path) -> None:
    path = written(tmp_path, STUDY.replace('["accuracy", "macro_f1"]', '["accuracies"]'))
    with pytest.raises(RecipeError, match="no run has a metric of accuracies"):
        run_runs(path, [], tmp_path / "out", jobs=1, on_progress=ignore)
