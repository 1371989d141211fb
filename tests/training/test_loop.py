"""The loop: records, resume, what it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_run import BATCH_ROWS, Toy, ToyObjective, toy_batches, toy_settings

from failing_disk import disk_of
from threatclip.artifacts import MANIFEST
from threatclip.errors import DamagedArtifactError, InputError, StorageError
from threatclip.training.checkpoint import latest_valid, load_checkpoint
from threatclip.training.contracts import Batch, Step
from threatclip.training.loop import train
from threatclip.training.schedule import rate_factor


def run(
    folder: Path | None = None,
    *,
    stop_after: int | None = None,
    resume: bool = False,
    module: Toy | None = None,
    objective: ToyObjective | None = None,
    between: Callable[[Toy], object] | None = None,
    identity: dict[str, str] | None = None,
    batches: Any = None,
    **changes: Any,
) -> tuple[dict[str, Tensor], list[Step]]:
    module = module or Toy()
    steps = train(
        module=module,
        objective=objective or ToyObjective(module),
        batches=batches or toy_batches(),
        settings=toy_settings(**changes),
        checkpoints=folder,
        resume=resume,
        identity=identity,
    )
    records = []
    for record in steps:
        records.append(record)
        if between:
            between(module)
        if record.step == stop_after:
            steps.close()
    return {name: value.clone() for name, value in module.state_dict().items()}, records


def assert_bit_equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert torch.equal(value, right[name]), name


def test_learns_and_tells_of_each_step() -> None:
    _, records = run(epochs=40)
    assert [record.step for record in records] == list(range(1, 161))
    assert [record.epoch for record in records] == [index // 4 for index in range(160)]
    assert records[-1].losses["loss"] < 0.9 * records[0].losses["loss"]
    assert {record.rows for record in records} == {BATCH_ROWS}
    assert all(record.checkpoint is None and record.notes == () for record in records)
    factors = [rate_factor(step, 160, warmup_fraction=0.1) for step in range(160)]
    assert [record.lr for record in records] == pytest.approx([0.01 * factor for factor in factors])
    written = json.loads(json.dumps(records[0].as_dict(), allow_nan=False))
    assert written["losses"].keys() == {"loss", "contrast", "alignment"}
    assert written["notes"] == []


def test_same_seed_same_bits_and_another_seed_others() -> None:
    first, _ = run()
    assert_bit_equal(first, run()[0])
    other, _ = run(seed=6)
    assert not torch.equal(first["view.0.weight"], other["view.0.weight"])


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
    assert all(record.notes == () for record in records[1:])
    again, records = run(tmp_path / "c", resume=True, **changes)
    assert_bit_equal(whole, again)
    assert records == []


def test_evaluating_between_steps_changes_nothing() -> None:
    def evaluate(module: Toy) -> None:
        module.eval()
        torch.manual_seed(0)
        with torch.no_grad():
            module.view(torch.rand(3, 6))

    assert_bit_equal(run()[0], run(between=evaluate)[0])


def test_frozen_parts_are_read_without_dropout_and_left_alone() -> None:
    modes: list[tuple[bool, bool, bool]] = []
    module = Toy()
    before = module.text[0][0].weight.clone()
    module.eval()
    run(
        module=module,
        between=lambda toy: modes.append((toy.view[2].training, toy.text[0][1].training, toy.text[1].training)),
        stop_after=2,
    )
    assert modes == [(True, False, True)] * 2
    assert torch.equal(module.text[0][0].weight, before)


@pytest.mark.parametrize("name", ["module.safetensors", "optimizer.safetensors", "state.json", MANIFEST])
def test_a_torn_checkpoint_costs_one_interval_and_is_told(tmp_path: Path, name: str) -> None:
    whole, _ = run()
    run(tmp_path, stop_after=7)
    (tmp_path / "step-00000006" / name).write_bytes(b"torn")
    resumed, records = run(tmp_path, resume=True)
    assert_bit_equal(whole, resumed)
    assert records[0].step == 5
    assert records[0].notes[0] == "resumed from step-00000004"
    assert records[0].notes[1].startswith("passed over step-00000006: ")
    assert latest_valid(tmp_path).skipped == ()


def test_all_checkpoints_torn_is_damage_and_not_a_fresh_start(tmp_path: Path) -> None:
    run(tmp_path, stop_after=4)
    for path in tmp_path.glob("step-*/state.json"):
        path.unlink()
    with pytest.raises(DamagedArtifactError, match=r"no valid checkpoint .*step-00000004.*step-00000002"):
        run(tmp_path, resume=True)


def test_starting_over_checkpoints_must_be_asked_for(tmp_path: Path) -> None:
    run(tmp_path, stop_after=2)
    with pytest.raises(InputError, match="holds checkpoints already"):
        run(tmp_path)
    with pytest.raises(InputError, match="needs the folder"):
        run(resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.02}, r"learning_rate was 0\.01, is 0\.02"),
        ({"epochs": 4}, "epochs was 3, is 4"),
        ({"precision": "bf16"}, "precision was 'fp32', is 'bf16'"),
        ({"rate_multipliers": {"text": 0.5}}, "rate_multipliers was"),
        ({"ema_decay": 0.5}, "ema_decay was None"),
        ({"batches": toy_batches(batch_rows=6)}, "steps_per_epoch was 4, is 8"),
        ({"identity": {"pairs": "b2"}}, "identity.pairs was 'a1', is 'b2'"),
        ({"identity": {}}, "identity.pairs was 'a1', is None"),
    ],
)
def test_another_runs_checkpoint_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    run(tmp_path, stop_after=2, identity={"pairs": "a1"})
    with pytest.raises(InputError, match=message):
        run(tmp_path, resume=True, **{"identity": {"pairs": "a1"}, **changes})
    _, records = run(tmp_path, resume=True, identity={"pairs": "a1"}, checkpoint_every_steps=5, keep_checkpoints=1)
    assert [record.step for record in records if record.checkpoint] == [5, 10, 12]


@pytest.mark.parametrize("change", ["grown", "added", "retyped"])
def test_another_models_checkpoint_is_refused_before_anything_changes(tmp_path: Path, change: str) -> None:
    run(tmp_path, stop_after=2)
    module = Toy()
    if change == "grown":
        module.log_scale = nn.Parameter(torch.ones(2))
    elif change == "added":
        module.extra = nn.Parameter(torch.ones(2))
    else:
        module.view[0].double()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(InputError, match="is of another model"):
        run(tmp_path, resume=True, module=module)
    assert_bit_equal(before, module.state_dict())


def test_average_ends_in_the_module_and_trained_weights_stay_in_the_checkpoint(tmp_path: Path) -> None:
    trained, _ = run()
    averaged, _ = run(tmp_path, ema_decay=0.9)
    saved = load_checkpoint(tmp_path / "step-00000012")
    assert_bit_equal(trained, dict(saved.module))
    for name, value in saved.average.items():
        assert torch.equal(averaged[name], value)
    assert not torch.equal(averaged["view.0.weight"], trained["view.0.weight"])
    assert "text.0.0.weight" not in saved.average


def test_interrupt_within_a_step_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    class Interrupted(ToyObjective):
        calls = 0

        def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
            self.calls += 1
            if self.calls == 6:
                raise KeyboardInterrupt
            return super().loss(reps, batch)

    whole, _ = run()
    module = Toy()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, module=module, objective=Interrupted(module))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000002", "step-00000004"]
    assert_bit_equal(whole, run(tmp_path, resume=True)[0])


def test_interrupt_within_a_checkpoint_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threatclip.training.checkpoint as module

    whole, _ = run()
    real = module.write_json

    def interrupted(path: Path, value: dict[str, Any]) -> None:
        if value["step"] == 6:
            raise KeyboardInterrupt
        real(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_json", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000002", "step-00000004"]
    assert_bit_equal(whole, run(tmp_path, resume=True)[0])


def test_full_disk_stops_with_the_last_checkpoint_whole(tmp_path: Path) -> None:
    run(tmp_path, stop_after=2)
    with disk_of(1000), pytest.raises(StorageError, match="step-00000004"):
        run(tmp_path, resume=True)
    assert latest_valid(tmp_path).step == 2
    assert_bit_equal(run()[0], run(tmp_path, resume=True)[0])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_divergence_is_told_before_the_weights_are_spoiled(bad: float) -> None:
    class Diverging(ToyObjective):
        def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
            terms = super().loss(reps, batch)
            return {**terms, "loss": terms["loss"] * bad}

    module = Toy()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(InputError, match=r"step 1 has loss .*lower the learning rate"):
        run(module=module, objective=Diverging(module))
    assert_bit_equal(before, module.state_dict())


def test_gradient_is_clipped_and_told_unclipped() -> None:
    _, free = run(clip_norm=None, stop_after=1)
    _, clipped = run(clip_norm=1e-3, stop_after=1)
    assert free[0].grad_norm == clipped[0].grad_norm > 1e-3
    sizes = []
    for clip_norm in (None, 1e-9):
        module = Toy()
        run(module=module, clip_norm=clip_norm, stop_after=1)
        sizes.append(max(float(value.grad.norm()) for value in module.parameters() if value.grad is not None))
    assert sizes[1] < 1e-8 < sizes[0]


def test_no_batch_or_nothing_to_learn_is_refused() -> None:
    class Empty:
        steps_per_epoch = 0

    with pytest.raises(InputError, match="no step"):
        run(batches=Empty())
    with pytest.raises(InputError, match="no trainable parameter"):
        run(module=Toy().requires_grad_(False))
    module = Toy()
    module.view.append(nn.BatchNorm1d(4))
    with pytest.raises(InputError, match="normalizes over the batch"):
        run(module=module, chunk_rows=3)
