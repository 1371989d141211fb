"""SafeCLIP: whom it trusts, in which batches they come, and in which order its three fits run."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from pair_cases import picture_pairs, tiny_case, tiny_dual
from threatclip.defenses.trainings import safe_memory
from threatclip.defenses.trainings.safe_batches import UNIMODAL, SplitBatches
from threatclip.defenses.trainings.safe_memory import SafeMemory
from threatclip.defenses.trainings.safe_split import clean_probabilities, most_clean, pair_cosines
from threatclip.defenses.trainings.safeclip import SafeClip
from threatclip.encoders.encode import encode
from threatclip.errors import InputError, RecipeError
from threatclip.training.dual.batches import PairBatches
from training_cases import MILD, QUICK


def _two_kinds(n_risky: int, n_clean: int) -> np.ndarray:
    draw = np.random.default_rng(0)
    return np.concatenate([draw.normal(0.1, 0.05, n_risky), draw.normal(0.6, 0.05, n_clean)])


def test_two_kinds_of_pairs_are_told_apart_and_better_is_never_worse() -> None:
    cosines = _two_kinds(30, 70)
    clean = clean_probabilities(cosines)
    assert (clean[:30] < 0.1).all()
    assert (clean[30:] > 0.9).all()
    order = np.argsort(cosines)
    assert (np.diff(clean[order]) >= -1e-12).all()
    assert np.array_equal(most_clean(cosines, share=0.7), np.arange(100) >= 30)
    assert most_clean(cosines, share=0.255).sum() == 25
    assert not most_clean(cosines, share=0.0).any()


def test_cosines_that_say_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="1 of 5 cosines are not finite"):
        clean_probabilities(np.array([0.1, 0.2, np.nan, 0.3, 0.4]))
    with pytest.raises(InputError):
        clean_probabilities(np.array([0.1, 0.2]))


def test_cosines_are_of_plain_pairs_in_evaluation_mode() -> None:
    pairs = picture_pairs(12)
    dual, prepared = tiny_case(12)
    dual.train()
    found = pair_cosines(dual, prepared)
    assert dual.training
    views = encode(dual.view_tower, [pair.view for pair in pairs], precision="fp32")
    captions = encode(dual.text_tower, [(pair.caption or "").encode() for pair in pairs], precision="fp32")
    np.testing.assert_allclose(found, (views * captions).sum(axis=1), atol=1e-5)


def _split(memory: SafeMemory, monkeypatch: pytest.MonkeyPatch, cosines: np.ndarray, epoch: int) -> None:
    nothing: Any = None
    monkeypatch.setattr(safe_memory, "pair_cosines", lambda dual, pairs: cosines)
    memory.split(nothing, nothing, epoch, clean=0.9, growth=0.1, most=0.85)


def test_the_safe_share_starts_with_the_mixture_and_grows_to_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SafeMemory(n_pairs=100, rows=4, dim=2)
    assert not memory.is_split(0)
    shares = []
    for epoch in range(5):
        _split(memory, monkeypatch, _two_kinds(40, 60), epoch)
        assert memory.is_split(epoch)
        shares.append(int(memory.safe.sum()))
    assert shares == [60, 70, 80, 85, 85]
    assert set(memory.rows(safe=True)) | set(memory.rows(safe=False)) == set(range(100))
    kept = SafeMemory(n_pairs=100, rows=4, dim=2)
    kept.load_state_dict(memory.state_dict())
    assert kept.is_split(4)


@pytest.mark.parametrize("n_safe", [0, 1, 5, 20, 30, 31, 32])
@pytest.mark.parametrize("visits", ["view", "pair"])
def test_batches_are_of_one_kind_and_as_many_as_its_share(n_safe: int, visits: Any) -> None:
    pairs = picture_pairs(32, captions=1)
    dual, prepared = tiny_case(32)
    prepared = prepared.take(np.arange(0, 64, 2))
    assert len(pairs) == len(prepared)
    settings = dataclasses.replace(QUICK, batch_rows=8, visits=visits)
    plain = PairBatches(pairs=prepared, dual=dual, settings=settings, seed=0)
    memory = SafeMemory(n_pairs=32, rows=4, dim=2)
    memory.safe[:n_safe] = True
    safe_groups = set(prepared.groups[:n_safe].tolist())
    batches = SplitBatches(plain=plain, memory=memory, split=lambda epoch: memory.epoch.fill_(epoch) and None)
    assert batches.steps_per_epoch == 4
    kinds = []
    for step in range(4):
        batch = batches.batch(3, step)
        assert batch[UNIMODAL].all() or not batch[UNIMODAL].any()
        unimodal = bool(batch[UNIMODAL].all())
        kinds.append(unimodal)
        groups = batch["group"].tolist()
        assert 2 <= len(groups) == len(set(groups)) <= 8
        assert all((group in safe_groups) != unimodal for group in groups)
        again = batches.batch(3, step)
        assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert kinds == sorted(kinds, reverse=True)  # risky ones first
    expected = {0: 0, 1: 0, 5: 1, 20: 2, 30: 3, 31: 4, 32: 4}
    assert kinds.count(False) == expected[n_safe]


def test_three_fits_run_in_turn_and_the_slow_one_is_slow() -> None:
    pairs = picture_pairs(48, captions=1)
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    fit = dataclasses.replace(QUICK, epochs=5)
    training = SafeClip(unimodal_epochs=2, clean=0.5, augmentation=MILD)
    told = list(training.steps(dual, pairs, fit, seed=0))
    assert [step.epoch for step in told] == [epoch for epoch in range(5) for _ in range(3)]
    assert max(step.lr for step in told if step.epoch == 2) == pytest.approx(fit.learning_rate * 0.01)
    assert max(step.lr for step in told if step.epoch != 2) > fit.learning_rate / 2
    assert {step.losses["safe_share"] for step in told if step.epoch < 3} == {0.0}
    assert all(0 < step.losses["safe_share"] < 1 for step in told if step.epoch > 2)


def test_budgets_and_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"epochs = 6, and safeclip warms up for 5 \+ 1"):
        SafeClip().check(dataclasses.replace(QUICK, epochs=6))
    for wrong in ({"clean": 1.5}, {"slow_rate": 0.0}, {"unimodal_epochs": -1}, {"growth": -0.1}, {"most_safe": 2.0}):
        with pytest.raises(RecipeError):
            SafeClip(**wrong)  # type: ignore[arg-type]
