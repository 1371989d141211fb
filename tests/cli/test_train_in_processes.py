"""Training in several processes from the command line: one of them speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import Command

from small_run import write_recipe
from threatclip.experiments.progress import OnProgress, Progress

REPORT = {"run": "r", "n_train": 1, "seconds": 1.0, "metrics": {}}


@pytest.mark.parametrize(("rank", "speaks"), [(None, True), ("0", True), ("1", False), ("7", False)])
def test_of_several_processes_one_speaks(
    rank: str | None, speaks: bool, threatclip: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_run(*_: Any, on_progress: OnProgress, **__: Any) -> dict[str, Any]:
        on_progress(Progress(stage="stage1", done=1, total=1))
        return REPORT

    monkeypatch.setattr("threatclip.experiments.tasks.train_run", train_run)
    if rank is None:
        monkeypatch.delenv("RANK", raising=False)
    else:
        monkeypatch.setenv("RANK", rank)
    done = threatclip("train", write_recipe(tmp_path), "-o", tmp_path / "run", "--json")
    assert done.code == 0
    assert (done.out != "", done.errors != []) == (speaks, speaks)
    if speaks:
        assert done.json == REPORT
