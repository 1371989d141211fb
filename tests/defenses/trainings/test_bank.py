"""The memory bank against a list that does the same, and how large it is."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.defenses.trainings.bank import Bank, bank_rows


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(1, 9), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_it_holds_the_last_vectors_and_finds_the_nearest(rows: int, sizes: list[int], seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    bank, seen = Bank(rows, 4), []
    for size in sizes:
        vectors = torch.nn.functional.normalize(torch.randn(size, 4, generator=draw), dim=1)
        bank.add(vectors)
        seen += vectors.unbind()
        held = torch.stack(seen[-rows:])
        assert len(bank) == len(held)
        queries = torch.randn(3, 4, generator=draw)
        found, places = bank.nearest(queries)
        torch.testing.assert_close(
            found, torch.stack([max(held, key=lambda one, q=query: float(one @ q)) for query in queries])
        )
        torch.testing.assert_close(found, bank.vectors[places])


def test_an_empty_bank_finds_nothing() -> None:
    with pytest.raises(ValueError, match="the bank is empty"):
        Bank(3, 2).nearest(torch.ones(1, 2))


def test_what_it_holds_carries_no_gradient_and_survives_its_state() -> None:
    bank, other = Bank(3, 2), Bank(3, 2)
    bank.add(torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True))
    assert not bank.vectors.requires_grad
    assert list(bank.parameters()) == []
    other.load_state_dict(bank.state_dict())
    found, _ = other.nearest(torch.tensor([[0.2, 0.9]], requires_grad=True))
    assert found.tolist() == [[0.0, 1.0]]
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("n_pairs", "share", "batch_rows", "rows"),
    [
        (3_000_000, 0.02, 128, 60_000),
        (2_000, 0.02, 128, 256),
        (2_000, 0.02, 256, 512),
        (40, 0.02, 16, 40),
        (1, 0, 2, 1),
    ],
)
def test_its_size_follows_the_pairs_and_the_batch(n_pairs: int, share: float, batch_rows: int, rows: int) -> None:
    assert bank_rows(n_pairs, share=share, batch_rows=batch_rows) == rows
