"""One battery for every scanner of the union: what it says of itself, that it repeats, and what it leaves alone."""

from __future__ import annotations

import dataclasses
import inspect
import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from detecting_cases import PROMPTS, fresh_suspect
from threatclip.defenses.contracts import Scan, Suspect
from threatclip.defenses.scanners import SCANNERS, Scanner
from threatclip.defenses.scanners.decree import Decree
from threatclip.defenses.scanners.insertion import Insertion
from threatclip.defenses.scanners.inversion import Inversion
from threatclip.encoders.towers import module_weights
from threatclip.errors import InputError
from threatclip.experiments.config import as_plain, parse
from threatclip.pairs.pair import MODALITIES, Modality

pytestmark = pytest.mark.filterwarnings("error")
QUICK: dict[str, Any] = {
    "decree": Decree(pictures=32, search=Inversion(steps=6, batch=4)),
    "insertion": Insertion(candidates=20, views=16, beam=2),
}
CASES = [(kind, modality) for kind, scanner in SCANNERS.items() for modality in scanner.modalities]
every_case = pytest.mark.parametrize(("kind", "modality"), CASES)
every_kind = pytest.mark.parametrize("scanner", get_args(Scanner), ids=SCANNERS)


def scanned(kind: str, case: Suspect, *, seed: int = 0) -> Scan:
    scan: Scan = QUICK[kind].scan(case, rng=np.random.default_rng(seed))
    return scan


@every_kind
def test_a_scanner_says_what_it_is(scanner: Any) -> None:
    assert scanner.__dataclass_params__.frozen
    assert scanner.__slots__ is not None
    assert len(scanner.__mro__) == 2  # no base class
    assert all(field.kw_only for field in dataclasses.fields(scanner))
    assert SCANNERS[scanner.__dataclass_fields__["kind"].default] is scanner
    assert scanner.modalities
    assert set(scanner.modalities) <= set(MODALITIES)
    assert any(character.isdigit() for character in scanner.paper)
    assert scanner().verdict_above > 0
    documented = inspect.getdoc(scanner) or ""
    assert documented.partition("\n")[0].endswith(".")
    for field in dataclasses.fields(scanner):
        assert field.name == "kind" or f"{field.name}: " in documented, f"{field.name} is not documented"


@every_kind
def test_a_scanner_survives_a_recipe(scanner: Any) -> None:
    kind = scanner.__dataclass_fields__["kind"].default
    for one in (scanner(), QUICK[kind]):
        assert parse(Scanner, as_plain(one), where="r.toml") == one


@every_case
def test_a_scan_is_finite_and_tells_of_each_class(kind: str, modality: Modality) -> None:
    found = scanned(kind, fresh_suspect(modality))
    assert math.isfinite(found.score)
    assert all(math.isfinite(value) for value in found.facts.values())
    for name in PROMPTS:
        assert 0 <= found.facts[f"reached.{name}"] <= 1
    assert found.score == max(found.facts[f"index.{name}"] for name in PROMPTS)


@every_case
def test_the_generator_decides_and_nothing_else(kind: str, modality: Modality) -> None:
    np.random.seed(1)  # noqa: NPY002
    first = scanned(kind, fresh_suspect(modality), seed=3)
    np.random.seed(2)  # noqa: NPY002
    assert scanned(kind, fresh_suspect(modality), seed=3) == first
    assert scanned(kind, fresh_suspect(modality), seed=4).facts != first.facts


@every_case
def test_nothing_of_the_defender_changes(kind: str, modality: Modality) -> None:
    case = fresh_suspect(modality)
    weights, trusted = module_weights(case.dual), list(case.trusted)
    case.dual.train()
    scanned(kind, case)
    assert case.dual.training
    after = module_weights(case.dual)
    assert all(np.array_equal(weights[name], after[name]) for name in weights)
    assert list(case.trusted) == trusted
    assert all(parameter.requires_grad for parameter in case.dual.view_tower.parameters())
    assert all(parameter.grad is None for parameter in case.dual.parameters())


@pytest.mark.parametrize(("kind", "modality"), [("decree", "payload"), ("decree", "text"), ("insertion", "image")])
def test_views_that_it_cannot_change_are_refused_by_name(kind: str, modality: Modality) -> None:
    with pytest.raises(InputError, match=f"reads {modality}s; use"):
        scanned(kind, fresh_suspect(modality))


@every_case
def test_too_little_to_judge_by_is_refused(kind: str, modality: Modality) -> None:
    case = fresh_suspect(modality)
    with pytest.raises(InputError, match="trusted"):
        scanned(kind, replace(case, trusted=case.trusted[:5]))
    with pytest.raises(InputError, match="2 classes"):
        scanned(kind, replace(case, prompts=dict(list(PROMPTS.items())[:2])))
