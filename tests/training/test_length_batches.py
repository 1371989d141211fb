"""Batches by length: every row once, little padding, the same again for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.training.contracts import Batch
from threatclip.training.length_batches import LengthBatches


def rows_as_batch(indices: np.ndarray, _: np.random.Generator) -> Batch:
    return {"rows": torch.from_numpy(indices)}


def made(lengths: np.ndarray, *, batch_rows: int, seed: int = 0) -> LengthBatches:
    return LengthBatches(lengths=lengths, batch_rows=batch_rows, seed=seed, collate=rows_as_batch)


@given(st.integers(1, 90), st.integers(1, 20), st.integers(0, 3))
def test_every_row_comes_once_in_an_epoch(n: int, batch_rows: int, epoch: int) -> None:
    batches = made(np.arange(n) % 7, batch_rows=batch_rows)
    found = [batches.batch(epoch, step)["rows"].tolist() for step in range(batches.steps_per_epoch)]
    assert sorted(row for batch in found for row in batch) == list(range(n))
    assert max(map(len, found)) <= batch_rows


def test_rows_of_a_batch_are_of_about_one_length() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, size=400)
    batches = made(lengths, batch_rows=8)
    spread = [np.ptp(lengths[batches.indices(0, step)]) for step in range(batches.steps_per_epoch)]
    assert np.mean(spread) < 3


def test_the_seed_and_the_epoch_decide_the_order() -> None:
    lengths = np.arange(64) % 9
    one = [made(lengths, batch_rows=8).indices(0, step).tolist() for step in range(8)]
    assert one == [made(lengths, batch_rows=8).indices(0, step).tolist() for step in range(8)]
    assert one != [made(lengths, batch_rows=8).indices(1, step).tolist() for step in range(8)]
    assert one != [made(lengths, batch_rows=8, seed=1).indices(0, step).tolist() for step in range(8)]


@pytest.mark.parametrize(("n", "batch_rows"), [(0, 4), (4, 0)])
def test_no_rows_or_an_empty_batch_is_refused(n: int, batch_rows: int) -> None:
    with pytest.raises(InputError, match="do not fill a batch"):
        made(np.zeros(n, dtype=np.int64), batch_rows=batch_rows)
