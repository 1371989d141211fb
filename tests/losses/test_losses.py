"""Every loss against a slow oracle, its invariants, and rows that it has nothing to say about."""

from __future__ import annotations

from collections.abc import Callable

import loss_oracle as oracle
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from threatclip.errors import InputError
from threatclip.losses import (
    anchor_cross_entropy,
    anchor_logits,
    batch_hard_triplet,
    hierarchical_contrast,
    squared_distance,
    supervised_contrastive,
    symmetric_infonce,
)

SHAPES = [(2, 3), (7, 4), (16, 8), (33, 5)]
TEMPERATURES = [0.05, 0.5, 2.0]


def unit(n: int, d: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(n, d, generator=generator, dtype=torch.float64), dim=1)


def labels_of(n: int, n_classes: int = 3, seed: int = 1) -> Tensor:
    return torch.randint(0, n_classes, (n,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("margin", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("soft", [False, True])
def test_triplet_oracle(n: int, d: int, margin: float, soft: bool) -> None:
    vectors, labels = unit(n, d), labels_of(n)
    got = batch_hard_triplet(vectors, labels, margin=margin, soft=soft)
    assert got.item() == pytest.approx(oracle.triplet(vectors, labels.tolist(), margin, soft), abs=1e-10)


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_supcon_oracle(n: int, d: int, temperature: float) -> None:
    vectors, labels = unit(n, d), labels_of(n)
    got = supervised_contrastive(vectors, labels, temperature=temperature)
    assert got.item() == pytest.approx(oracle.supcon(vectors, labels.tolist(), temperature), abs=1e-10)


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("mask", ["diagonal", "classes", "sparse"])
def test_infonce_oracle(n: int, d: int, temperature: float, mask: str) -> None:
    views, captions, labels = unit(n, d), unit(n, d, 5), labels_of(n)
    positives = {
        "diagonal": None,
        "classes": labels[:, None] == labels[None, :],
        "sparse": torch.rand(n, n, generator=torch.Generator().manual_seed(2)) < 0.1,
    }[mask]
    got = symmetric_infonce(views, captions, temperature=temperature, positives=positives)
    hits = (torch.eye(n, dtype=torch.bool) if positives is None else positives).tolist()
    assert got.item() == pytest.approx(oracle.infonce(views, captions, temperature, hits), abs=1e-10)


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("kin", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("among", [0.0, 0.7])
def test_hierarchy_oracle(n: int, d: int, kin: float, among: float) -> None:
    views, captions, labels = unit(n, d), unit(n, d, 5), labels_of(n, 6)
    families = labels // 2
    got = hierarchical_contrast(views, captions, labels, families, temperature=0.5, kin=kin, among=among)
    both, between = oracle.hierarchy(views, captions, labels.tolist(), families.tolist(), 0.5, kin)
    assert got.item() == pytest.approx(both + among * between, abs=1e-10)


def test_without_families_the_hierarchy_is_infonce_with_classes() -> None:
    views, captions, labels = unit(16, 8), unit(16, 8, 5), labels_of(16)
    alone = hierarchical_contrast(views, captions, labels, labels, temperature=0.1, kin=0.3, among=0.0)
    same = labels[:, None] == labels[None, :]
    assert torch.allclose(alone, symmetric_infonce(views, captions, temperature=0.1, positives=same))


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_squared_distance_oracle(n: int, d: int) -> None:
    views, captions = unit(n, d), unit(n, d, 3)
    slow = oracle.mean(
        [
            sum((a - b) ** 2 for a, b in zip(v, c, strict=True))
            for v, c in zip(views.tolist(), captions.tolist(), strict=True)
        ]
    )
    assert squared_distance(views, captions).item() == pytest.approx(slow, abs=1e-12)
    assert squared_distance(views, captions).item() == pytest.approx(2 - 2 * (views * captions).sum(1).mean().item())


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("pooling", ["max", "mean", "logsumexp"])
def test_anchor_logits_oracle(n: int, d: int, temperature: float, pooling: str) -> None:
    vectors, anchors, owners = unit(n, d), unit(7, d, 9), torch.tensor([0, 2, 1, 1, 0, 2, 2])
    got = anchor_logits(vectors, anchors, owners, n_classes=3, temperature=temperature, pooling=pooling)  # type: ignore[arg-type]
    slow = oracle.anchor_logits(vectors, anchors, owners.tolist(), 3, temperature, pooling)
    torch.testing.assert_close(got, torch.tensor(slow, dtype=torch.float64))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_anchor_cross_entropy_oracle(smoothing: float, weighted: bool, kind: str) -> None:
    logits = 4 * unit(9, 3)
    weights = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    if kind == "hard":
        targets = torch.tensor([0, 1, 2, -1, 0, 0, 1, -1, 2])
        rows = [[float(t == c) for c in range(3)] for t in targets.tolist()]
    else:
        targets = unit(9, 3, 8).abs()
        targets = targets / targets.sum(1, keepdim=True)
        targets[4] = 0
        rows = targets.tolist()
    got = anchor_cross_entropy(logits, targets, class_weights=weights if weighted else None, label_smoothing=smoothing)
    slow = oracle.cross_entropy(logits, rows, weights.tolist() if weighted else [1.0] * 3, smoothing)
    assert got.item() == pytest.approx(slow, abs=1e-12)


def test_anchor_cross_entropy_is_the_usual_one_for_hard_labels() -> None:
    logits, targets, weights = unit(20, 4).float(), labels_of(20, 4), torch.tensor([1.0, 2.0, 0.5, 4.0])
    torch.testing.assert_close(
        anchor_cross_entropy(logits, targets, class_weights=weights),
        functional.cross_entropy(logits, targets, weight=weights),
    )


Loss = Callable[[Tensor, Tensor], Tensor]
LABEL_LOSSES: dict[str, Loss] = {
    "triplet": lambda v, y: batch_hard_triplet(v, y),
    "triplet-soft": lambda v, y: batch_hard_triplet(v, y, soft=True),
    "supcon": lambda v, y: supervised_contrastive(v, y),
    "infonce": lambda v, y: symmetric_infonce(v, v.flip(1), positives=y[:, None] == y[None, :]),
    "anchors": lambda v, y: anchor_cross_entropy(
        anchor_logits(v, torch.eye(3, v.shape[1], dtype=v.dtype), torch.arange(3), n_classes=3), y
    ),
}


@pytest.mark.parametrize("name", LABEL_LOSSES)
@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 12), d=st.integers(3, 6), seed=st.integers(0, 999))
def test_label_losses_ignore_row_order_and_rotation(name: str, n: int, d: int, seed: int) -> None:
    loss = LABEL_LOSSES[name]
    vectors, labels = unit(n, d, seed), labels_of(n, 3, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    value = loss(vectors, labels)
    assert torch.isfinite(value)
    assert value.item() >= 0
    torch.testing.assert_close(value, loss(vectors[order], labels[order]))
    if name in {"triplet", "triplet-soft", "supcon"}:
        turn = torch.linalg.qr(unit(d, d, seed + 1)).Q
        torch.testing.assert_close(value, loss(vectors @ turn, labels))


@pytest.mark.parametrize("name", LABEL_LOSSES)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0, 0, 1]])
def test_gradients_are_finite_where_rows_have_no_positive_or_negative(name: str, labels: list[int]) -> None:
    vectors = unit(3, 4).requires_grad_()
    LABEL_LOSSES[name](vectors, torch.tensor(labels)).backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_rows_without_a_positive_are_left_out_not_averaged_in() -> None:
    vectors = unit(5, 4)
    pair = torch.tensor([0, 0, 1, 2, 3])
    crowd = supervised_contrastive(vectors, pair)
    assert crowd.item() == pytest.approx(oracle.supcon(vectors, pair.tolist(), 0.07))
    assert supervised_contrastive(vectors, torch.arange(5)).item() == 0
    assert batch_hard_triplet(vectors, torch.zeros(5, dtype=torch.long)).item() == 0
    none = torch.zeros(5, 5, dtype=torch.bool)
    assert symmetric_infonce(vectors, vectors, positives=none).item() == 0
    assert anchor_cross_entropy(vectors, torch.full((5,), -1)).item() == 0


