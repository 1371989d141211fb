"""The two terms of TA-Cleaner against a slow oracle, and rows that they have nothing to say about."""

from __future__ import annotations

import math

import loss_oracle as oracle
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from threatclip.errors import InputError
from threatclip.losses.subcaption import subcaption_i2t, subcaption_t2i

SHAPES = [(1, 0, 3), (2, 1, 3), (7, 3, 4), (16, 5, 8)]


def unit(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


def i2t(views: Tensor, positives: Tensor, negatives: Tensor, temperature: float, known: list[list[bool]]) -> float:
    losses = []
    for i, view in enumerate(views.tolist()):
        right = math.exp(oracle.dot(view, positives[i].tolist()) / temperature)
        others = sum(math.exp(oracle.dot(view, other) / temperature) for other in positives.tolist())
        false = sum(
            math.exp(oracle.dot(view, negative) / temperature)
            for negative, there in zip(negatives[i].tolist(), known[i], strict=True)
            if there
        )
        losses.append(-math.log(right / (others + false)))
    return oracle.mean(losses)


def t2i(positives: Tensor, views: Tensor, own: list[int], temperature: float) -> float:
    losses = []
    for positive, view in zip(positives.tolist(), own, strict=True):
        row = [oracle.dot(positive, other) / temperature for other in views.tolist()]
        losses.append(-oracle.log_softmax(row, view))
    return oracle.mean(losses)


@pytest.mark.parametrize(("m", "q", "d"), SHAPES)
@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("every", [True, False])
def test_views_to_subcaptions_oracle(m: int, q: int, d: int, temperature: float, every: bool) -> None:
    views, positives, negatives = unit(m, d), unit(m, d, seed=1), unit(m, q, d, seed=2)
    known = torch.rand(m, q, generator=torch.Generator().manual_seed(3)) < (2 if every else 0.5)
    got = subcaption_i2t(views, positives, negatives, temperature=temperature, known=None if every else known)
    assert got.item() == pytest.approx(i2t(views, positives, negatives, temperature, known.tolist()), abs=1e-10)


@pytest.mark.parametrize(("m", "n", "d"), [(1, 1, 3), (2, 5, 3), (7, 7, 4), (9, 16, 8)])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
def test_subcaptions_to_views_oracle(m: int, n: int, d: int, temperature: float) -> None:
    positives, views = unit(m, d), unit(n, d, seed=1)
    own = torch.randperm(n, generator=torch.Generator().manual_seed(2))[:m]
    got = subcaption_t2i(positives, views, own, temperature=temperature)
    assert got.item() == pytest.approx(t2i(positives, views, own.tolist(), temperature), abs=1e-10)


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 4), st.integers(0, 100))
def test_a_negative_never_lowers_the_loss_and_an_unknown_one_never_counts(m: int, q: int, seed: int) -> None:
    views, positives = unit(m, 5, seed=seed), unit(m, 5, seed=seed + 1)
    negatives = unit(m, q + 1, 5, seed=seed + 2)
    none = subcaption_i2t(views, positives, negatives[:, :0])
    some = subcaption_i2t(views, positives, negatives[:, :q])
    more = subcaption_i2t(views, positives, negatives)
    assert none <= some + 1e-12
    assert some <= more + 1e-12
    known = torch.arange(q + 1).expand(m, -1) < q
    hidden = subcaption_i2t(views, positives, negatives, known=known)
    assert hidden.item() == pytest.approx(some.item(), abs=1e-12)


def test_the_order_of_negatives_does_not_matter() -> None:
    views, positives, negatives = unit(6, 5), unit(6, 5, seed=1), unit(6, 4, 5, seed=2)
    turned = subcaption_i2t(views, positives, negatives.flip(1))
    assert turned.item() == pytest.approx(subcaption_i2t(views, positives, negatives).item(), abs=1e-12)


def test_all_of_a_batch_without_negatives_is_one_direction_of_infonce() -> None:
    views, positives = unit(9, 5), unit(9, 5, seed=1)
    diagonal = [[i == j for j in range(9)] for i in range(9)]
    both = (subcaption_i2t(views, positives, unit(9, 0, 5)) + subcaption_t2i(positives, views, torch.arange(9))) / 2
    assert both.item() == pytest.approx(oracle.infonce(views, positives, 0.07, diagonal), abs=1e-10)


def test_every_gradient_is_finite_where_negatives_are_missing() -> None:
    views, positives, negatives = (unit(4, 5), unit(4, 5, seed=1), unit(4, 3, 5, seed=2))
    temperature = torch.tensor(0.05, dtype=torch.float64)
    inputs = [value.requires_grad_() for value in (views, positives, negatives, temperature)]
    known = torch.zeros(4, 3, dtype=torch.bool)
    subcaption_i2t(views, positives, negatives, temperature=temperature, known=known).backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in inputs)
    assert negatives.grad is not None
    assert not negatives.grad.any()


def test_no_row_is_no_loss_with_a_gradient() -> None:
    views = unit(5, 4).requires_grad_()
    none = views[:0]
    rows = torch.empty(0, dtype=torch.int64)
    total = subcaption_i2t(none, none, none[:, None].expand(0, 3, 4)) + subcaption_t2i(none, views, rows)
    assert total.item() == 0
    total.backward()
    assert views.grad is not None
    assert not views.grad.any()


def test_rows_that_disagree_are_refused() -> None:
    with pytest.raises(InputError, match="3 views, 2 sub-captions and negatives for 3"):
        subcaption_i2t(unit(3, 4), unit(2, 4), unit(3, 1, 4))
    with pytest.raises(InputError, match="2 sub-captions and the views of 3"):
        subcaption_t2i(unit(2, 4), unit(5, 4), torch.arange(3))
