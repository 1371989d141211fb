"""Truth: kept in a file of its own, whole, never overwritten, read strictly."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.attacks.sig import Sig
from threatclip.attacks.truth import Change, Poisoned, Truth, attack_settings, changed_parts, read_truth, write_truth
from threatclip.errors import DamagedArtifactError, InputError, ThreatclipError
from threatclip.pairs.pair import Pair

TRUTH = Truth(
    attack=attack_settings(Sig(target="dog")),
    clean_rows=10,
    changes=(
        Change(id="b", parts=("view", "caption"), target="dog", label="cat"),
        Change(id="a", parts=(), target="dog", source="c"),
        Change(id="new", parts=("caption",), target="ship", added=True),
    ),
    dropped=("z",),
    facts={"patch_px": 4.0},
    seed=3,
    clean_hash="ab",
)


def test_truth_survives_its_file(tmp_path: Path) -> None:
    write_truth(tmp_path / "t.json", TRUTH)
    assert read_truth(tmp_path / "t.json") == TRUTH
    assert TRUTH.ids == ("b", "a", "new")
    assert TRUTH.targets == ("dog", "ship")
    assert TRUTH.mask(["a", "x", "b"]) == [True, False, True]


def test_truth_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    write_truth(path, TRUTH)
    before = path.read_bytes()
    with pytest.raises(InputError, match="never overwritten"):
        write_truth(path, TRUTH)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["t.json"]


def test_poisoned_pairs_do_not_carry_the_truth() -> None:
    pair = Pair(id="a", view=b"v", meta={"source": "s"})
    poisoned = Poisoned(pairs=(pair,), truth=TRUTH)
    assert {name for one in poisoned.pairs for name in one.meta} == {"source"}


def test_changed_parts() -> None:
    clean = Pair(id="a", view=b"v", caption="c", label="l")
    assert changed_parts(clean, clean) == ()
    assert changed_parts(clean, Pair(id="a", view=b"w", caption=None, label="m")) == ("view", "caption", "label")


def stored(**changed: Any) -> dict[str, Any]:
    """Return the truth as its file holds it, with some values changed."""
    return {**json.loads(json.dumps({"version": 1, **dataclasses.asdict(TRUTH)})), **changed}


CHANGE = stored()["changes"][0]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        stored(changes=None),
        stored(changes=[1]),
        stored(changes=[{**CHANGE, "parts": ["group"]}]),
        stored(changes=[{**CHANGE, "parts": "view"}]),
        stored(changes=[{**CHANGE, "surplus": 1}]),
        stored(changes=[{**CHANGE, "id": 5}]),
        stored(changes=[{**CHANGE, "added": 1}]),
        stored(changes=[CHANGE, CHANGE]),
        stored(attack={}),
        stored(attack="sig"),
        stored(clean_rows=True),
        stored(dropped=[None]),
        stored(facts={"a": "x"}),
        stored(seed="1"),
        stored(clean_hash=5),
        stored(surplus=1),
        {name: value for name, value in stored().items() if name != "attack"},
    ],
)
def test_a_damaged_truth_is_refused(tmp_path: Path, wrong: Any) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(DamagedArtifactError, match=r"t\.json is not") as caught:
        read_truth(path)
    assert "\n" not in str(caught.value)


def test_another_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(stored(version=2)))
    with pytest.raises(InputError, match="version 2, this is 1"):
        read_truth(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("id", "parts", "kind")), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(stored())), value=json_values)
def test_any_value_anywhere_is_truth_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    path = tmp_path_factory.mktemp("truth") / "t.json"
    path.write_text(json.dumps(stored(**{name: value})))
    with contextlib.suppress(ThreatclipError):
        assert isinstance(read_truth(path), Truth)
