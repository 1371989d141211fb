"""A chunked gradient is the whole batch's gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_run import BATCH_ROWS, Toy, ToyObjective, toy_batches

from threatclip.errors import InputError
from threatclip.training.contracts import Batch, Objective
from threatclip.training.distributed import World
from threatclip.training.gradcache import Passes, accumulate_gradients, check_chunks
from threatclip.training.precision import autocast
from threatclip.training.randomness import drawing_from

CPU = torch.device("cpu")


def passes(chunk_rows: int | None, *, bf16: bool = False) -> Passes:
    return Passes(
        world=World(device=CPU),
        chunk_rows=chunk_rows,
        autocast=partial(autocast, device=CPU, bf16=bf16),
        drawing=lambda name: drawing_from(1, name, device=CPU),
    )


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.grad.clone() for name, value in module.named_parameters() if value.grad is not None}


def cached(module: nn.Module, objective: Objective, how: Passes) -> tuple[dict[str, float], dict[str, Tensor]]:
    terms = accumulate_gradients(module=module, objective=objective, batch=toy_batches().batch(0, 0), passes=how)
    return terms, gradients(module)


def oracle(module: nn.Module, objective: Objective, how: Passes) -> tuple[dict[str, float], dict[str, Tensor]]:
    """All chunks in one graph, nothing cached: autograd alone."""
    module.zero_grad()
    batch = toy_batches().batch(0, 0)
    size = how.chunk_rows or BATCH_ROWS
    parts = []
    for start in range(0, BATCH_ROWS, size):
        with how.drawing(f"rows/{start}"), how.autocast():
            parts.append(objective.represent({name: value[start : start + size] for name, value in batch.items()}))
    with how.drawing("loss"):
        terms = objective.loss({name: torch.cat([part[name] for part in parts]).float() for name in parts[0]}, batch)
    terms["loss"].backward()
    return {name: float(value.detach()) for name, value in terms.items()}, gradients(module)


def assert_close(left: dict[str, Tensor], right: dict[str, Tensor], tolerance: float) -> None:
    assert left.keys() == right.keys()
    for name, value in left.items():
        torch.testing.assert_close(value, right[name], rtol=0, atol=tolerance, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize("chunk_rows", [None, *range(1, BATCH_ROWS + 2)])
def test_chunks_equal_the_whole_batch(chunk_rows: int | None) -> None:
    module = Toy(dropout=0.0)
    terms, whole = oracle(module, ToyObjective(module), passes(None))
    chunked_terms, chunked = cached(module, ToyObjective(module), passes(chunk_rows))
    assert chunked_terms == pytest.approx(terms, abs=1e-6)
    assert_close(chunked, whole, 1e-6)
    assert "log_scale" in chunked


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("chunk_rows", [None, 1, 5, 6])
def test_dropout_is_replayed(chunk_rows: int | None, bf16: bool) -> None:
    module = Toy(dropout=0.5)
    how = passes(chunk_rows, bf16=bf16)
    terms, whole = oracle(module, ToyObjective(module), how)
    chunked_terms, chunked = cached(module, ToyObjective(module), how)
    assert chunked_terms == pytest.approx(terms, abs=1e-6)
    assert_close(chunked, whole, 2e-3 if bf16 else 1e-6)


def test_each_chunk_drops_something_else() -> None:
    class Dropped(ToyObjective):
        def represent(self, batch: Batch) -> dict[str, Tensor]:
            masks.append(nn.functional.dropout(torch.ones(64)))
            return super().represent(batch)

    masks: list[Tensor] = []
    module = Toy()
    cached(module, Dropped(module), passes(6))
    first, second, first_again, second_again = masks
    assert torch.equal(first, first_again)
    assert torch.equal(second, second_again)
    assert not torch.equal(first, second)


def test_never_holds_more_than_a_chunk_of_activations() -> None:
    class Watched(ToyObjective):
        def represent(self, batch: Batch) -> dict[str, Tensor]:
            seen.append((len(batch["view"]), torch.is_grad_enabled()))
            return super().represent(batch)

    seen: list[tuple[int, bool]] = []
    module = Toy()
    cached(module, Watched(module), passes(5))
    assert seen == [(5, False), (5, False), (2, False), (5, True), (5, True), (2, True)]
    seen.clear()
    cached(module, Watched(module), passes(None))
    assert seen == [(12, True)]


@pytest.mark.parametrize("chunk_rows", [None, 5])
def test_passes_through_what_learns_nothing(chunk_rows: int | None) -> None:
    class Extra(ToyObjective):
        def represent(self, batch: Batch) -> dict[str, Tensor]:
            with torch.no_grad():
                frozen = self.module.text(batch["text"])
            return {**super().represent(batch), "frozen": frozen, "number": batch["label"], "unused": batch["view"]}

        def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
            assert torch.equal(reps["number"], batch["label"])
            terms = super().loss(reps, batch)
            return {**terms, "loss": terms["loss"] + (reps["view"] * reps["frozen"]).sum()}

    module = Toy(dropout=0.0)
    _, whole = oracle(module, Extra(module), passes(None))
    _, chunked = cached(module, Extra(module), passes(chunk_rows))
    assert_close(chunked, whole, 1e-5)


def test_randomness_of_the_caller_is_left_alone() -> None:
    module = Toy()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    cached(module, ToyObjective(module), passes(5))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("layer", "chunked", "count", "refused"),
    [
        (nn.BatchNorm1d(3), True, 1, True),
        (nn.BatchNorm1d(3), False, 1, False),
        (nn.BatchNorm1d(3), False, 2, True),
        (nn.BatchNorm1d(3).eval(), True, 2, False),
        (nn.SyncBatchNorm(3), False, 2, False),
        (nn.SyncBatchNorm(3), True, 2, True),
        (nn.LayerNorm(3), True, 2, False),
    ],
)
def test_batch_statistics_are_refused_where_they_would_differ(
    layer: nn.Module, chunked: bool, count: int, refused: bool
) -> None:
    module, world = nn.Sequential(nn.Linear(3, 3), layer), World(device=CPU, count=count)
    if not refused:
        check_chunks(module, chunked=chunked, world=world)
        return
    with pytest.raises(InputError, match="1 normalizes over the batch"):
        check_chunks(module, chunked=chunked, world=world)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"represent": lambda batch: {"x": torch.zeros(())}}, "'x' has shape"),
        ({"represent": lambda batch: {"x": torch.zeros(3, 2)}}, "3, 2"),
        ({"loss": lambda reps, batch: {"total": torch.zeros(())}}, "must be named 'loss'"),
    ],
)
def test_objectives_that_break_the_contract_are_told(changes: dict[str, Any], message: str) -> None:
    module = Toy()
    objective = ToyObjective(module)
    for name, function in changes.items():
        setattr(objective, name, function)
    with pytest.raises(ValueError, match=message):
        cached(module, objective, passes(None))


@pytest.mark.parametrize("batch", [{}, {"a": torch.zeros(0, 2)}, {"a": torch.zeros(2), "b": torch.zeros(3)}])
def test_batches_that_break_the_contract_are_told(batch: Batch) -> None:
    module = Toy()
    with pytest.raises(ValueError, match="one number of rows"):
        accumulate_gradients(module=module, objective=ToyObjective(module), batch=batch, passes=passes(None))
