"""The loop: records, resume, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from threatclip.errors import InputError
from threatclip.training.contracts import Step
from threatclip.training.loop import train
from toy_run import BATCH_ROWS, Toy, ToyObjective, toy_batches, toy_settings


def run(
    folder: Path | None = None,
    *,
    stop_after: int | None = None,
    resume: bool = False,
    batches: Any = None,
    **changes: Any,
) -> tuple[dict[str, Tensor], list[Step]]:
    module = Toy()
    steps = train(
        module=module,
        objective=ToyObjective(module),
        batches=batches or toy_batches(),
        settings=toy_settings(**changes),
        checkpoints=folder,
        resume=resume,
    )
    records = []
    for record in steps:
        records.append(record)
        if record.step == stop_after:
            steps.close()
    return {name: value.clone() for name, value in module.state_dict().items()}, records


def assert_bit_equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert torch.equal(value, right[name]), name


def test_learns_and_tells_of_each_step() -> None:
    _, records = run(epochs=40, ema_decay=None)
    assert [record.step for record in records] == list(range(1, 161))
    assert [record.epoch for record in records] == [index // 4 for index in range(160)]
    assert records[-1].losses["loss"] < 0.9 * records[0].losses["loss"]
    assert {record.rows for record in records} == {BATCH_ROWS}
    assert all(record.checkpoint is None for record in records)
    assert json.loads(json.dumps(records[0].as_dict(), allow_nan=False))["losses"].keys() == {
        "loss",
        "contrast",
        "alignment",
    }


@pytest.mark.parametrize("changes", [{}, {"chunk_rows": 5}, {"ema_decay": 0.9}, {"precision": "bf16"}], ids=str)
@pytest.mark.parametrize("stop_after", [1, 5, 11])
def test_resumed_run_is_bit_equal(tmp_path: Path, stop_after: int, changes: dict[str, Any]) -> None:
    whole, _ = run(**changes)
    run(tmp_path / "c", stop_after=stop_after, **changes)
    resumed, records = run(tmp_path / "c", resume=True, **changes)
    assert_bit_equal(whole, resumed)
    assert records[0].step == stop_after // 2 * 2 + 1
    assert records[-1].checkpoint == "step-00000012"
    assert records[0].notes == ((f"resumed from step-{stop_after // 2 * 2:08d}",) if stop_after > 1 else ())
