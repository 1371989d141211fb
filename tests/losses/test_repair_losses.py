"""Losses of repairs against slow oracles: self-supervision in one direction, and drift up to a distance."""

from __future__ import annotations

import math

import loss_oracle as oracle
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from threatclip.losses.drift import capped_drift
from threatclip.losses.selfsup import look_infonce

SHAPES = [(2, 3), (7, 4), (16, 8), (33, 5)]


def unit(n: int, d: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(n, d, generator=generator, dtype=torch.float64), dim=1)


def looked(originals: Tensor, looks: Tensor, temperature: float, positives: list[list[bool]]) -> float:
    losses = []
    for row, hits in zip(originals.tolist(), positives, strict=True):
        logits = [oracle.dot(row, column) / temperature for column in looks.tolist()]
        terms = [oracle.log_softmax(logits, j) for j, hit in enumerate(hits) if hit]
        losses.append(-oracle.mean(terms))
    return oracle.mean(losses)


def drifted(vectors: Tensor, frozen: Tensor, tau: float) -> float:
    rows = zip(vectors.tolist(), frozen.tolist(), strict=True)
    distance = oracle.mean([sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) for one, other in rows])
    return distance if distance <= tau else 0.0


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("repeated", [False, True])
def test_self_supervision_oracle(n: int, d: int, temperature: float, repeated: bool) -> None:
    originals, looks = unit(n, d), unit(n, d, 5)
    numbers = torch.arange(n) // (2 if repeated else 1)
    same = numbers[:, None] == numbers[None, :]
    got = look_infonce(originals, looks, temperature=temperature, positives=same if repeated else None)
    assert got.item() == pytest.approx(looked(originals, looks, temperature, same.tolist()), abs=1e-10)


def test_self_supervision_runs_one_way() -> None:
    originals, looks = unit(6, 4), unit(6, 4, 5)
    assert look_infonce(originals, looks).item() != pytest.approx(look_infonce(looks, originals).item(), abs=1e-4)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_equal_looks_of_orthogonal_rows_are_the_ideal(temperature: float) -> None:
    rows = torch.eye(6, dtype=torch.float64)
    ideal = math.log(1 + 5 * math.exp(-1 / temperature))
    assert look_infonce(rows, rows, temperature=temperature).item() == pytest.approx(ideal, abs=1e-12)
    assert look_infonce(rows, rows.roll(1, dims=0), temperature=temperature).item() > ideal


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 99), temperature=st.floats(0.02, 2.0))
def test_self_supervision_does_not_hang_on_the_order_of_rows(n: int, seed: int, temperature: float) -> None:
    originals, looks = unit(n, 4, seed), unit(n, 4, seed + 1)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    value = look_infonce(originals, looks, temperature=temperature)
    again = look_infonce(originals[order], looks[order], temperature=temperature)
    assert value.item() == pytest.approx(again.item(), abs=1e-9)
    assert value.item() >= 0


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("tau", [0.0, 1.0, 2.15, 4.0])
def test_drift_oracle(n: int, d: int, tau: float) -> None:
    vectors, frozen = unit(n, d), unit(n, d, 5)
    assert capped_drift(vectors, frozen, tau=tau).item() == pytest.approx(drifted(vectors, frozen, tau), abs=1e-10)


def test_the_push_stops_at_once_beyond_tau() -> None:
    frozen = unit(8, 4)
    near, far = functional.normalize(frozen + 0.1 * unit(8, 4, 3), dim=1), -frozen
    for vectors, pushes in ((near, True), (far, False)):
        leaf = vectors.clone().requires_grad_()
        value = capped_drift(leaf, frozen, tau=1.0)
        (gradient,) = torch.autograd.grad(value, leaf)
        assert bool(value > 0) == pushes
        assert bool(gradient.abs().sum() > 0) == pushes
        assert torch.isfinite(gradient).all()


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 12), seed=st.integers(0, 99), tau=st.floats(0, 4))
def test_drift_lies_between_zero_and_tau(n: int, seed: int, tau: float) -> None:
    value = capped_drift(unit(n, 4, seed), unit(n, 4, seed + 1), tau=tau).item()
    assert 0 <= value <= tau + 1e-12
    same = unit(n, 4, seed)
    assert capped_drift(same, same, tau=tau).item() == 0
