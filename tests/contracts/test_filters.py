"""One battery for every filter of the union: a finite score a pair, the same again, and reasons in words."""

from __future__ import annotations

import dataclasses
import inspect
import random
import tomllib
from typing import Any, get_args

import numpy as np
import pytest

from filter_cases import evidence, with_parts
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters import FILTERS, Filter
from threatclip.errors import InputError, RecipeError
from threatclip.experiments.config import as_plain, default_settings, parse
from threatclip.pairs.pair import MODALITIES, Pair

pytestmark = pytest.mark.filterwarnings("error")
CASES = [(kind, modality) for kind, member in FILTERS.items() for modality in member.modalities]
every_case = pytest.mark.parametrize(("kind", "modality"), CASES)
every_kind = pytest.mark.parametrize("kind", FILTERS)
NEEDS_NO_MODEL = {"bursts"}
FOLLOWS_ROWS = set(FILTERS) - {"k_dist", "slof", "dao", "spectral", "agreement"}  # these draw batches or centers


def scored(kind: str, case: Evidence, *, seed: int = 0) -> np.ndarray:
    scores: np.ndarray = FILTERS[kind]().scores(case, rng=np.random.default_rng(seed))
    return scores


@pytest.mark.parametrize("member", get_args(Filter), ids=FILTERS)
def test_a_filter_says_what_it_is(member: Any) -> None:
    assert member.__dataclass_params__.frozen
    assert member.__slots__ is not None
    assert len(member.__mro__) == 2  # no base class
    assert all(field.kw_only for field in dataclasses.fields(member))
    assert FILTERS[member.__dataclass_fields__["kind"].default] is member
    assert set(member.modalities) <= set(MODALITIES)
    assert member.modalities
    assert any(character.isdigit() for character in member.paper)
    documented = inspect.getdoc(member) or ""
    assert documented.partition("\n")[0].endswith(".")
    for field in dataclasses.fields(member):
        assert field.name == "kind" or f"{field.name}: " in documented, f"{field.name} is not documented"
    assert default_settings(member)[1] == []  # an audit runs every filter without being told anything


@every_case
def test_every_pair_has_a_finite_score(kind: str, modality: Any) -> None:
    scores = scored(kind, evidence(modality=modality))
    assert scores.shape == (120,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 1


@every_kind
def test_the_generator_decides_and_nothing_else(kind: str) -> None:
    case = evidence()
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    first = scored(kind, case, seed=3)
    np.random.seed(2)  # noqa: NPY002
    random.seed(2)
    np.testing.assert_array_equal(first, scored(kind, case, seed=3))


@every_kind
def test_what_the_defender_holds_stays_as_it_is(kind: str) -> None:
    case = evidence()
    names = ("views", "captions", "trusted_views", "trusted_captions")
    kept = {name: getattr(case, name).copy() for name in names}
    pairs = list(case.pairs)
    for name in names:
        getattr(case, name).setflags(write=False)
    scored(kind, case)
    assert list(case.pairs) == pairs
    for name in names:
        np.testing.assert_array_equal(kept[name], getattr(case, name))


@every_kind
def test_labels_groups_splits_and_meta_are_not_read(kind: str) -> None:
    case = evidence()
    told = [dataclasses.replace(pair, label="dog", group="g", split="test", meta={"a": "b"}) for pair in case.pairs]
    np.testing.assert_array_equal(scored(kind, case), scored(kind, with_parts(case, pairs=told)))


@pytest.mark.parametrize("kind", sorted(FOLLOWS_ROWS))
def test_the_order_of_pairs_is_not_read(kind: str) -> None:
    case = evidence()
    order = np.random.default_rng(1).permutation(len(case.pairs))
    shuffled = with_parts(
        case, pairs=[case.pairs[place] for place in order], views=case.views[order], captions=case.captions[order]
    )
    np.testing.assert_allclose(scored(kind, case)[order], scored(kind, shuffled), rtol=1e-5, atol=1e-6)


@every_case
def test_reasons_are_sentences_about_the_pairs_asked_for(kind: str, modality: Any) -> None:
    case = evidence(modality=modality)
    scores = scored(kind, case)
    places = [5, 0, 119]
    reasons = FILTERS[kind]().reasons(case, scores, places)
    assert len(reasons) == 3
    assert all(isinstance(reason, str) and any(c.isdigit() for c in reason) for reason in reasons)
    assert all("\n" not in reason and 20 < len(reason) < 240 for reason in reasons)
    assert reasons[::-1] == FILTERS[kind]().reasons(case, scores, places[::-1])
    assert FILTERS[kind]().reasons(case, scores, []) == []


@every_kind
def test_reasons_quote_nothing_of_a_stranger(kind: str) -> None:
    case = evidence()
    hostile = [Pair(id="<script>", view=b"<img src=x>", caption="<b>{score} %s</b>", label="{0}") for _ in case.pairs]
    case = with_parts(case, pairs=hostile)
    for reason in FILTERS[kind]().reasons(case, scored(kind, case), [0, 1]):
        assert not set(reason) & set("<>{}%s") - {"s", "%"}


@every_kind
def test_pairs_that_are_all_alike_have_scores_too(kind: str) -> None:
    case = evidence()
    same = with_parts(
        case,
        pairs=[dataclasses.replace(pair, view=b"same", caption=None) for pair in case.pairs],
        views=np.repeat(case.views[:1], 120, axis=0),
        captions=np.repeat(case.captions[:1], 120, axis=0),
        trusted_views=np.repeat(case.views[:1], 60, axis=0),
        trusted_captions=np.repeat(case.captions[:1], 60, axis=0),
    )
    assert np.isfinite(scored(kind, same)).all()


@every_kind
def test_evidence_without_vectors_is_refused_where_they_are_needed(kind: str) -> None:
    none = np.empty((0, 0), dtype=np.float32)
    case = with_parts(evidence(), views=none, captions=none)
    if kind in NEEDS_NO_MODEL:
        assert len(scored(kind, case)) == 120
        return
    with pytest.raises(InputError, match="vectors") as caught:
        scored(kind, case)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", sorted(set(FILTERS) - NEEDS_NO_MODEL))
def test_vectors_of_a_model_that_diverged_are_refused(kind: str) -> None:
    broken = evidence()
    broken.views[7, 3] = np.nan
    with pytest.raises(InputError, match="not finite"):
        scored(kind, broken)


@every_kind
def test_a_filter_survives_toml(kind: str) -> None:
    plain = as_plain(FILTERS[kind]())
    assert parse(Filter, plain, where="r.toml") == FILTERS[kind]()
    only = tomllib.loads(f'filter = {{ kind = "{kind}" }}')["filter"]
    assert parse(Filter, only, where="r.toml") == FILTERS[kind]()
    with pytest.raises(RecipeError, match="unknown key"):
        parse(Filter, {"kind": kind, "nonsense": 1}, where="r.toml")


@every_kind
def test_a_modality_that_a_filter_cannot_judge_is_refused(kind: str) -> None:
    missing = [modality for modality in (*MODALITIES, "sound") if modality not in FILTERS[kind].modalities]
    for modality in missing:
        with pytest.raises(InputError, match=modality):
            scored(kind, with_parts(evidence(), modality=modality))
