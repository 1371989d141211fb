"""One battery for every detector of the union: what it says of itself, that it repeats, judges each view alone."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from detecting_cases import fresh_suspect
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.detectors import DETECTORS, Detector
from threatclip.encoders.towers import module_weights
from threatclip.errors import ImageFaultError, InputError
from threatclip.experiments.config import as_plain, parse
from threatclip.pairs.pair import MODALITIES, Modality

pytestmark = pytest.mark.filterwarnings("error")
CASES = [(kind, modality) for kind, detector in DETECTORS.items() for modality in detector.modalities]
every_case = pytest.mark.parametrize(("kind", "modality"), CASES)
every_kind = pytest.mark.parametrize("detector", get_args(Detector), ids=DETECTORS)


def views_of(case: Suspect, n: int = 12) -> list[bytes]:
    return [pair.view for pair in case.trusted[:n]]


def halves(case: Suspect) -> tuple[Suspect, list[bytes]]:
    return replace(case, trusted=case.trusted[20:]), views_of(case)


def scored(kind: str, case: Suspect, views: list[bytes], *, seed: int = 0) -> np.ndarray:
    scores: np.ndarray = DETECTORS[kind]().scores(case, views, rng=np.random.default_rng(seed))
    return scores


@every_kind
def test_a_detector_says_what_it_is(detector: Any) -> None:
    assert detector.__dataclass_params__.frozen
    assert detector.__slots__ is not None
    assert len(detector.__mro__) == 2  # no base class
    assert all(field.kw_only for field in dataclasses.fields(detector))
    assert DETECTORS[detector.__dataclass_fields__["kind"].default] is detector
    assert detector.modalities
    assert set(detector.modalities) <= set(MODALITIES)
    assert any(character.isdigit() for character in detector.paper)
    assert 10 < len(detector.finding) < 80
    documented = inspect.getdoc(detector) or ""
    assert documented.partition("\n")[0].endswith(".")
    for field in dataclasses.fields(detector):
        assert field.name == "kind" or f"{field.name}: " in documented, f"{field.name} is not documented"


@every_kind
def test_a_detector_survives_a_recipe(detector: Any) -> None:
    assert parse(Detector, as_plain(detector()), where="r.toml") == detector()


@every_case
def test_every_view_gets_one_finite_score(kind: str, modality: Modality) -> None:
    case, views = halves(fresh_suspect(modality))
    scores = scored(kind, case, views)
    assert scores.shape == (len(views),)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert scored(kind, case, []).shape == (0,)


@every_case
def test_the_generator_decides_and_nothing_else(kind: str, modality: Modality) -> None:
    case, views = halves(fresh_suspect(modality))
    np.random.seed(1)  # noqa: NPY002
    first = scored(kind, case, views, seed=3)
    np.random.seed(2)  # noqa: NPY002
    assert (scored(kind, case, views, seed=3) == first).all()


@every_case
def test_a_view_is_judged_by_itself(kind: str, modality: Modality) -> None:
    case, views = halves(fresh_suspect(modality))
    together = scored(kind, case, views)
    np.testing.assert_allclose(scored(kind, case, views[3:5]), together[3:5], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(scored(kind, case, views[::-1]), together[::-1], rtol=2e-3, atol=1e-5)


@every_case
def test_nothing_of_the_defender_changes(kind: str, modality: Modality) -> None:
    case, views = halves(fresh_suspect(modality))
    weights, trusted, given = module_weights(case.dual), list(case.trusted), list(views)
    case.dual.train()
    scored(kind, case, views)
    assert case.dual.training
    after = module_weights(case.dual)
    assert all(np.array_equal(weights[name], after[name]) for name in weights)
    assert (list(case.trusted), views) == (trusted, given)
    assert all(parameter.requires_grad for parameter in case.dual.view_tower.parameters())


@every_case
def test_strange_views_are_scored(kind: str, modality: Modality) -> None:
    case, _ = halves(fresh_suspect(modality))
    if modality == "image":
        with pytest.raises(ImageFaultError):
            scored(kind, case, [b"no picture"])
        return
    strange = [b"x", b"\x00" * 40, b"a" * 5000, "один два".encode(), b"\xff\xfe\xfd", b"  \n  ", b"one two"]
    assert np.isfinite(scored(kind, case, strange)).all()


@pytest.mark.parametrize("kind", ["bdetclip", "blending"])
def test_a_model_without_prompts_is_refused_where_they_are_needed(kind: str) -> None:
    case, views = halves(fresh_suspect("text"))
    with pytest.raises(InputError, match="class prompts"):
        scored(kind, replace(case, prompts={}), views)


@pytest.mark.parametrize("kind", ["bdetclip", "blending", "outlier"])
def test_too_few_trusted_pairs_are_refused_where_they_are_needed(kind: str) -> None:
    case, views = halves(fresh_suspect("text"))
    with pytest.raises(InputError, match="trusted"):
        scored(kind, replace(case, trusted=[]), views)
