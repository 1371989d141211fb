"""Batches: stateless, seeded, and fair."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.training.batches import ClassBalancedBatches, ShuffledBatches
from threatclip.training.contracts import Batch


def collate(indices: np.ndarray, rng: np.random.Generator) -> Batch:
    return {"index": torch.from_numpy(indices.copy()), "noise": torch.from_numpy(rng.random(len(indices)))}


def shuffled(**changes: Any) -> ShuffledBatches:
    return ShuffledBatches(**{"n_rows": 25, "batch_rows": 4, "seed": 1, "collate": collate, **changes})


def balanced(labels: list[int], **changes: Any) -> ClassBalancedBatches:
    defaults: dict[str, Any] = {"classes_per_batch": 2, "rows_per_class": 3, "seed": 1, "collate": collate}
    return ClassBalancedBatches(labels=np.array(labels), **{**defaults, **changes})


def epoch_of(batches: ShuffledBatches | ClassBalancedBatches, epoch: int) -> list[list[int]]:
    return [batches.batch(epoch, step)["index"].tolist() for step in range(batches.steps_per_epoch)]


@given(n_rows=st.integers(1, 60), batch_rows=st.integers(1, 60), epoch=st.integers(0, 3))
def test_every_row_once_per_epoch(n_rows: int, batch_rows: int, epoch: int) -> None:
    rows = epoch_of(shuffled(n_rows=n_rows, batch_rows=batch_rows, drop_last=False), epoch)
    assert sorted(itertools.chain(*rows)) == list(range(n_rows))
    assert all(len(batch) == batch_rows for batch in rows[:-1])
    if n_rows >= batch_rows:
        dropped = epoch_of(shuffled(n_rows=n_rows, batch_rows=batch_rows), epoch)
        assert dropped == [batch for batch in rows if len(batch) == batch_rows]


@pytest.mark.parametrize("batches", [shuffled(), balanced([0] * 9 + [1] * 5 + [2] * 7)])
def test_batches_are_functions_of_seed_epoch_and_step(batches: Any) -> None:
    backwards = [batches.batch(epoch, step) for epoch in (2, 0) for step in (2, 0)]
    again = [batches.batch(epoch, step) for epoch in (0, 2) for step in (0, 2)][::-1]
    for left, right in zip(backwards, again, strict=True):
        assert torch.equal(left["index"], right["index"])
        assert torch.equal(left["noise"], right["noise"])
    assert not torch.equal(backwards[0]["noise"], backwards[1]["noise"])
    assert epoch_of(batches, 0) != epoch_of(batches, 1)


def test_another_seed_another_order() -> None:
    assert epoch_of(shuffled(), 0) != epoch_of(shuffled(seed=2), 0)
    labels = [0] * 9 + [1] * 9
    assert epoch_of(balanced(labels), 0) != epoch_of(balanced(labels, seed=2), 0)


@pytest.mark.parametrize("bad", [{"n_rows": 0}, {"n_rows": 3}, {"batch_rows": 0}, {"n_rows": 0, "drop_last": False}])
def test_too_few_rows_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="do not fill a batch"):
        shuffled(**bad)


@given(
    labels=st.lists(st.integers(-1, 4), min_size=1, max_size=60).filter(lambda labels: max(labels) >= 0),
    rows_per_class=st.integers(1, 5),
    data=st.data(),
)
def test_balanced_batches_hold_what_they_say(labels: list[int], rows_per_class: int, data: st.DataObject) -> None:
    present = sorted(set(labels) - {-1})
    n_classes = data.draw(st.integers(1, len(present)))
    batches = balanced(labels, classes_per_batch=n_classes, rows_per_class=rows_per_class, steps=7)
    classes_dealt, rows_dealt = [], []
    for batch in epoch_of(batches, 0):
        found, counts = np.unique([labels[row] for row in batch], return_counts=True)
        assert len(found) == n_classes
        assert set(counts) == {rows_per_class}
        assert -1 not in found
        for label in found:
            hand = [row for row in batch if labels[row] == label]
            assert len(set(hand)) == min(rows_per_class, labels.count(label))
        classes_dealt += found.tolist()
        rows_dealt += batch
    uses = [classes_dealt.count(label) for label in present]
    assert max(uses) - min(uses) <= 1
    for label in present:
        dealt = [rows_dealt.count(row) for row in range(len(labels)) if labels[row] == label]
        assert max(dealt) - min(dealt) <= 1 or len(dealt) < rows_per_class


def test_balanced_epoch_is_about_one_pass() -> None:
    assert balanced([0] * 30 + [1] * 30).steps_per_epoch == 10
    assert balanced([0, 1, -1]).steps_per_epoch == 1
    assert sorted(itertools.chain(*epoch_of(balanced([0] * 30 + [1] * 30), 3))) == list(range(60))


@pytest.mark.parametrize(
    ("labels", "changes"),
    [([0, 0, -1], {}), ([-1], {}), ([0, 1], {"rows_per_class": 0}), ([0, 1], {"classes_per_batch": 0})],
)
def test_too_few_classes_are_refused(labels: list[int], changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="do not fill a batch"):
        balanced(labels, **changes)
