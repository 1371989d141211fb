"""Settings, schedule, parameter groups, precision, averaging, modes: the small pure parts."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from toy_run import Toy, toy_settings

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.seeds import stream_seed
from threatclip.training.averaging import averaged, put_average, start_average, update_average
from threatclip.training.modes import set_modes, training_modes
from threatclip.training.optimizer import make_optimizer, optimizer_tensors, restore_optimizer, set_rate, trainable
from threatclip.training.precision import has_native_bf16, uses_bf16
from threatclip.training.randomness import drawing_from
from threatclip.training.schedule import rate_factor, warmup_steps
from threatclip.training.settings import TrainSettings

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"learning_rate": 0},
        {"learning_rate": math.inf},
        {"learning_rate": math.nan},
        {"weight_decay": -1},
        {"warmup_fraction": 1.1},
        {"clip_norm": 0},
        {"chunk_rows": 0},
        {"checkpoint_every_steps": 0},
        {"keep_checkpoints": 0},
        {"precision": "fp16"},
        {"rate_multipliers": {"text": 0}},
        {"ema_decay": 1.0},
    ],
    ids=str,
)
def test_values_out_of_range_are_named(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"training: {next(iter(bad))}.* it must be "):
        TrainSettings(**{"epochs": 1, **bad})


def test_fingerprint_is_json_and_leaves_out_when_to_save() -> None:
    settings = toy_settings(rate_multipliers={"text": 0.5})
    fingerprint = settings.fingerprint()
    assert json.loads(json.dumps(fingerprint)) == fingerprint
    assert "keep_checkpoints" not in fingerprint
    assert toy_settings(rate_multipliers={"text": 0.5}, checkpoint_every_steps=9).fingerprint() == fingerprint


@given(total=st.integers(1, 400), fraction=st.floats(0, 1))
def test_schedule_climbs_then_falls_and_is_never_zero(total: int, fraction: float) -> None:
    warm = warmup_steps(total, warmup_fraction=fraction)
    factors = [rate_factor(step, total, warmup_fraction=fraction) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[:warm] == sorted(factors[:warm])
    assert factors[warm:] == sorted(factors[warm:], reverse=True)
    assert factors[warm] == 1.0
    assert warm < total


def test_schedule_by_hand() -> None:
    factors = [rate_factor(step, 6, warmup_fraction=0.3) for step in range(6)]
    assert factors == pytest.approx([0.5, 1.0, 1.0, 0.5 * (1 + math.cos(math.pi / 4)), 0.5, 0.14644661])


def test_groups_by_decay_and_longest_prefix() -> None:
    parameters = trainable(Toy())
    multipliers = {"view": 0.5, "view.3": 0.1}
    optimizer = make_optimizer(parameters, settings=toy_settings(weight_decay=0.3, rate_multipliers=multipliers))
    set_rate(optimizer, 2.0)
    names = {id(parameter): name for name, parameter in parameters.items()}
    found = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert found == {
        "view.0.weight": (1.0, 0.3),
        "view.0.bias": (1.0, 0.0),
        "view.1.weight": (1.0, 0.0),
        "view.1.bias": (1.0, 0.0),
        "view.3.weight": (0.2, 0.3),
        "view.3.bias": (0.2, 0.0),
        "text.1.weight": (2.0, 0.3),
        "text.1.bias": (2.0, 0.0),
        "log_scale": (2.0, 0.0),
    }
    with pytest.raises(InputError, match="'txet'"):
        make_optimizer(parameters, settings=toy_settings(rate_multipliers={"txet": 0.1}))


def test_optimizer_state_round_trips_by_name() -> None:
    module = Toy()
    parameters = trainable(module)
    optimizer = make_optimizer(parameters, settings=toy_settings())
    parameters["view.0.weight"].grad = torch.ones_like(parameters["view.0.weight"])
    optimizer.step()
    tensors = {name: value.clone() for name, value in optimizer_tensors(optimizer, parameters).items()}
    assert set(tensors) == {"step/view.0.weight", "exp_avg/view.0.weight", "exp_avg_sq/view.0.weight"}
    other = make_optimizer(trainable(Toy()), settings=toy_settings())
    with pytest.raises(DamagedArtifactError, match="fits no parameter"):
        restore_optimizer(other, trainable(Toy()), {"exp_avg/unknown": torch.ones(1)})
    with pytest.raises(DamagedArtifactError, match="fits no parameter"):
        restore_optimizer(other, trainable(Toy()), {"exp_avg/view.0.weight": torch.ones(1)})
    fresh = make_optimizer(parameters, settings=toy_settings())
    restore_optimizer(fresh, parameters, tensors)
    for name, value in optimizer_tensors(fresh, parameters).items():
        assert torch.equal(value, tensors[name])


def test_precision_is_bf16_where_native_or_asked_for() -> None:
    native = has_native_bf16(CPU)
    assert uses_bf16("auto", device=CPU) is native
    assert uses_bf16("auto", device=CPU, asked_by_launcher="bf16")
    assert uses_bf16("bf16", device=CPU)
    assert not uses_bf16("fp32", device=CPU, asked_by_launcher="bf16")
    assert not has_native_bf16(torch.device("mps"))
    with pytest.raises(InputError, match="fp16"):
        uses_bf16("auto", device=CPU, asked_by_launcher="fp16")


@pytest.mark.parametrize(
    ("capabilities", "native"), [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)]
)
def test_cpus_are_asked(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], native: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert has_native_bf16(CPU) is native
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not has_native_bf16(CPU)


def test_average_by_hand_and_swapped_in() -> None:
    parameters = {"w": nn.Parameter(torch.tensor([0.0, 10.0]))}
    average = start_average(parameters)
    with torch.no_grad():
        parameters["w"].copy_(torch.tensor([11.0, 10.0]))
    update_average(average, parameters, decay=0.9, step=1)  # decay is still 2/11
    assert average["w"].tolist() == pytest.approx([9.0, 10.0])
    update_average(average, parameters, decay=0.9, step=10_000)
    assert average["w"].tolist() == pytest.approx([9.2, 10.0])
    with averaged(average, parameters):
        assert parameters["w"].tolist() == pytest.approx([9.2, 10.0])
    assert parameters["w"].tolist() == [11.0, 10.0]
    put_average(average, parameters)
    assert parameters["w"].tolist() == pytest.approx([9.2, 10.0])
    assert parameters["w"].requires_grad


def test_modes_are_put_back() -> None:
    module = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).requires_grad_(False))
    assert training_modes(module)[0] == (module, False)
    module.append(nn.Linear(1, 1))
    modes = training_modes(module)
    module.eval()
    set_modes(modes)
    assert [part.training for part in module.modules()] == [True, True, False, False, False, True]


def test_named_draws_repeat_and_leave_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    draws = []
    for stream in ("a", "a", "b"):
        with drawing_from(1, stream, device=CPU):
            draws.append(torch.rand(4))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_accelerators_generator_is_seeded_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        state = "the caller's"

        def get_rng_state(self) -> str:
            return self.state

        def set_rng_state(self, state: str) -> None:
            self.state = state

        def manual_seed(self, seed: int) -> None:
            self.state = f"seeded {seed}"

    device = Device()
    monkeypatch.setattr(torch, "get_device_module", lambda _: device)
    with pytest.raises(KeyboardInterrupt), drawing_from(1, "a", device=torch.device("cuda")):  # noqa: PT012
        seen = device.state
        raise KeyboardInterrupt
    assert seen == f"seeded {stream_seed(1, 'a')}"
    assert device.state == "the caller's"
