"""One battery for every attack of the union: what it may touch, what it must tell, and that it can be repeated."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from attack_cases import CASES, COUNT, Case
from PIL import Image

from picture_cases import pixels_of
from threatclip.attacks import ATTACKS, Attack
from threatclip.attacks.choice import trainable
from threatclip.attacks.contracts import Poisoned
from threatclip.attacks.truth import attack_settings, read_truth, write_truth
from threatclip.errors import InputError
from threatclip.experiments.config import as_plain, parse
from threatclip.pairs.images import resize_square
from threatclip.pairs.pair import MODALITIES, Pair
from threatclip.pairs.table import PairTable, write_pairs

pytestmark = pytest.mark.filterwarnings("error")


def cases_where(holds: Callable[[Case], bool]) -> Any:
    """Parametrize a test over the cases that it has something to say about."""
    chosen = {name: case for name, case in CASES.items() if holds(case)}
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen)


every_case = cases_where(lambda case: True)
picture_case = cases_where(lambda case: case.modality == "image")
trigger_case = cases_where(lambda case: hasattr(case.attack, "trigger"))


def content(pair: Pair, case: Case) -> Any:
    """Return what a view shows, whatever file it is in."""
    if case.modality == "image" and pair.view:
        side = getattr(case.attack, "side_px", None)
        pixels = pixels_of(pair.view)
        if side is not None and pixels.shape[:2] != (side, side):
            pixels = resize_square(pixels, side, fit=case.attack.fit)
        return pixels.shape, pixels.tobytes()
    return pair.view


def parts_that_differ(before: Pair, after: Pair, case: Case) -> set[str]:
    names = [field.name for field in dataclasses.fields(Pair) if field.name != "view"]
    found = {name for name in names if getattr(before, name) != getattr(after, name)}
    return found | ({"view"} if content(before, case) != content(after, case) else set())


def test_every_attack_of_the_union_has_a_case() -> None:
    assert {case.attack.kind for case in CASES.values()} == set(ATTACKS)


@pytest.mark.parametrize("attack", get_args(Attack), ids=ATTACKS)
def test_an_attack_says_what_it_is(attack: Any) -> None:
    parameters = attack.__dataclass_params__
    assert parameters.frozen
    assert attack.__slots__ is not None
    assert len(attack.__mro__) == 2  # no base class
    assert all(field.kw_only for field in dataclasses.fields(attack))
    assert ATTACKS[attack.__dataclass_fields__["kind"].default] is attack
    assert set(attack.modalities) <= set(MODALITIES)
    assert attack.modalities
    assert any(character.isdigit() for character in attack.paper)
    documented = inspect.getdoc(attack) or ""
    assert documented.partition("\n")[0].endswith(".")
    for field in dataclasses.fields(attack):
        assert field.name == "kind" or f"{field.name}: " in documented, f"{field.name} is not documented"


@every_case
def test_exactly_the_told_rows_and_fields_change(case: Case) -> None:
    clean = case.pairs()
    kept = list(clean)
    poisoned = case.poison(count=COUNT, pairs=clean)
    assert clean == kept
    truth = poisoned.truth
    added = {change.id for change in truth.changes if change.added}
    before = [pair for pair in clean if pair.id not in truth.dropped]
    after = [pair for pair in poisoned.pairs if pair.id not in added]
    assert [pair.id for pair in after] == [pair.id for pair in before]  # order and ids
    assert len(truth.changes) == COUNT
    assert len({pair.id for pair in poisoned.pairs}) == len(poisoned.pairs)
    told = {change.id: set(change.parts) for change in truth.changes}
    for one, other in zip(before, after, strict=True):
        assert parts_that_differ(one, other, case) == told.get(one.id, set()), one.id
    assert added <= {pair.id for pair in poisoned.pairs}


@every_case
def test_poison_goes_where_a_victim_trains(case: Case) -> None:
    clean = case.pairs()
    free = {clean[row].id for row in trainable(clean)}
    assert any(pair.id not in free for pair in clean), "the case should have rows of the judge"
    truth = case.poisoned().truth
    assert {change.id for change in truth.changes if not change.added} <= free
    assert set(truth.dropped) <= free


@every_case
def test_truth_is_complete(case: Case, tmp_path: Path) -> None:
    clean = {pair.id: pair for pair in case.pairs()}
    poisoned = case.poisoned()
    after = {pair.id: pair for pair in poisoned.pairs}
    truth = poisoned.truth
    assert truth.clean_rows == len(clean)
    assert [pair.id for pair in poisoned.pairs if pair.id in set(truth.ids)] == list(truth.ids)
    for change in truth.changes:
        assert change.target
        assert change.id in after
        if not change.added:
            assert change.label == clean[change.id].label
        if change.source is not None:
            assert change.source in clean
    write_truth(tmp_path / "t.json", truth)
    assert read_truth(tmp_path / "t.json") == truth
    again = parse(Attack, read_truth(tmp_path / "t.json").attack, where="truth")
    assert attack_settings(again) == truth.attack
    assert dataclasses.replace(again) == again


@every_case
def test_the_attack_that_a_truth_names_poisons_the_same_rows_again(case: Case) -> None:
    def again(poisoned: Poisoned) -> Poisoned:
        named = parse(Attack, dict(poisoned.truth.attack), where="truth")
        return dataclasses.replace(case, attack=named).poison(count=COUNT)

    first = case.poisoned()
    if hasattr(case.attack, "patch"):  # the search for one draws from the same generator; from here on it stands
        first = again(first)
    assert again(first) == first


@every_case
def test_the_generator_decides_and_nothing_else(case: Case) -> None:
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    first = case.poison(count=COUNT, seed=5)
    np.random.seed(2)  # noqa: NPY002
    random.seed(2)
    assert case.poison(count=COUNT, seed=5) == first
    others = [case.poison(count=COUNT, seed=seed) for seed in (6, 7, 8)]
    assert any(other.truth.ids != first.truth.ids or other.pairs != first.pairs for other in others)


@picture_case
def test_files_do_not_tell_which_rows_are_poisoned(case: Case) -> None:
    poisoned = case.poisoned()
    mask = poisoned.truth.mask([pair.id for pair in poisoned.pairs])
    traces: dict[bool, set[Any]] = {True: set(), False: set()}
    for pair, is_poisoned in zip(poisoned.pairs, mask, strict=True):
        if pair.view:
            traces[is_poisoned].add(trace(pair.view))
    assert traces[True] <= traces[False]


def trace(view: bytes) -> Any:
    """Return everything about a PNG but its pixels: the types of its chunks, its header without size, its mode."""
    assert view.startswith(b"\x89PNG")
    chunks, at = [], 8
    while at < len(view):
        length = int.from_bytes(view[at : at + 4], "big")
        chunks.append(view[at + 4 : at + 8])
        at += 12 + length
    with Image.open(io.BytesIO(view)) as picture:
        mode, metadata = picture.mode, tuple(picture.info)
    return tuple(dict.fromkeys(chunks)), view[24:29], view[41:43], mode, metadata


@picture_case
def test_sizes_stay_unless_the_whole_table_is_resized(case: Case) -> None:
    side = getattr(case.attack, "side_px", None)
    poisoned = {pair.id: pair for pair in case.poisoned().pairs}
    for pair in case.pairs():
        assert bool(pair.view) == bool(poisoned[pair.id].view)
        if pair.view:
            wanted = pixels_of(pair.view).shape if side is None else (side, side, 3)
            assert pixels_of(poisoned[pair.id].view).shape == wanted


@trigger_case
def test_the_trigger_of_the_truth_is_the_trigger_of_the_rows(case: Case) -> None:
    poisoned = case.poisoned()
    attack: Any = parse(Attack, poisoned.truth.attack, where="truth")
    views = [pair.view for pair in case.pairs()]
    triggered = attack.trigger(views, rng=np.random.default_rng(0))
    assert len(triggered) == len(views)
    assert triggered == attack.trigger(views, rng=np.random.default_rng(0))
    assert all(bool(before) == bool(after) for before, after in zip(views, triggered, strict=True))
    if triggered == attack.trigger(views, rng=np.random.default_rng(1)):  # nothing about the trigger is random
        by_id = {pair.id: view for pair, view in zip(case.pairs(), triggered, strict=True)}
        rows = {pair.id: pair.view for pair in poisoned.pairs}
        for change in poisoned.truth.changes:
            if "view" in change.parts and change.source is None:
                assert rows[change.id] == by_id[change.id]


def as_toml(value: Any) -> str:
    """Return a value as TOML has it inline; None is left out, as TOML has none."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items() if item is not None) + "}"
    return "[" + ", ".join(map(as_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


@every_case
def test_an_attack_survives_toml(case: Case) -> None:
    plain = as_plain(case.attack)
    assert parse(Attack, tomllib.loads(f"attack = {as_toml(plain)}")["attack"], where="r.toml") == case.attack
    assert attack_settings(case.attack) == plain


@every_case
def test_a_count_that_cannot_be_poisoned_is_refused(case: Case) -> None:
    for count in (0, -1, len(case.pairs()) + 1):
        with pytest.raises(InputError) as caught:
            case.poison(count=count)
        assert "\n" not in str(caught.value)
        assert str(count) in str(caught.value)


@every_case
def test_a_poisoned_table_can_be_written(case: Case, tmp_path: Path) -> None:
    poisoned = case.poisoned()
    write_pairs(tmp_path / "p.parquet", poisoned.pairs, modality=case.modality)
    assert tuple(PairTable.open(tmp_path / "p.parquet").iter_pairs()) == poisoned.pairs
