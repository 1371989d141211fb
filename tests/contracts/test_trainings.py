"""One battery for every training of the union: what it says of itself, that it repeats, learns and can be stopped."""

from __future__ import annotations

import dataclasses
import inspect
import math
import random
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from threatclip.defenses.trainings import TRAININGS, Training
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import module_weights
from threatclip.errors import InputError
from threatclip.experiments.config import as_plain, parse
from threatclip.pairs.pair import MODALITIES
from threatclip.training.contracts import Step
from threatclip.training.dual.fit import Keeping
from training_cases import MATERIAL, QUICK, TRAININGS_TRIED, Material

every_training = pytest.mark.parametrize("training", TRAININGS_TRIED.values(), ids=TRAININGS_TRIED)
every_modality = pytest.mark.parametrize("material", MATERIAL.values(), ids=MATERIAL)
PICTURES = MATERIAL["image"]


def same(first: DualEncoder, second: DualEncoder) -> bool:
    ours, theirs = module_weights(first), module_weights(second)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_every_training_of_the_union_is_tried() -> None:
    assert {training.kind for training in TRAININGS_TRIED.values()} == set(TRAININGS)


@pytest.mark.parametrize("training", get_args(Training), ids=TRAININGS)
def test_a_training_says_what_it_is(training: Any) -> None:
    assert training.__dataclass_params__.frozen
    assert training.__slots__ is not None
    assert len(training.__mro__) == 2  # no base class
    assert all(field.kw_only for field in dataclasses.fields(training))
    assert TRAININGS[training().kind] is training
    assert training.modalities
    assert set(training.modalities) <= set(MODALITIES)
    assert any(character.isdigit() for character in training.paper)
    documented = inspect.getdoc(training) or ""
    assert documented.partition("\n")[0].endswith(".")
    for field in dataclasses.fields(training):
        assert field.name == "kind" or f"{field.name}: " in documented, f"{field.name} is not documented"


@every_training
def test_a_training_survives_a_recipe(training: Any) -> None:
    assert parse(Training, as_plain(training), where="r.toml") == training


@every_modality
@every_training
def test_it_trains_in_place_on_every_modality(training: Any, material: Material) -> None:
    assert material.modality in training.modalities
    pairs, dual, fresh = material.pairs(), material.dual(), material.dual()
    kept, told = list(pairs), []
    assert training.train(dual, pairs, QUICK, seed=0, on_step=told.append) is dual
    assert pairs == kept
    assert not same(dual, fresh)
    assert not dual.training
    assert all(parameter.requires_grad for parameter in dual.parameters())
    assert all(math.isfinite(value) for step in told for value in step.losses.values())
    assert [step.step for step in told] == list(range(1, len(told) + 1))
    assert {step.epoch for step in told} == set(range(QUICK.epochs))
    assert all(torch.isfinite(parameter).all() for parameter in dual.parameters())


@every_training
def test_the_seed_decides_and_nothing_else(training: Any) -> None:
    results = []
    for seed, noise in ((0, 1), (0, 2), (1, 1)):
        np.random.seed(noise)  # noqa: NPY002
        random.seed(noise)
        torch.manual_seed(noise)
        results.append(training.train(PICTURES.dual(), PICTURES.pairs(), QUICK, seed=seed))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


@every_training
@pytest.mark.parametrize("stop", [2, 4])
def test_a_stopped_training_resumes_to_the_same_bytes(training: Any, stop: int, tmp_path: Path) -> None:
    fit = dataclasses.replace(QUICK, checkpoint_every_steps=1)
    whole = training.train(PICTURES.dual(), PICTURES.pairs(), fit, seed=0)
    steps = training.steps(PICTURES.dual(), PICTURES.pairs(), fit, seed=0, keeping=Keeping(checkpoints=tmp_path))
    for step in steps:
        if step.step == stop:
            break
    steps.close()
    resumed, rest = PICTURES.dual(), list[Step]()
    again = Keeping(checkpoints=tmp_path, resume=True)
    rest.extend(training.steps(resumed, PICTURES.pairs(), fit, seed=0, keeping=again))
    assert same(whole, resumed)
    assert [step.step for step in rest] == list(range(stop + 1, 7))


@every_training
@pytest.mark.parametrize("freeze", ["view", "bodies"])
def test_what_is_frozen_keeps_every_weight(training: Any, freeze: Any) -> None:
    dual, before = PICTURES.dual(), module_weights(PICTURES.dual())
    training.train(dual, PICTURES.pairs(), dataclasses.replace(QUICK, freeze=freeze), seed=0)
    for name, value in module_weights(dual).items():
        if name.startswith(f"{freeze}_") or (freeze == "bodies" and "tower" in name and "projection" not in name):
            np.testing.assert_array_equal(value, before[name], err_msg=name)


@every_training
def test_too_few_pairs_are_refused(training: Any) -> None:
    with pytest.raises(InputError):
        training.train(PICTURES.dual(), PICTURES.pairs()[:8], QUICK, seed=0)
    with pytest.raises(InputError):
        training.train(PICTURES.dual(), [], QUICK, seed=0)