def test_perfect_and_worst_cases() -> None:
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    assert batch_hard_triplet(apart, torch.tensor([0, 0, 1, 1])).item() == 0
    assert batch_hard_triplet(apart, torch.tensor([0, 1, 0, 1]), margin=0.2).item() == pytest.approx(2.2)
    assert squared_distance(apart, -apart).item() == 4
    same = torch.ones(6, 1)
    assert symmetric_infonce(same, same).item() == pytest.approx(torch.tensor(6.0).log().item())
    assert supervised_contrastive(same, torch.zeros(6, dtype=torch.long)).item() == pytest.approx(
        torch.tensor(5.0).log().item()
    )


def test_a_learned_temperature_gets_a_gradient() -> None:
    temperature = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    symmetric_infonce(unit(6, 4), unit(6, 4, 1), temperature=temperature).backward()
    assert temperature.grad is not None
    assert temperature.grad.item() != 0


def test_logsumexp_gives_nothing_for_more_copies_of_an_anchor() -> None:
    vectors, anchors = unit(4, 5), unit(2, 5, 4)
    once = anchor_logits(vectors, anchors, torch.tensor([0, 1]), n_classes=2, pooling="logsumexp")
    thrice = anchor_logits(vectors, anchors[[0, 0, 0, 1]], torch.tensor([0, 0, 0, 1]), n_classes=2, pooling="logsumexp")
    torch.testing.assert_close(once, thrice)


@pytest.mark.parametrize("owners", [[0, 0], [0, 2], [-1, 0]])
def test_a_class_without_anchors_is_refused(owners: list[int]) -> None:
    with pytest.raises(InputError, match=r"anchor"):
        anchor_logits(unit(3, 4), unit(2, 4), torch.tensor(owners), n_classes=2)
