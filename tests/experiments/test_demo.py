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
from threatclip.experiments import demo, demo_backdoor, evaluate, judging
from threatclip.experiments import run as run_module
from threatclip.experiments.config import load_recipe
from threatclip.experiments.demo import run_demo
from threatclip.experiments.demo_backdoor import Sizes, run_backdoor
from threatclip.experiments.progress import Progress, ignore
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.training.dual.settings import Fit

SMALL = (
    *("stage1.epochs=1", "stage2.steps=10", "stage2.batch_rows=16"),
    *("payload_tower.dim=24", "payload_tower.widths=[12, 16]", "payload_tower.max_bytes=256"),
    *("text_tower.dim=24", "text_tower.width=16", "text_tower.layers=1", "text_tower.vocabulary=400"),
)

TINY = Sizes(
    pool=96,
    trusted=48,
    test=48,
    planted=8,
    fit=Fit(epochs=1, batch_rows=32, precision="fp32"),
    repair_fit=Fit(epochs=1, batch_rows=16, precision="fp32"),
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo in seconds: a tenth of its pairs, smaller towers, two baselines, few resamples."""

    def smaller(path: Path, overrides: Sequence[str]) -> PayloadWeakness:
        return load_recipe(path, [*overrides, *SMALL])

    monkeypatch.setattr(demo, "_N_PAIRS", 240)
    monkeypatch.setattr(demo, "run_backdoor", partial(run_backdoor, sizes=TINY))
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
    assert {"table", "backdoor", "example", "report", "run", "n"} <= told.keys()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    table = {row["model"].strip(): row for row in told["table"]}
    attacked = [row for row in told["table"] if row["model"].startswith("backdoor: ")]
    assert [row["model"] for row in attacked] == [f"backdoor: {row['model']}" for row in told["backdoor"]["rows"]]
    assert all(0 <= row[name] <= 1 for row in attacked for name in ("accuracy", "asr_1", "asr_floor_1"))
    assert set(table) >= {"threatclip", "ngrams alone", "anchors alone", "majority", "word_svc"}
    assert "minilm_knn_1" not in table
    for row in told["table"]:
        assert 0 <= row["accuracy"] <= 1
        assert row in attacked or 0 <= row["macro_f1"] <= 1
    assert table["threatclip"]["accuracy"] > table["majority"]["accuracy"]
    assert table["threatclip"]["marker_swap"] is not None
    assert {"truth", "id", "answers", "abstained", "evidence", "model"} <= told["example"].keys()
    page = Path(told["report"]).read_text()
    assert 'href="run/evaluation/report.html"' in page
    assert (out / "run" / "evaluation" / "report.html").is_file()
    assert {"first/stage1", "first/stage2", "evaluate", "backdoor/poisoned", "backdoor/clean_clip"} <= set(stages)
    assert not (tmp_path / "elsewhere").exists()

    before = files_of(out)
    monkeypatch.setattr(run_module, "load_material", None)  # a second call trains nothing
    monkeypatch.setattr(demo_backdoor, "fit_dual", None)
    again = run_demo(out, ignore)
    assert again == told
    assert files_of(out) == before


def test_a_taken_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo" / "run").mkdir(parents=True)
    (tmp_path / "demo" / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something that is no run"):
        run_demo(tmp_path / "demo", ignore)
    assert (tmp_path / "demo" / "run" / "thesis.txt").read_text() == "mine"
