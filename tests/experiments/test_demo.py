"""The demo: the whole job from nothing, and a second call that only shows it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from experiment_cases import files_of

from threatclip.classification.baselines import BASELINES
from threatclip.errors import InputError
from threatclip.experiments import demo, evaluate, judging
from threatclip.experiments import run as run_module
from threatclip.experiments.config import load_recipe
from threatclip.experiments.demo import run_demo
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.recipe import PayloadWeakness

SMALL = (
    *("stage1.epochs=1", "stage2.steps=10", "stage2.batch_rows=16"),
    *("payload_tower.dim=24", "payload_tower.widths=[12, 16]", "payload_tower.max_bytes=256"),
    *("text_tower.dim=24", "text_tower.width=16", "text_tower.layers=1", "text_tower.vocabulary=400"),
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo in seconds: a tenth of its pairs, smaller towers, two baselines, few resamples."""

    def smaller(path: Path, overrides: Sequence[str]) -> PayloadWeakness:
        return load_recipe(path, [*overrides, *SMALL])

    monkeypatch.setattr(demo, "_N_PAIRS", 240)
    monkeypatch.setattr(demo, "load_recipe", smaller)
    monkeypatch.setattr(demo, "BASELINES", {name: BASELINES[name] for name in ("majority", "word_svc", "minilm_knn_1")})
    for module, name in (
        (evaluate, "summarize"),
        (evaluate, "shortcut_score"),
        (evaluate, "paired_difference"),
        (judging, "measure"),
    ):
        monkeypatch.setattr(module, name, partial(getattr(module, name), n_resamples=50))
    monkeypatch.setenv("THREATCLIP_DATA", str(tmp_path / "elsewhere"))  # the demo brings its own


def test_the_demo_shows_the_whole_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []

    def listen(progress: Progress) -> None:
        stages.append(progress.stage)

    out = tmp_path / "demo"
    told = run_demo(out, listen)
    assert {"table", "example", "report", "run", "n"} <= told.keys()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    table = {row["model"].strip(): row for row in told["table"]}
    assert set(table) >= {"threatclip", "ngrams alone", "anchors alone", "majority", "word_svc"}
    assert "minilm_knn_1" not in table
    for row in told["table"]:
        assert 0 <= row["accuracy"] <= 1
        assert 0 <= row["macro_f1"] <= 1
    assert table["threatclip"]["accuracy"] > table["majority"]["accuracy"]
    assert table["threatclip"]["marker_swap"] is not None
    assert {"truth", "id", "answers", "abstained", "evidence", "model"} <= told["example"].keys()
    assert Path(told["report"]).is_file()
    assert {"first/stage1", "first/stage2", "evaluate"} <= set(stages)
    assert not (tmp_path / "elsewhere").exists()

    before = files_of(out)
    monkeypatch.setattr(run_module, "load_material", None)  # a second call trains nothing
    again = run_demo(out, ignore)
    assert again == told
    assert files_of(out) == before


def test_a_taken_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo" / "run").mkdir(parents=True)
    (tmp_path / "demo" / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something that is no run"):
        run_demo(tmp_path / "demo", ignore)
    assert (tmp_path / "demo" / "run" / "thesis.txt").read_text() == "mine"
