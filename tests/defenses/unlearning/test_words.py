"""Inserted tokens: where they stand, what stays, and which tokens are never inserted."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pair_cases import tiny_dual
from threatclip.defenses.unlearning.words import edge_tokens, vocabulary_size, with_insertion

ROW = st.lists(st.integers(0, 50), min_size=1, max_size=30)


@given(row=ROW, limit=st.integers(2, 40), seed=st.integers(0, 500))
def test_the_rest_of_a_row_stays_in_order(row: list[int], limit: int, seed: int) -> None:
    tokens = np.array(row, dtype=np.int32)
    limit = max(limit, len(row))
    longer = with_insertion(tokens, np.arange(100, 120), limit=limit, rng=np.random.default_rng(seed))
    assert longer.dtype == tokens.dtype
    assert len(longer) <= limit
    own = [token for token in longer.tolist() if token < 100]
    strange = len(longer) - len(own)
    assert longer[0] == row[0]
    if len(row) > 1:
        assert longer[-1] == row[-1]
    if len(longer) < limit:
        assert own == row
        assert 1 <= strange <= 4
    else:
        left = iter(row)
        assert all(token in left for token in own)


def test_marks_are_known_by_standing_at_every_edge() -> None:
    rows = [np.array([1, 5, 6, 2]), np.array([1, 7, 2])]
    assert edge_tokens(rows) == {1, 2}
    assert edge_tokens([np.array([1, 5]), np.array([1, 6])]) == {1}


def test_a_vocabulary_is_as_large_as_the_embedding() -> None:
    dual = tiny_dual(["a red band", "a blue band"])
    size = vocabulary_size(dual.text_tower)
    embeddings = [module for module in dual.text_tower.modules() if isinstance(module, torch.nn.Embedding)]
    assert size == embeddings[0].num_embeddings
    assert vocabulary_size(dual.view_tower) == 256  # no embedding: bytes
