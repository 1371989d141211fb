"""One battery for every repair of the union: what it may touch, that it repeats, and what it refuses."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import random
import tomllib
from typing import Any, get_args

import numpy as np
import pytest
import torch
from repair_cases import FIT, QUICK, suspect

from threatclip.defenses.contracts import Suspect
from threatclip.defenses.repairs import REPAIRS, Repair
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import module_weights
from threatclip.errors import InputError, RecipeError
from threatclip.experiments.config import as_plain, parse
from threatclip.pairs.pair import MODALITIES, Modality, Pair
from threatclip.training.contracts import Step
from threatclip.training.dual.settings import Fit

pytestmark = pytest.mark.filterwarnings("error")
CASES = [(kind, modality) for kind, repair in REPAIRS.items() for modality in repair.modalities]
ONE_EACH = [(kind, repair.modalities[0]) for kind, repair in REPAIRS.items()]
every_case = pytest.mark.parametrize(("kind", "modality"), CASES)
one_each = pytest.mark.parametrize(("kind", "modality"), ONE_EACH)


def weights(dual: DualEncoder) -> dict[str, np.ndarray]:
    return module_weights(dual)


def repaired(kind: str, case: Suspect, *, seed: int = 0, fit: Fit = FIT) -> tuple[DualEncoder, list[Step]]:
    steps: list[Step] = []
    return REPAIRS[kind](**QUICK.get(kind, {})).repair(case, fit, seed=seed, on_step=steps.append), steps


@pytest.mark.parametrize("repair", get_args(Repair), ids=REPAIRS)
def test_a_repair_says_what_it_is(repair: Any) -> None:
    assert repair.__dataclass_params__.frozen
    assert repair.__slots__ is not None
    assert len(repair.__mro__) == 2  # no base class
    assert all(field.kw_only for field in dataclasses.fields(repair))
    assert REPAIRS[repair.__dataclass_fields__["kind"].default] is repair
    assert set(repair.modalities) <= set(MODALITIES)
    assert repair.modalities
    assert any(character.isdigit() for character in repair.paper)
    documented = inspect.getdoc(repair) or ""
    assert documented.partition("\n")[0].endswith(".")
    for field in dataclasses.fields(repair):
        assert field.name == "kind" or f"{field.name}: " in documented, f"{field.name} is not documented"


@every_case
def test_it_trains_the_model_it_was_given_and_nothing_else(kind: str, modality: Modality) -> None:
    case = suspect(modality)
    trusted, before = list(case.trusted), weights(case.dual)
    learns = {name: parameter.requires_grad for name, parameter in case.dual.named_parameters()}
    dual, steps = repaired(kind, case)
    after = weights(dual)
    assert dual is case.dual
    assert not dual.training
    assert before.keys() == after.keys()
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert all(np.isfinite(value).all() for value in after.values())
    assert {name: parameter.requires_grad for name, parameter in dual.named_parameters()} == learns
    assert list(case.trusted) == trusted
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].epoch == FIT.epochs - 1
    assert all(math.isfinite(value) for step in steps for value in step.losses.values())


@every_case
def test_the_seed_decides_and_nothing_else(kind: str, modality: Modality) -> None:
    results = []
    for around, seed in ((1, 0), (2, 0), (1, 5)):
        torch.manual_seed(around)
        np.random.seed(around)  # noqa: NPY002
        random.seed(around)
        results.append(weights(repaired(kind, suspect(modality, dropout=0.1), seed=seed)[0]))
    first, again, other = results
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


@one_each
@pytest.mark.parametrize("freeze", ["view", "text", "bodies"])
def test_what_the_budget_freezes_keeps_every_weight(kind: str, modality: Modality, freeze: Any) -> None:
    case = suspect(modality)
    before = weights(case.dual)
    after = weights(repaired(kind, case, fit=dataclasses.replace(FIT, freeze=freeze))[0])
    frozen = [
        name
        for name in before
        if name.startswith(f"{freeze}_tower.")
        or (freeze == "bodies" and "_tower." in name and "_tower.projection" not in name)
    ]
    assert len(frozen) > 3
    assert all(np.array_equal(before[name], after[name]) for name in frozen)
    assert any(not np.array_equal(before[name], after[name]) for name in before)


@one_each
def test_rows_that_lack_a_half_are_left_out(kind: str, modality: Modality) -> None:
    case = suspect(modality)
    odd = [Pair(id="no caption", view=case.trusted[0].view), Pair(id="no view", view=b"", caption="a word")]
    mixed = suspect(modality, trusted=[*odd, *case.trusted])
    plain, with_odd = (weights(repaired(kind, one)[0]) for one in (case, mixed))
    assert all(np.array_equal(plain[name], with_odd[name]) for name in plain)


@one_each
def test_too_few_trusted_pairs_are_refused(kind: str, modality: Modality) -> None:
    case = suspect(modality, trusted=suspect(modality).trusted[:10])
    before = weights(case.dual)
    with pytest.raises(InputError, match="10 trusted pairs") as caught:
        repaired(kind, case)
    assert "\n" not in str(caught.value)
    assert all(np.array_equal(before[name], value) for name, value in weights(case.dual).items())


@pytest.mark.parametrize("kind", REPAIRS)
def test_another_modality_is_refused(kind: str) -> None:
    for modality in MODALITIES:
        if modality not in REPAIRS[kind].modalities:
            with pytest.raises(InputError, match=f"{kind} repairs models of .*, this one reads {modality} views"):
                repaired(kind, suspect(modality))
    wrong = dataclasses.replace(suspect("image"), modality="text")
    with pytest.raises(InputError, match="views"):
        repaired(kind, wrong)


@pytest.mark.parametrize("kind", REPAIRS)
def test_a_repair_survives_toml(kind: str) -> None:
    plain = as_plain(REPAIRS[kind]())
    assert parse(Repair, tomllib.loads(f"repair = {as_toml(plain)}")["repair"], where="r.toml") == REPAIRS[kind]()
    with pytest.raises(RecipeError, match="strange"):
        parse(Repair, plain | {"strange": 1}, where="r.toml")


def as_toml(value: Any) -> str:
    """Return a value as TOML has it inline; None is left out, as TOML has none."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items() if item is not None) + "}"
    return "[" + ", ".join(map(as_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)
