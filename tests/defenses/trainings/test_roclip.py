"""RoCLIP: when it matches, with what, and that a planted caption is then not bound to its view."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from pair_cases import picture_pairs, tiny_dual
from threatclip.defenses.trainings.bank import Bank
from threatclip.defenses.trainings.roclip import _MATCHED, RoClip, _Matching
from threatclip.encoders.towers import module_weights
from threatclip.errors import RecipeError
from threatclip.training.contracts import Step
from training_cases import MILD, QUICK


def _told(training: RoClip, epochs: int) -> tuple[list[dict[str, np.ndarray]], list[Step]]:
    pairs = picture_pairs(32, captions=1)
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    texts, told = [], []
    for step in training.steps(dual, pairs, dataclasses.replace(QUICK, epochs=epochs, weight_decay=0.0), seed=0):
        texts.append(module_weights(dual.text_tower))
        told.append(step)
    return texts, told


def test_only_every_nth_epoch_matches_and_then_the_captions_stand_still() -> None:
    texts, told = _told(RoClip(break_epoch=2, augmentation=MILD), epochs=4)
    still = {}
    for before, after, step in zip(texts, texts[1:], told[1:], strict=False):
        still.setdefault(step.epoch, []).append(all(np.array_equal(before[name], after[name]) for name in before))
    assert still == {0: [False], 1: [True, True], 2: [False, False], 3: [True, True]}


def test_a_fit_that_is_too_short_never_matches() -> None:
    texts, _ = _told(RoClip(break_epoch=9, augmentation=MILD), epochs=2)
    assert not any(
        all(np.array_equal(before[name], after[name]) for name in before) for before, after in itertools.pairwise(texts)
    )


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"break_epoch": 0}, {"bank_share": 1.5}, {"bank_share": -0.1}):
        with pytest.raises(RecipeError):
            RoClip(**wrong)  # type: ignore[arg-type]


def test_a_matching_epoch_reads_the_bank_before_its_own_captions_come_in() -> None:
    class Plain:
        class dual:  # noqa: N801
            temperature = torch.tensor(1.0)

        @staticmethod
        def loss(reps: object, batch: object) -> dict[str, torch.Tensor]:
            return {"loss": torch.tensor(-1.0)}

    bank = Bank(4, 2)
    objective = _Matching(plain=Plain, sides=None, bank=bank)  # type: ignore[arg-type]
    views = torch.eye(2)
    captions = torch.tensor([[0.0, 1.0], [1.0, 0.0]])  # planted: each view with the other's caption
    batch = {_MATCHED: torch.ones(2, dtype=torch.bool), "group": torch.arange(2)}
    assert float(objective.loss({"view": views, "caption": captions}, batch)["loss"]) == -1  # empty: plain pairs
    # now each view finds the caption that fits it, whichever it came with: cosines 1 and 0
    value = float(objective.loss({"view": views, "caption": captions}, batch)["loss"])
    assert value == pytest.approx(np.log(1 + np.exp(-1.0)))
    plain = {_MATCHED: torch.zeros(2, dtype=torch.bool), "group": torch.arange(2)}
    assert float(objective.loss({"view": views, "caption": captions}, plain)["loss"]) == -1
    assert len(bank) == 4
